# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Poll a service for answers: soon after a question was opened, then less and less often."""

from __future__ import annotations

import asyncio
import heapq
import logging
import math
import time

import anyio

from spark_ros.clients.errors import AuthenticationError, ClientError, ConnectionFailed
from spark_ros.clients.retry import Backoff
from spark_ros.escalation.answers.router import AnswerRouter
from spark_ros.escalation.backends.backend import FETCHED_SINGLY, Asked, Backend
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.questions import Questions
from spark_ros.escalation.settings import Current

TOGETHER_S = 0.05
RELAXED_FACTOR = 20
LONGEST_OUTAGE_S = 30.0
logger = logging.getLogger(__name__)


class Poller:
    """One poller for all open questions of a node; each question has its own, doubling delay.

    A request to poll soon only moves polls forward; nothing from outside can delay one.
    """

    def __init__(
        self,
        backend: Backend,
        contacts: Contacts,
        questions: Questions,
        router: AnswerRouter,
        current: Current,
        reached: asyncio.Event,
    ) -> None:
        """Set up.

        Args:
            backend: is polled.
            contacts: records the results of polls.
            questions: the open questions.
            router: receives the reports of the service.
            current: the first delay between two polls, and the longest.
            reached: set when the service can be polled again after it could not.
        """
        self._backend, self._contacts = backend, contacts
        self._questions, self._router = questions, router
        self._current, self._reached = current, reached
        self._due: dict[str, float] = {}
        self._delay_s: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._intervals_s = self._configured_s
        self._wakes_at = 0.0
        self._relaxed = False
        self._failing = False
        self._down = False
        self._outage = Backoff(0.5, LONGEST_OUTAGE_S)

    def watch(self, id: str) -> None:
        """Poll a question from now on, until it is answered."""
        # Its answer may have come before its token was known here: look once, soon, in any case.
        self._bring_forward(id)
        if self._due.get(id, math.inf) < self._wakes_at:
            self._changed.set()

    def configure(self) -> None:
        """Go on by other settings: soon, if the delays between two polls are others."""
        if self._configured_s != self._intervals_s:
            self._intervals_s = self._configured_s
            self.poll_soon()

    def unwatch(self, id: str) -> None:
        """Stop polling a question."""
        self._due.pop(id, None)
        self._delay_s.pop(id, None)

    def relax(self, relaxed: bool) -> None:
        """Poll rarely while answers come by a faster way, and as usual otherwise."""
        if relaxed == self._relaxed:
            return
        self._relaxed = relaxed
        if not relaxed:
            self.poll_soon()

    def poll_soon(self) -> None:
        """Poll every open question soon."""
        for asked in self._questions.asked():
            self._bring_forward(asked.id)
        self._changed.set()

    @property
    def _configured_s(self) -> tuple[float, float]:
        settings = self._current.settings
        return settings.poll_interval_s, settings.poll_max_interval_s

    @property
    def _first_s(self) -> float:
        settings = self._current.settings
        return settings.poll_max_interval_s if self._relaxed else settings.poll_interval_s

    @property
    def _longest_s(self) -> float:
        factor = RELAXED_FACTOR if self._relaxed else 1
        return self._current.settings.poll_max_interval_s * factor

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
                    longest_s = self._current.settings.poll_max_interval_s
                    await asyncio.sleep(min(self._outage.next(), longest_s))

    async def _wait(self) -> None:
        while True:
            self._wakes_at = min(self._due.values(), default=math.inf)
            rest_s = self._wakes_at - time.monotonic()
            if rest_s <= 0:
                return
            self._changed.clear()
            # Up to Python 3.11 `asyncio.wait_for` loses a cancellation at times.
            with anyio.move_on_after(rest_s):
                await self._changed.wait()

    def _take_due(self) -> list[Asked]:
        """Take the questions that are due now or very soon; fewer, to keep a limited rate."""
        soon, rate = time.monotonic() + TOGETHER_S, self._backend.polls_per_s
        due = [(at, id) for id, at in self._due.items() if at <= soon]
        taken: list[Asked] = []
        for _, id in heapq.nsmallest(max(int(rate), 1) if rate else len(due), due):
            del self._due[id]
            question = self._questions.get(id)
            if question is not None and question.token:
                taken.append(Asked(id, question.token))
        return taken

    async def _poll(self, due: list[Asked]) -> None:
        moved, failed = set(), True
        # Where a list is read anyway, it is read for all that are open.
        listed = self._backend.polls_per_s is None and len(due) > FETCHED_SINGLY
        asked = list(self._questions.asked()) if listed else due
        try:
            with self._contacts.recorded():
                async for report in self._backend.poll(asked):
                    if await self._router.route(report):
                        moved.add(report.token)
            self._down = failed = False
            self._outage.reset()
            if self._failing:
                self._failing = False
                self._reached.set()
        except (ClientError, ValueError) as error:
            if not self._failing:
                logger.warning('polling failed; trying again: %s', error)
            self._failing = True
            self._down = isinstance(error, ConnectionFailed | AuthenticationError)
        except Exception:
            logger.exception('polling failed; trying again')
        for one in due:
            if self._questions.get(one.id) is None or one.id in self._due:
                # It is over, or somebody has asked meanwhile to look again soon.
                continue
            delay_s = self._delay_s.get(one.id, self._first_s)
            # Somebody has just taken it or put it back: the answer is near. What could not be
            # looked at is no reason to look more rarely.
            if one.token in moved:
                delay_s = self._first_s
            elif not failed:
                delay_s = min(max(2 * delay_s, self._first_s), self._longest_s)
            self._schedule(one.id, delay_s)

    def _bring_forward(self, id: str) -> None:
        delay_s = self._current.settings.poll_interval_s
        if time.monotonic() + delay_s < self._due.get(id, float('inf')):
            self._schedule(id, delay_s)

    def _schedule(self, id: str, delay_s: float) -> None:
        self._delay_s[id] = delay_s
        self._due[id] = time.monotonic() + delay_s
