# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The thread that owns the asyncio loop on which everything but the robot's callbacks runs."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.backends.contact import WatchedBackend
from spark_ros.escalation.courier import Courier, Event, Limits
from spark_ros.escalation.desk import Desk
from spark_ros.escalation.feed import Feed
from spark_ros.escalation.health import Health, Snapshot
from spark_ros.escalation.inbound.webhook_receiver import WebhookReceiver
from spark_ros.escalation.inquiry import Inquiries, Inquiry
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.poller import Poller
from spark_ros.escalation.question.asking import Asking, Sighting
from spark_ros.escalation.question.dry_run import Summary
from spark_ros.escalation.question.escalation import EncodedImage, Status

T = TypeVar('T')

SETTLE_S = 10.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WebhookSettings:
    """Where the service's pushes are received; without a secret none can be verified."""

    host: str
    port: int
    secret: str


@dataclass(frozen=True)
class CorridorSettings:
    """What the corridor needs to know.

    Attributes:
        asking: per camera name.
        poll_interval_s: the first delay between two polls.
        poll_max_interval_s: the longest.
        journal_max_bytes: what images in the journal may take; 0 is no limit.
        dry_run: whether nobody is asked, and what would be is only told.
        webhooks: where pushes are received, or None.
        images_elsewhere: images go to another service than questions.
    """

    asking: Mapping[str, Asking]
    limits: Limits = field(default_factory=Limits)
    poll_interval_s: float = 1.0
    poll_max_interval_s: float = 15.0
    journal_max_bytes: int = 0
    dry_run: bool = False
    webhooks: WebhookSettings | None = None
    images_elsewhere: bool = False


class Corridor:
    """Sightings in, answers out, on a thread of its own; every method is thread-safe."""

    def __init__(
        self,
        backend: Backend,
        journal: SafeJournal,
        settings: CorridorSettings,
        deliver: Callable[[Event], None],
    ) -> None:
        """Start the thread.

        Args:
            backend: the service; used and closed on the corridor's thread.
            journal: owned from here on, closed by `close`.
            settings: what to ask and how often to look.
            deliver: called on the corridor's thread with each status and answer; must only
                note it and return.
        """
        self._backend = WatchedBackend(backend, images_elsewhere=settings.images_elsewhere)
        self._journal = journal
        self._settings = settings
        self._health = Health(self._backend, journal, deliver)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name='corridor', daemon=True)
        self._thread.start()
        self._ready.wait()
        self._receiver: WebhookReceiver | None = None
        if settings.webhooks is not None:
            try:
                self._receiver = self._receive(settings.webhooks)
            except OSError:
                self.close()
                raise

    @property
    def health(self) -> Snapshot:
        """How everything stood a second ago; older where the corridor has stopped."""
        return self._health.snapshot

    def configure(self, settings: CorridorSettings) -> None:
        """Go on by other settings, all of them at once; `webhooks` stays as it was."""
        with suppress(RuntimeError):
            # The loop is closed once the corridor has stopped.
            self._loop.call_soon_threadsafe(self._configure, settings)

    def offer(self, sighting: Sighting) -> None:
        """Hand over a sighting; returns at once."""
        with suppress(RuntimeError):
            # The loop is closed once the corridor has stopped.
            self._loop.call_soon_threadsafe(self._desk.offer, sighting)

    def ask(self, inquiry: Inquiry) -> Future[str]:
        """Ask on purpose; gives an empty string once it is accepted, or why it is not.

        As every future of the corridor, it is cancelled, or never done, where it has stopped.
        """
        return self._call(self._inquiries.ask(inquiry))

    def cancel(self, id: str) -> Future[str]:
        """Withdraw a question; gives an empty string, or why that cannot be."""
        return self._call(self._inquiries.cancel(id))

    def listed(self, camera: str, at_most: int) -> Future[list[Status]]:
        """Give the oldest questions without an end, of one camera or, without a name, of all."""
        return self._call(self._courier.listed(camera, at_most))

    @property
    def dry_run(self) -> Summary | None:
        """What a dry run would have asked in the last hour; None where people are asked."""
        return self._desk.dry_run

    def published(self, id: str) -> None:
        """Note that an answer was handed to every output."""
        self._courier.published(id)

    def fetch_image(self, id: str, take: Callable[[EncodedImage | None], None]) -> None:
        """Hand the image of a question that is not `published` on, from another thread."""
        self._courier.fetch_image(id, take)

    def stop(self) -> None:
        """Stop asking and polling; what was delivered may still be marked as published."""
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join()

    def close(self) -> None:
        """Close the journal. The corridor cannot be used afterwards."""
        self.stop()
        self._courier.close()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            # The loop is closed once the corridor has stopped.
            coroutine.close()
            never: Future[T] = Future()
            never.cancel()
            return never

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        except asyncio.CancelledError:
            pass
        except Exception:
            logger.exception('the corridor stopped; questions stay in the journal')
        finally:
            self._ready.set()
            self._loop.run_until_complete(_end_all(self._loop))
            self._loop.close()

    def _configure(self, settings: CorridorSettings) -> None:
        self._courier.configure(settings.limits, settings.journal_max_bytes)
        self._go_dry(settings)
        self._poller.configure(settings.poll_interval_s, settings.poll_max_interval_s)

    def _go_dry(self, settings: CorridorSettings) -> None:
        self._courier.hold(settings.dry_run)
        self._desk.configure(
            settings.asking, settings.limits.per_hour, dry_run=settings.dry_run
        )

    async def _main(self) -> None:
        backend = self._backend
        settings = self._settings
        self._courier = Courier(backend, self._journal, self._health.deliver, settings.limits)
        self._desk = Desk(self._courier, settings.asking, self._health.deliver)
        self._inquiries = Inquiries(backend, self._courier, self._desk)
        poller = self._poller = Poller(
            backend, self._courier, settings.poll_interval_s, settings.poll_max_interval_s
        )
        self._courier.on_open = poller.watch
        feed = Feed(backend, self._courier, poller)
        self._courier.on_reached = feed.look_now
        self._go_dry(settings)
        self._task = asyncio.gather(
            self._courier.run(),
            self._desk.run(),
            poller.run(),
            feed.run(),
            self._health.run(self._courier, self._desk),
        )
        self._ready.set()
        try:
            await self._task
        finally:
            self._inquiries.close()
            await backend.aclose()

    def _receive(self, webhooks: WebhookSettings) -> WebhookReceiver:
        def look() -> None:
            self._loop.call_soon_threadsafe(self._poller.look_at_all)

        def take_in(body: object) -> bool:
            report = self._backend.read_push(body)
            settling = self._courier.take_push(report)
            return asyncio.run_coroutine_threadsafe(settling, self._loop).result(SETTLE_S)

        return WebhookReceiver(
            webhooks.host,
            webhooks.port,
            webhooks.secret,
            take_in,
            look,
        )


async def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what was called from other threads and has not come to its end."""
    left = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
