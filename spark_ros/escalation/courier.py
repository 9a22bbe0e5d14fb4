# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The courier: takes accepted questions to the service and brings answers back.

Everything here runs on one asyncio loop; the journal has a thread of its own. A question is in
the journal before its first byte goes out, and stays there until its end has been published.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from spark_ros.clients.errors import (
    AuthenticationError,
    ClientError,
    ConnectionFailed,
)
from spark_ros.escalation.backend import Asked, Backend, Report
from spark_ros.escalation.backoff import Backoff
from spark_ros.escalation.deadlines import Deadlines
from spark_ros.escalation.escalation import EncodedImage, Escalation, Resolved, Status
from spark_ros.escalation.journal import Entry, JournalFull
from spark_ros.escalation.policy import HourlyLimit
from spark_ros.escalation.questions import Question, Questions
from spark_ros.escalation.safe_journal import SafeJournal
from spark_ros.model import State
from spark_ros.wire.values import WireError

P = ParamSpec('P')
T = TypeVar('T')

Event = Resolved | Status

SENDERS = 4
KEEP_EXPIRED_S = 24 * 3600.0
MAX_RETRY_AFTER_S = 3600.0
MAX_EARLY = 1000
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How much is asked; 0 is no limit.

    Attributes:
        open: questions waiting to be sent or answered at one time.
        per_hour: questions in any 3600 seconds.
    """

    open: int = 50
    per_hour: int = 0


class Courier:
    """Carry questions there and answers back.

    Attributes:
        dropped: why how many questions were not asked.
        on_open: called with the id of a question that the service has, so that it is polled.
    """

    def __init__(
        self,
        backend: Backend,
        journal: SafeJournal,
        emit: Callable[[Event], None],
        limits: Limits,
    ) -> None:
        """Set up; nothing moves before `run`.

        Args:
            backend: the service.
            journal: used from one thread of the courier's own.
            emit: called on the loop with every status and answer; must not block.
            limits: how much is asked.
        """
        self._backend = backend
        self._journal = journal
        self._emit = emit
        self._limits = limits
        self._hourly = HourlyLimit(limits.per_hour)
        self._disk = ThreadPoolExecutor(1, 'journal')
        self._questions = Questions()
        self._ready: list[tuple[int, float, float, str]] = []
        self._early: OrderedDict[str, Report] = OrderedDict()
        self._wake = asyncio.Event()
        self._deadlines = Deadlines()
        self._outage = Backoff(0.5, 30.0)
        self._gate = 0.0
        self.dropped: Counter[str] = Counter()
        self.on_open: Callable[[str], None] = lambda id: None

    async def run(self) -> None:
        """Recover what a former run left, then send until cancelled."""
        for resolved in await self._on_disk(lambda: list(self._journal.unpublished())):
            self._emit(resolved)
        for entry in await self._on_disk(self._journal.entries):
            if entry.state in (State.QUEUED, State.OPEN, State.ASSIGNED, State.EXPIRED):
                self._take(entry)
        if self._questions:
            logger.info('the journal brought back %d unanswered questions', len(self._questions))
        await asyncio.gather(
            self._deadlines.run(self._expire), *(self._send_forever() for _ in range(SENDERS))
        )

    def admits(self, certainty: float, now: float) -> str:
        """Return an empty string, or why one more question cannot be asked now.

        A question that is less certain than one still waiting to be sent takes its place.
        """
        if self._hourly.reached(now):
            return 'limits.per_hour'
        full = 0 < self._limits.open <= self._questions.waiting()
        if full and self._questions.most_certain_unsent(certainty) is None:
            return 'limits.open'
        return ''

    async def submit(self, escalation: Escalation, image: EncodedImage, now: float) -> None:
        """Accept a question: it is on the disk when this returns.

        Where unsent images take all the room in the journal, the oldest of the lowest priority
        are given up.

        Raises:
            JournalFull: there is no room even so, and it was not accepted.
        """
        while True:
            try:
                entry = await self._on_disk(self._journal.add, escalation, image)
                break
            except JournalFull:
                oldest = self._questions.oldest_unsent(escalation.priority)
                if oldest is None:
                    raise
                self.dropped['journal.max_mb'] += 1
                await self._end(oldest, State.FAILED, 'given up: journal.max_mb is full')
        if 0 < self._limits.open <= self._questions.waiting():
            gives_way = self._questions.most_certain_unsent(escalation.certainty)
            if gives_way is not None:
                self.dropped['gave way'] += 1
                await self._end(gives_way, State.CANCELED, 'gave way to a less certain question')
        self._hourly.note(now)
        self._take(entry)
        self._emit(Status(escalation, State.QUEUED))

    def published(self, id: str) -> None:
        """Forget a question whose answer has been handed to every output."""
        self._disk.submit(self._journal.done, id)

    def asked(self, id: str) -> Asked | None:
        """Return a question that the service has and has not answered, else None."""
        question = self._questions.get(id)
        return Asked(id, question.token) if question is not None and question.token else None

    def all_asked(self) -> list[Asked]:
        """Return all questions that the service has and has not answered, oldest first."""
        return list(self._questions.asked())

    async def settle(self, report: Report) -> bool:
        """Take in what the service says of a question; return whether that was news.

        What it says before it has answered our request for a token is kept for that moment.
        """
        question = self._questions.of_token(report.token)
        if question is None:
            self._early[report.token] = report
            while len(self._early) > MAX_EARLY:
                self._early.popitem(last=False)
            return False
        if report.state == question.state or 0 < report.sequence < question.sequence:
            return False
        question.sequence = report.sequence
        if report.state.terminal:
            return await self._resolve(question, report)
        if question.state is State.EXPIRED:
            return False
        question.state = report.state
        await self._on_disk(self._journal.note_state, question.entry.id, report.state)
        await self._tell(question, report.state)
        return True

    async def take_push(self, report: Report) -> bool:
        """Take in a push; return whether it is settled, so that it need not come again."""
        known = self._questions.of_token(report.token) is not None
        await self.settle(report)
        return known or not report.state.terminal

    async def recall(self, name: str) -> str:
        """Return what was remembered under a name, or an empty string."""
        return await self._on_disk(self._journal.note, name)

    async def remember(self, name: str, value: str) -> None:
        """Remember a value beside the questions, after everything that was settled before."""
        await self._on_disk(self._journal.remember, name, value)

    def close(self) -> None:
        """Write out what is pending and close the journal."""
        self._disk.submit(self._journal.close)
        self._disk.shutdown(wait=True)

    async def _expire(self, id: str) -> None:
        question = self._questions.get(id)
        if question is None:
            return
        if question.sending:
            self._deadlines.add(id, time.time() + 1.0)
        elif question.state is State.EXPIRED:
            self._questions.forget(id)
            await self._on_disk(self._journal.done, id)
        elif question.token:
            question.state = State.EXPIRED
            await self._on_disk(self._journal.note_state, id, State.EXPIRED)
            await self._tell(question, State.EXPIRED, 'no answer in time')
            self._deadlines.add(id, time.time() + KEEP_EXPIRED_S)
        else:
            await self._end(question, State.EXPIRED, 'it could not be sent in time')

    async def _resolve(self, question: Question, report: Report) -> bool:
        id = question.entry.id
        escalation = await self._on_disk(self._journal.escalation, id)
        try:
            answer = replace(report.answer(escalation), received=time.time())
        except WireError as error:
            logger.warning('the answer to %s cannot be read: %s', id, error)
            return False
        if self._questions.forget(id) is None:
            return False
        late = question.state is State.EXPIRED
        await self._on_disk(self._journal.resolved, id, answer, late=late)
        self._emit(Status(escalation, answer.state, question.token, answer.feedback))
        self._emit(Resolved(escalation, question.token, answer, late))
        return True

    def _take(self, entry: Entry) -> None:
        if entry.id in self._questions:
            # Accepted while the journal was being read: it is in what was read, too.
            return
        question = self._questions.take(entry)
        if entry.deadline is not None:
            kept = KEEP_EXPIRED_S if entry.state is State.EXPIRED else 0.0
            self._deadlines.add(entry.id, entry.deadline + kept)
        if entry.token:
            self.on_open(entry.id)
        else:
            self._enqueue(question)

    def _enqueue(self, question: Question) -> None:
        entry = question.entry
        heapq.heappush(
            self._ready, (-entry.priority, entry.certainty, entry.created, entry.id)
        )
        self._wake.set()

    def _enqueue_later(self, question: Question, delay_s: float | None = None) -> None:
        if delay_s is None:
            delay_s = question.backoff.next()
        asyncio.get_running_loop().call_later(delay_s, self._enqueue, question)

    async def _send_forever(self) -> None:
        while True:
            question = await self._next()
            question.sending = True
            try:
                await self._send(question)
                self._outage.reset()
            except ClientError as error:
                await self._failed(question, error)
            except ValueError as error:
                await self._end(question, State.FAILED, f'it cannot be sent: {error}')
            except KeyError:
                logger.error('the journal lost the image of %s', question.entry.id)
                await self._end(question, State.FAILED, 'the journal lost its image')
            except Exception:
                logger.exception('%s could not be sent and will be tried again', question.entry.id)
                self._enqueue_later(question)
            finally:
                question.sending = False

    async def _next(self) -> Question:
        while True:
            while not self._ready:
                self._wake.clear()
                await self._wake.wait()
            if (pause := self._gate - time.monotonic()) > 0:
                await asyncio.sleep(pause)
                continue
            question = self._questions.get(heapq.heappop(self._ready)[3])
            if question is not None and not question.token and not question.sending:
                return question

    async def _send(self, question: Question) -> None:
        id = question.entry.id
        escalation = await self._on_disk(self._journal.escalation, id)
        if not question.image_url:
            image = await self._on_disk(self._journal.image, id)
            question.image_url = await self._backend.upload(escalation, image)
            await self._on_disk(self._journal.uploaded, id, question.image_url)
        may_be_open = question.may_be_open
        if not may_be_open:
            await self._on_disk(self._journal.opening, id)
            question.may_be_open = True
        try:
            token = await self._backend.open(
                escalation, question.image_url, may_be_open=may_be_open
            )
        except ClientError as error:
            question.may_be_open = may_be_open or error.may_have_arrived
            raise
        await self._on_disk(self._journal.opened, id, token)
        self._questions.opened(question, token)
        self._emit(Status(escalation, State.OPEN, token))
        self.on_open(id)
        if (early := self._early.pop(token, None)) is not None:
            await self.settle(early)

    async def _failed(self, question: Question, error: ClientError) -> None:
        """Decide what a failure means: for this question, for all, or for nobody."""
        if error.final:
            await self._end(question, State.FAILED, str(error))
            return
        delay: float | None = None
        now = time.monotonic()
        if isinstance(error, ConnectionFailed | AuthenticationError):
            # All senders meet one outage at the same time; it counts once.
            if now >= self._gate:
                self._gate = now + self._outage.next()
            delay = 0.0
        elif error.retry_after_s is not None:
            self._gate = max(self._gate, now + min(error.retry_after_s, MAX_RETRY_AFTER_S))
            delay = 0.0
        log = logger.error if isinstance(error, AuthenticationError) else logger.warning
        log('%s could not be sent and will be tried again: %s', question.entry.id, error)
        self._enqueue_later(question, delay)

    async def _end(self, question: Question, state: State, detail: str) -> None:
        """End a question without an answer."""
        id = question.entry.id
        if self._questions.forget(id) is None:
            return
        await self._tell(question, state, detail)
        await self._on_disk(self._journal.done, id)

    async def _tell(self, question: Question, state: State, detail: str = '') -> None:
        escalation = await self._on_disk(self._journal.escalation, question.entry.id)
        self._emit(Status(escalation, state, question.token, detail))

    async def _on_disk(
        self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._disk, lambda: call(*args, **kwargs))
