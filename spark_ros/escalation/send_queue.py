# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Order the sending of questions: most urgent first, four at a time, none in an outage."""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from spark_ros.clients.errors import AuthenticationError, ClientError, RateLimitedError
from spark_ros.clients.retry import Backoff
from spark_ros.escalation.questions import Question, Questions
from spark_ros.escalation.settings import Current

AT_ONCE = 4
LONGEST_RETRY_AFTER_S = 60.0
SAY_AGAIN_S = 600.0
logger = logging.getLogger(__name__)


class SendQueue:
    """Lets questions be sent one after another; none in a dry run.

    A 429 delays all by what the service asks for. No connection, a token that is refused and
    failures of two different questions in a row are an outage, and delay all, too. Any other
    failure delays its own question.
    """

    def __init__(self, questions: Questions, current: Current, reached: asyncio.Event) -> None:
        """Set up.

        Args:
            questions: told which of them has its turn.
            current: whether it is a dry run.
            reached: set when the service takes a question after one could not be sent.
        """
        self._questions, self._current, self._reached = questions, current, reached
        self._waiting: list[tuple[tuple[int, float, float, str], asyncio.Future[None]]] = []
        self._busy = 0
        self._closed_until = 0.0
        self._opening: asyncio.TimerHandle | None = None
        self._outage = Backoff(0.5, 30.0)
        self._failed_last = ''
        self._said: tuple[type[ClientError], float] | None = None

    @asynccontextmanager
    async def turn(self, question: Question) -> AsyncIterator[bool]:
        """Wait for a question's turn and hold it; False if the question expired first.

        A question whose last attempt failed waits for its own delay first.
        """
        entry, granted = question.entry, asyncio.get_running_loop().create_future()
        try:
            with anyio.move_on_after(max(question.left_s, 0.0)):
                if (rest := question.not_before - time.monotonic()) > 0:
                    await asyncio.sleep(rest)
                heapq.heappush(self._waiting, (entry.order, granted))
                self.give_turns()
                await granted
            held = granted.done() and not granted.cancelled()
            if held:
                self._questions.update(question, sending=True)
            yield held
        finally:
            if granted.done() and not granted.cancelled():
                self._busy -= 1
                self._questions.update(question, sending=False)
                self.give_turns()
            granted.cancel()

    def give_turns(self) -> None:
        """Start sending as many waiting questions as allowed; call it after each change."""
        while self._waiting and self._busy < AT_ONCE and not self._current.settings.dry_run:
            if (pause := self._closed_until - time.monotonic()) > 0:
                if self._opening is None:
                    loop = asyncio.get_running_loop()
                    self._opening = loop.call_later(pause, self._open)
                return
            granted = heapq.heappop(self._waiting)[1]
            if not granted.done():
                self._busy += 1
                granted.set_result(None)

    def succeeded(self) -> None:
        """Note that the service has taken a question."""
        self._outage.reset()
        if self._said is not None:
            self._said = None
            logger.info('the service accepts questions again')
        if self._failed_last:
            self._failed_last = ''
            self._reached.set()

    def failed(self, question: Question, error: ClientError) -> None:
        """Delay the question that failed, or all questions in an outage."""
        id, now = question.entry.id, time.monotonic()
        another, self._failed_last = self._failed_last not in ('', id), id
        asked_s = min(error.retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)
        if isinstance(error, RateLimitedError):
            until = now + (asked_s or self._outage.next())
            self._closed_until = max(until, self._closed_until)
        elif error.outage or another:
            # All who have their turn meet one outage at the same time; it counts once.
            if now >= self._closed_until:
                self._closed_until = now + self._outage.next()
            self._log_outage(error, now)
        else:
            question.not_before = now + max(question.backoff.next(), asked_s)
        if not error.outage:
            logger.warning('cannot send %s; trying again: %s', id, error)

    def _open(self) -> None:
        self._opening = None
        self.give_turns()

    def _log_outage(self, error: ClientError, now: float) -> None:
        """Log an outage when it begins, and then rarely: it may last for days."""
        if self._said is not None:
            kind, at = self._said
            if kind is type(error) and now - at < SAY_AGAIN_S:
                return
        self._said = type(error), now
        log = logger.error if isinstance(error, AuthenticationError) else logger.warning
        log(
            'cannot send questions; keeping %d and trying again: %s',
            self._questions.waiting(), error,
        )  # fmt: skip
