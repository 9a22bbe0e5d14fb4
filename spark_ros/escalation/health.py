# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How the questions are doing: a snapshot each second, made where they are and handed over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spark_ros.escalation.backends.contact import Contact, WatchedBackend
from spark_ros.escalation.courier import Courier, Event
from spark_ros.escalation.desk import Desk
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.journal.use import JournalUse
from spark_ros.escalation.lately import Lately
from spark_ros.escalation.question.escalation import Resolved
from spark_ros.escalation.questions import Standing

EVERY_S = 1.0
MEASURE_EVERY_S = 5.0
LATELY_S = 60.0
PUSHED_LATELY_S = 600.0
MAX_TIMES = 200
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """How everything stood at one moment; times are on the steady clock.

    Attributes:
        service, images: what is known of the services, from the calls to them.
        retries: how many times something had to be sent again.
        paths: the ways that answers come home just now, the fastest first.
        dropped: why how many questions were not asked.
        dropped_lately: of these, in the last minute.
        unusable: by camera, how many frames could not be encoded.
        ended: how many questions ended in which state.
        response_times_s: of the last answers, sorted.
        journal_path: its file, or None where it is in memory.
        refused: why the disk refuses the journal just now, or empty.
        spared: how many questions are in memory only, because of that.
        measured_at: when `use` was measured.
    """

    at: float
    service: Contact = field(default_factory=Contact)
    images: Contact = field(default_factory=Contact)
    retries: int = 0
    paths: tuple[str, ...] = ()
    standing: Standing = field(default_factory=Standing)
    dropped: Mapping[str, int] = field(default_factory=dict)
    dropped_lately: Mapping[str, int] = field(default_factory=dict)
    unusable: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)
    response_times_s: tuple[float, ...] = ()
    journal_path: Path | None = None
    refused: str = ''
    spared: int = 0
    use: JournalUse = field(default_factory=JournalUse)
    measured_at: float = 0.0

    def response_time_s(self, share: float) -> float | None:
        """Return the time in which a share of the last answers came, or None without any."""
        times = self.response_times_s
        return times[min(int(share * len(times)), len(times) - 1)] if times else None


class Health:
    """Watch the corridor from within; everything but `snapshot` stays on its loop.

    Attributes:
        snapshot: the newest; replaced as a whole, so any thread may read it.
    """

    def __init__(
        self, backend: WatchedBackend, journal: SafeJournal, deliver: Callable[[Event], None]
    ) -> None:
        """Watch what is delivered; `run` makes the snapshots."""
        self._backend, self._journal, self._deliver = backend, journal, deliver
        now = time.monotonic()
        self._lately = Lately(LATELY_S, now)
        self._times: deque[float] = deque(maxlen=MAX_TIMES)
        self._ended: Counter[str] = Counter()
        self._measuring: asyncio.Future[JournalUse] | None = None
        self._use = JournalUse()
        self._measured_at = now - MEASURE_EVERY_S
        self.snapshot = Snapshot(now)

    def deliver(self, event: Event) -> None:
        """Pass an event on, and note how it went."""
        if isinstance(event, Resolved):
            received = event.answer.received
            if received is not None and not event.recovered:
                self._times.append(max(received - event.escalation.created, 0.0))
        elif event.state.terminal:
            self._ended[event.state.value] += 1
        self._deliver(event)

    async def run(self, courier: Courier, desk: Desk) -> None:
        """Make snapshots until cancelled."""
        while True:
            try:
                self._measure(courier)
                self.snapshot = self._look(courier, desk)
            except Exception:
                logger.exception('the diagnostics could not be brought up to date')
            await asyncio.sleep(EVERY_S)

    def _look(self, courier: Courier, desk: Desk) -> Snapshot:
        now = time.monotonic()
        dropped = courier.dropped + desk.dropped
        return Snapshot(
            at=now,
            service=self._backend.service,
            images=self._backend.images,
            retries=self._backend.retries,
            paths=self._paths(now),
            standing=courier.standing(now),
            dropped=dropped,
            dropped_lately=self._lately.look(dropped, now),
            unusable=dict(desk.unusable),
            ended=dict(self._ended),
            response_times_s=tuple(sorted(self._times)),
            journal_path=self._journal.path,
            refused=self._journal.refused,
            spared=self._journal.spared,
            use=self._use,
            measured_at=self._measured_at,
        )

    def _paths(self, now: float) -> tuple[str, ...]:
        pushed_at = self._backend.pushed_at
        pushed = pushed_at is not None and now - pushed_at < PUSHED_LATELY_S
        faster = ('webhook',) * pushed + ('change feed',) * self._backend.follows_feed
        return faster or ('polling',)

    def _measure(self, courier: Courier) -> None:
        """Have the journal measured now and then, without waiting for its disk."""
        now = time.monotonic()
        if self._measuring is not None:
            if self._measuring.done():
                measured, self._measuring = self._measuring, None
                self._use, self._measured_at = measured.result(), now
        elif now - self._measured_at >= MEASURE_EVERY_S:
            self._measuring = asyncio.ensure_future(courier.journal_use())
