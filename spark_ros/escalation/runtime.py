# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The thread with the asyncio loop that runs everything except the robot's callbacks."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from spark_ros.escalation.answers.feed import Feed
from spark_ros.escalation.answers.webhook_receiver import WebhookReceiver, WebhookSettings
from spark_ros.escalation.backends.backend import Backend, Report
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.engagement import Context, Event
from spark_ros.escalation.engagements import Engagements, cancel_all
from spark_ros.escalation.health.snapshot import Health, Snapshot
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.asking import DetectedFrame
from spark_ros.escalation.question.dry_run import Summary
from spark_ros.escalation.question.escalation import EncodedImage, Status
from spark_ros.escalation.question.request import Request
from spark_ros.escalation.settings import Current, Settings
from spark_ros.escalation.triage import Triage

T = TypeVar('T')

CLOSE_S = 10.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connection:
    """What is needed to ask people, and not in a dry run.

    Attributes:
        backend: the service; used and closed on the runtime's thread.
        journal: owned by the runtime from here on, and closed by it.
        webhooks: where pushes are received, or None.
        images_elsewhere: images go to another service than questions.
    """

    backend: Backend
    journal: AsyncJournal
    webhooks: WebhookSettings | None = None
    images_elsewhere: bool = False


class Runtime:
    """Frames in, answers out, on a thread of its own; every method is thread-safe.

    Attributes:
        paused: whether nothing is asked because of detections.
    """

    def __init__(
        self,
        settings: Settings,
        deliver: Callable[[Event], None],
        died: Callable[[], None] = lambda: None,
        log: DecisionLog | None = None,
    ) -> None:
        """Start the thread; people can be asked after `connect`.

        Args:
            settings: what to ask and how often to poll.
            deliver: called on the runtime's thread with each status and answer; must only queue
                it and return.
            died: called on the runtime's thread when it ends by an error: nothing will be asked
                or answered any more.
            log: has each decision, or is None; owned by the runtime, and closed by it.
        """
        self._current = Current(settings)
        # The newest, on the robot's thread; the loop's follow.
        self._settings = settings
        self._died, self._log = died, log
        self.paused = self._stopping = False
        self._health = Health(deliver)
        self._connected: Future[Connection] = Future()
        self._journal: AsyncJournal | None = None
        self._receiver: WebhookReceiver | None = None
        self._engagements: Engagements | None = None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name='escalation', daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def connected(self) -> bool:
        """Whether people can be asked."""
        return self._connected.done()

    def connect(self, connection: Connection) -> None:
        """Start to ask people; call it once.

        Raises:
            OSError: pushes cannot be received at that address.
        """
        if connection.webhooks is not None:
            try:
                self._receiver = WebhookReceiver(
                    connection.webhooks, connection.backend.read_push,
                    lambda report: self._call(self._take_in(report)), self._poll_soon,
                )  # fmt: skip
            except OSError:
                connection.journal.close()
                self._call(connection.backend.aclose()).result(CLOSE_S)
                raise
        self._journal = connection.journal
        self._connected.set_result(connection)

    @property
    def health(self) -> Snapshot:
        """The state of a second ago; older if the runtime has stopped."""
        return self._health.snapshot

    @property
    def dry_run(self) -> Summary | None:
        """What a dry run would have asked in the last hour; None where people are asked."""
        return self._triage.dry_run

    def configure(self, settings: Settings) -> None:
        """Apply changed settings, all at once."""
        self._settings = settings
        self._post(self._configure, settings)

    def offer(self, frame: DetectedFrame) -> None:
        """Hand over a frame; returns at once."""
        if not self.paused and not self._triage.pass_over(frame, self._settings):
            self._post(self._triage.offer, frame)

    def ask(self, request: Request) -> Future[str]:
        """Ask on purpose; the result is an empty string once it is accepted, or why it is not.

        If the runtime has stopped, this and every other future of it is cancelled or never done.
        """
        return self._call(self._triage.ask(request))

    def withdraw(self, id: str) -> Future[str]:
        """Withdraw a question; the result is an empty string, or why that is impossible."""
        return self._call(self._triage.withdraw(id))

    def listed(self, camera: str, at_most: int) -> Future[list[Status]]:
        """Return the oldest open questions, of one camera or, without a name, of all."""
        return self._call(self._listed(camera, at_most))

    def published(self, id: str) -> None:
        """Forget a question whose answer has been handed to every output."""
        if self._journal is not None:
            self._journal.post(Journal.done, id)

    def fetch_image(self, id: str, take: Callable[[EncodedImage | None], None]) -> None:
        """Call `take` with a question's image, from any thread; with None if it is gone.

        It is there when this is called before `published`, unless its room was needed.
        """

        def hand_on(image: Future[EncodedImage]) -> None:
            take(None if image.exception() else image.result())

        if self._journal is not None:
            self._journal.fetch(Journal.image, id).add_done_callback(hand_on)

    def stop(self) -> None:
        """Stop asking and polling; what was delivered may still be marked as published."""
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None
        self._stopping = True
        while self._thread.is_alive():
            # Again and again: old versions of anyio lose a cancellation at times.
            self._post(self._task.cancel)
            self._thread.join(1.0)

    def close(self) -> None:
        """Close the journal and the log of decisions. The runtime cannot be used afterwards."""
        self.stop()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def _post(self, call: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):
            # The loop is closed once the runtime has stopped.
            self._loop.call_soon_threadsafe(call, *arguments)

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            # The loop is closed once the runtime has stopped.
            coroutine.close()
            never: Future[T] = Future()
            never.cancel()
            return never

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        except asyncio.CancelledError:
            if not self._stopping:
                logger.error('asking has stopped: a task was cancelled')
                self._died()
        except Exception:
            logger.exception('asking has stopped; questions stay in the journal')
            self._died()
        finally:
            self._ready.set()
            self._loop.run_until_complete(_end_all(self._loop))
            self._loop.close()

    async def _main(self) -> None:
        self._triage = Triage(self._current, self._deliver, log=self._log)
        self._task = asyncio.gather(
            self._triage.run(), self._health.run(self._triage), self._ask_people()
        )
        self._ready.set()
        await self._task

    async def _ask_people(self) -> None:
        """Send questions and fetch answers, once the runtime is connected."""
        connection = await asyncio.wrap_future(self._connected)
        context = Context(
            connection.backend, Contacts(images_elsewhere=connection.images_elsewhere),
            connection.journal, self._current, self._deliver,
        )  # fmt: skip
        engagements = Engagements(context)
        # First of all: what the feed or a push says of a question of a former run must find it.
        engagements.recover()
        feed = Feed(
            context.backend, context.contacts, context.journal, context.router, context.poller,
            context.reached,
        )  # fmt: skip
        self._engagements = engagements
        self._health.watch(context)
        self._triage.connect(engagements)
        try:
            await asyncio.gather(engagements.run(), feed.run())
        finally:
            await context.backend.aclose()

    def _deliver(self, event: Event) -> None:
        """Pass on what happened to a question."""
        self._triage.heard(event)
        self._health.deliver(event)

    def _configure(self, settings: Settings) -> None:
        self._current.settings = settings
        self._triage.configure()
        if self._engagements is not None:
            self._engagements.configure()

    async def _listed(self, camera: str, at_most: int) -> list[Status]:
        if self._engagements is None:
            return []
        return await self._engagements.listed(camera, at_most)

    async def _take_in(self, report: Report) -> bool:
        if self._engagements is None:
            return False
        context = self._engagements.context
        context.contacts.pushed()
        return await context.router.take_push(report)

    def _poll_soon(self) -> None:
        if self._engagements is not None:
            self._post(self._engagements.context.poller.poll_soon)


async def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel unfinished calls from other threads."""
    await cancel_all(asyncio.all_tasks(loop) - {asyncio.current_task(loop)})
