# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Poll a service for answers: soon after a question was opened, then ever more rarely."""

from __future__ import annotations

import asyncio
import heapq
import logging
import time

from spark_ros.clients.errors import AuthenticationError, ClientError, ConnectionFailed
from spark_ros.escalation.backends.backend import FEW, Asked, Backend
from spark_ros.escalation.backoff import Backoff
from spark_ros.escalation.courier import Courier

TOGETHER_S = 0.05
RELAXED_FACTOR = 20
LONGEST_OUTAGE_S = 30.0
logger = logging.getLogger(__name__)


class Poller:
    """One poller for all open questions of a node; each has a delay of its own, which doubles."""

    def __init__(
        self, backend: Backend, courier: Courier, interval_s: float, max_interval_s: float
    ) -> None:
        """Poll a question after `interval_s`, then after twice that, up to `max_interval_s`."""
        self._backend = backend
        self._courier = courier
        self._interval_s = interval_s
        self._max_interval_s = max_interval_s
        self._due: list[tuple[float, str]] = []
        self._delay_s: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._relaxed = False
        self._failing = False
        self._down = False
        self._outage = Backoff(0.5, min(max_interval_s, LONGEST_OUTAGE_S))

    def configure(self, interval_s: float, max_interval_s: float) -> None:
        """Change the delays; every open question is polled by the new ones from now on."""
        if (interval_s, max_interval_s) != (self._interval_s, self._max_interval_s):
            self._interval_s, self._max_interval_s = interval_s, max_interval_s
            self._outage.longest_s = min(max_interval_s, LONGEST_OUTAGE_S)
            self.look_at_all()

    def watch(self, id: str) -> None:
        """Poll a question from now on, until it is answered."""
        # Its answer may have come before its token was known here: look once, soon, in any case.
        self._schedule(id, self._interval_s)
        self._changed.set()

    def relax(self, relaxed: bool) -> None:
        """Poll ever so rarely while answers come by a faster way; as usual when they do not."""
        if relaxed == self._relaxed:
            return
        self._relaxed = relaxed
        if not relaxed:
            self.look_at_all()

    def look_at_all(self) -> None:
        """Poll every open question soon."""
        self._due.clear()
        for asked in self._courier.all_asked():
            self._schedule(asked.id, self._interval_s)
        self._changed.set()

    @property
    def _first_s(self) -> float:
        return self._max_interval_s if self._relaxed else self._interval_s

    @property
    def _longest_s(self) -> float:
        return self._max_interval_s * (RELAXED_FACTOR if self._relaxed else 1)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await self._wait()
            due = self._take_due()
            if due:
                await self._poll(due)
                rate = self._backend.polls_per_s
                if rate is not None:
                    await asyncio.sleep(len(due) / rate)
                if self._down:
                    # However many are due: one that fails says what the others would.
                    await asyncio.sleep(self._outage.next())

    async def _wait(self) -> None:
        while not self._due or self._due[0][0] > time.monotonic():
            self._changed.clear()
            rest = self._due[0][0] - time.monotonic() if self._due else None
            try:
                await asyncio.wait_for(self._changed.wait(), rest)
            except asyncio.TimeoutError:
                return

    def _take_due(self) -> list[Asked]:
        """Take what is due, or will be in a moment; a limited rate is kept by taking less."""
        most = max(int(self._backend.polls_per_s or 0), 1) if self._backend.polls_per_s else None
        soon = time.monotonic() + TOGETHER_S
        taken: dict[str, Asked] = {}
        while self._due and self._due[0][0] <= soon and (most is None or len(taken) < most):
            _, id = heapq.heappop(self._due)
            asked = self._courier.asked(id)
            if asked is None:
                self._delay_s.pop(id, None)
            else:
                taken[id] = asked
        return list(taken.values())

    async def _poll(self, due: list[Asked]) -> None:
        moved, failed = set(), True
        # Where a list is read anyway, it is read for all that are open.
        listed = self._backend.polls_per_s is None and len(due) > FEW
        asked = self._courier.all_asked() if listed else due
        try:
            async for report in self._backend.poll(asked):
                if await self._courier.settle(report):
                    moved.add(report.token)
            self._down = failed = False
            self._outage.reset()
            if self._failing:
                self._failing = False
                self._courier.on_reached()
        except (ClientError, ValueError) as error:
            if not self._failing:
                logger.warning('polling failed and will be tried again: %s', error)
            self._failing = True
            self._down = isinstance(error, ConnectionFailed | AuthenticationError)
        except Exception:
            logger.exception('polling failed and will be tried again')
        for question in due:
            delay_s = self._delay_s.get(question.id, self._first_s)
            # Somebody has just taken it or put it back: the answer is near. What could not be
            # looked at is no reason to look more rarely.
            if question.token in moved:
                delay_s = self._first_s
            elif not failed:
                delay_s = min(max(2 * delay_s, self._first_s), self._longest_s)
            self._schedule(question.id, delay_s)

    def _schedule(self, id: str, delay_s: float) -> None:
        self._delay_s[id] = delay_s
        heapq.heappush(self._due, (time.monotonic() + delay_s, id))
