# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A snapshot of the questions each second, made on their thread and handed over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from spark_ros.escalation.backends.contact import Contact, Contacts
from spark_ros.escalation.engagement import Context, Event
from spark_ros.escalation.health.lately import Lately
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal, JournalUse
from spark_ros.escalation.question.escalation import Resolved, Status, robot_of
from spark_ros.escalation.questions import Standing
from spark_ros.escalation.triage import Triage
from spark_ros.model import State
from spark_ros.wire.step_log import log_step

EVERY_S = 1.0
MEASURE_EVERY_S = 5.0
LATELY_S = 60.0
PUSHED_LATELY_S = 600.0
MAX_TIMES = 200
# The service's words for what happened to a question.
STEPS = {State.ASSIGNED: 'claimed', State.CLOSED: 'answered'}
FAILURES = (State.FAILED, State.EXPIRED, State.CANCELED)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """The state of everything at one moment; times are on the steady clock.

    Attributes:
        connected: whether people can be asked at all; not needed in a dry run.
        service, images: the state of the services, from the calls to them.
        operators: how many people are there to answer, where the service says so.
        retries: how often something had to be sent again.
        paths: the ways by which answers arrive now, the fastest first.
        dropped: how many questions were not asked, by cause.
        dropped_lately: of these, in the last minute.
        unusable: by camera, how many frames could not be encoded.
        ended: how many questions ended in which state.
        reused: how many frames were answered by an earlier answer.
        response_times_s: of the last answers, sorted.
        journal_path: its file, or None where it is in memory.
        refused: why the disk refuses the journal now, or empty.
        spared: how many questions are in memory only, because of that.
        unreadable: how many of its rows were set aside because they cannot be read.
        measured_at: when `use` was measured.
    """

    at: float
    connected: bool = False
    service: Contact = field(default_factory=Contact)
    images: Contact = field(default_factory=Contact)
    operators: int | None = None
    retries: int = 0
    paths: tuple[str, ...] = ()
    standing: Standing = field(default_factory=Standing)
    dropped: Mapping[str, int] = field(default_factory=dict)
    dropped_lately: Mapping[str, int] = field(default_factory=dict)
    unusable: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)
    reused: int = 0
    response_times_s: tuple[float, ...] = ()
    journal_path: Path | None = None
    refused: str = ''
    spared: int = 0
    unreadable: int = 0
    use: JournalUse = field(default_factory=JournalUse)
    measured_at: float = 0.0

    def response_time_s(self, share: float) -> float | None:
        """Return the time within which a share of the last answers came; None without answers."""
        times = self.response_times_s
        return times[min(int(share * len(times)), len(times) - 1)] if times else None


class Health:
    """Watch the runtime from within; everything but `snapshot` stays on its loop.

    Attributes:
        snapshot: the newest; replaced as a whole, so any thread may read it.
    """

    def __init__(self, deliver: Callable[[Event], None]) -> None:
        """Watch the events that are delivered; `run` makes the snapshots."""
        self._deliver = deliver
        now = time.monotonic()
        self._lately = Lately(LATELY_S, now)
        self._times: deque[float] = deque(maxlen=MAX_TIMES)
        self._ended: Counter[str] = Counter()
        self._context: Context | None = None
        self._measuring: asyncio.Future[JournalUse] | None = None
        self._use = JournalUse()
        self._measured_at = now - MEASURE_EVERY_S
        self.snapshot = Snapshot(now)

    def deliver(self, event: Event) -> None:
        """Pass an event on, count it and log it."""
        if isinstance(event, Resolved):
            received = event.answer.received
            if received is not None and not event.recovered:
                self._times.append(max(received - event.escalation.created, 0.0))
        else:
            if event.state.terminal:
                self._ended[event.state.value] += 1
            _log(event)
        self._deliver(event)

    def watch(self, context: Context) -> None:
        """Include the questions in snapshots from now on."""
        self._context = context
        self._measured_at = time.monotonic() - MEASURE_EVERY_S

    async def run(self, triage: Triage) -> None:
        """Make snapshots until cancelled."""
        while True:
            try:
                self.snapshot = self._take_snapshot(triage, time.monotonic())
            except Exception:
                logger.exception('cannot update the diagnostics')
            await asyncio.sleep(EVERY_S)

    def _take_snapshot(self, triage: Triage, now: float) -> Snapshot:
        context = self._context
        dropped = triage.dropped + (context.dropped if context else Counter())
        seen = Snapshot(
            at=now,
            dropped=dropped,
            dropped_lately=self._lately.update(dropped, now),
            unusable=dict(triage.unusable),
            ended=dict(self._ended),
            reused=triage.reused,
            response_times_s=tuple(sorted(self._times)),
            measured_at=now,
        )
        if context is None:
            return seen
        self._measure(context.journal, now)
        return replace(
            seen,
            connected=True,
            service=context.contacts.service,
            images=context.contacts.images,
            operators=context.backend.operators,
            retries=context.contacts.retries,
            paths=_paths(context.contacts, now),
            standing=context.questions.standing(now),
            journal_path=context.journal.disk.path,
            refused=context.journal.refused,
            spared=len(context.journal.spared),
            unreadable=context.journal.disk.unreadable,
            use=self._use,
            measured_at=self._measured_at,
        )

    def _measure(self, journal: AsyncJournal, now: float) -> None:
        """Have the journal measured now and then, without waiting for its disk."""
        if self._measuring is not None:
            if self._measuring.done():
                measured, self._measuring = self._measuring, None
                self._use, self._measured_at = measured.result(), now
        elif now - self._measured_at >= MEASURE_EVERY_S:
            self._measuring = asyncio.ensure_future(journal.read_or(Journal.use, self._use))


def _log(status: Status) -> None:
    if status.state is State.WOULD_ASK:
        return
    # What the service says of a question it says in its own log.
    detail = status.detail if status.state in FAILURES else None
    log_step(
        logger, STEPS.get(status.state, status.state.value), question=status.escalation.id,
        token=status.token, robot=robot_of(status.escalation), camera=status.escalation.camera,
        detail=detail or None,
    )  # fmt: skip


def _paths(contacts: Contacts, now: float) -> tuple[str, ...]:
    """Return the ways by which answers arrive now, the fastest first."""
    pushed = contacts.pushed_at is not None and now - contacts.pushed_at < PUSHED_LATELY_S
    faster = ('webhook',) * pushed + ('change feed',) * contacts.follows_feed
    return faster or ('polling',)
