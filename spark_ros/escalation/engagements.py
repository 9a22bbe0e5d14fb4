# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""All questions on their way: accept them within limits, and keep the coroutine of each going."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import anyio

from spark_ros.escalation.answers.poller import Poller
from spark_ros.escalation.answers.router import AnswerRouter
from spark_ros.escalation.backends.backend import Backend, Report
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.engagement import KEEP_EXPIRED_S, Context, Event, live
from spark_ros.escalation.journal.disk import Disk
from spark_ros.escalation.journal.entry import Entry
from spark_ros.escalation.journal.errors import JournalFull
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.journal.use import JournalUse
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, Status
from spark_ros.escalation.question.policy import HourlyLimit
from spark_ros.escalation.questions import Question, Questions, Standing
from spark_ros.escalation.send_queue import SendQueue
from spark_ros.escalation.settings import Current, Limits
from spark_ros.escalation.withdrawals import Withdrawals
from spark_ros.model import Question as Asked
from spark_ros.model import State

UNFINISHED = frozenset({State.QUEUED, State.OPEN, State.ASSIGNED, State.EXPIRED})
UNKNOWN = 'there is no open question with this id'
logger = logging.getLogger(__name__)


class LimitReached(ValueError):
    """A question is not accepted.

    Attributes:
        limit: the parameter that says so.
    """

    def __init__(self, limit: str) -> None:
        super().__init__(f'{limit} is reached')
        self.limit = limit


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """End tasks: again and again, since old versions of anyio lose a cancellation at times."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1.0)


class Engagements:
    """Accepts questions, and keeps them going until their end.

    Attributes:
        router, poller, withdrawals: by which answers come home, and questions are taken back.
        dropped: why how many questions were given up after they had been accepted.
        recovered: set once what a former run left is known.
    """

    def __init__(
        self,
        backend: Backend,
        contacts: Contacts,
        journal: SafeJournal,
        disk: Disk,
        current: Current,
        reached: asyncio.Event,
        emit: Callable[[Event], None],
    ) -> None:
        """Set up; nothing moves before `run`.

        Args:
            backend: the service.
            contacts: told what becomes of the calls to it.
            journal: used on `disk` alone.
            disk: the journal's thread.
            current: how much is asked, and how often looked.
            reached: set when the service is reached after it was not.
            emit: called on the loop with every status and answer; must not block.
        """
        self._backend, self._contacts = backend, contacts
        self._journal, self._disk = journal, disk
        self._current, self._emit = current, emit
        self._questions = questions = Questions()
        self._queue = SendQueue(questions, current, reached)
        self.router = AnswerRouter(questions)
        self.poller = Poller(backend, contacts, questions, self.router, current, reached)
        self.withdrawals = Withdrawals(backend, contacts, journal, disk)
        self.dropped: Counter[str] = Counter()
        self._context = Context(
            backend, contacts, journal, disk, questions, self._queue, self.router, self.poller,
            self.withdrawals, emit, self.dropped,
        )  # fmt: skip
        self._hourly = HourlyLimit(current.settings.limits.per_hour)
        # A restart must not make an hour have more questions: read before any is admitted.
        for age_s in journal.accepted_lately():
            self._hourly.note(time.monotonic() - age_s)
        self._tasks: set[asyncio.Task[None]] = set()
        self.recovered = asyncio.Event()
        # What is accepted while the journal is being read may be in what is read, too.
        self._submitted_early: set[str] = set()

    async def run(self) -> None:
        """Recover what a former run left, then keep everything going until cancelled."""
        for resolved in await self._disk(self._journal.unpublished):
            self._emit(resolved)
        left = [
            entry for entry in await self._disk(self._journal.entries)
            if entry.state in UNFINISHED and entry.id not in self._submitted_early
        ]  # fmt: skip
        for entry in left:
            self._take(entry)
        self.recovered.set()
        if left:
            logger.info('the journal brought back %d unanswered questions', len(left))
        try:
            await asyncio.gather(self.poller.run(), self.withdrawals.run())
        finally:
            await cancel_all(self._tasks)

    def look(self) -> None:
        """Go on by other settings; what was accepted stays."""
        self._disk.post(self._journal.limit_images, self._current.settings.journal_max_bytes)
        self._queue.look()
        self.poller.look()

    def refuses(self, question: Asked, program: str) -> str:
        """Return why the service cannot be asked something, or an empty string."""
        return self._backend.refuses(question, program)

    def admits(self, certainty: float, now: float, priority: int = 0) -> str:
        """Return an empty string, or why one more question cannot be asked now.

        A question takes the place of one still waiting to be sent that has a lower priority, or
        the same and is more certain.
        """
        self._hourly.per_hour = self._limits.per_hour
        if self._hourly.reached(now):
            return 'limits.per_hour'
        full = 0 < self._limits.open <= self._questions.waiting()
        if full and self._questions.most_certain_unsent(certainty, priority) is None:
            return 'limits.open'
        return ''

    async def submit(self, escalation: Escalation, image: EncodedImage, now: float) -> None:
        """Accept a question: it is on the disk when this returns.

        Where the journal is full, those go that are kept for a late answer only, then the oldest
        unsent of the lowest priority.

        Raises:
            LimitReached: none gives way to it any more.
            JournalFull: there is no room even so, and it was not accepted.
        """
        if 0 < self._limits.open <= self._questions.waiting():
            await self._give_way(escalation)
        if not self.recovered.is_set():
            self._submitted_early.add(escalation.id)
        said = ''
        while True:
            try:
                entry = await self._disk(self._journal.add, escalation, image)
                break
            except JournalFull as full:
                # Where as much is used as before, giving up another would make no room, either.
                if full.hopeless or str(full) == said:
                    raise
                said = str(full)
                if not await self._make_room(full.limit, escalation.priority):
                    raise
        self._hourly.note(now)
        self._emit(Status(escalation, State.QUEUED))
        self._take(entry)

    async def withdraw(self, id: str) -> str:
        """Withdraw a question; return an empty string, or why that cannot be.

        Its answer is not published. It is withdrawn at the service, too, where the API has a
        call for that, as soon as it can be reached. One that has expired has told its end
        already: it only loses its late answer.
        """
        question = self._questions.get(id)
        if question is None:
            return UNKNOWN
        await self._end(question, State.CANCELED, 'withdrawn')
        return ''

    async def listed(self, camera: str, at_most: int) -> list[Status]:
        """Return the questions without an end, oldest first; of one camera unless it is empty."""
        found: list[Status] = []
        for question in self._questions.all_waiting():
            if len(found) >= at_most:
                break
            try:
                escalation = await self._disk(self._journal.escalation, question.entry.id)
            except KeyError:
                # It has ended in the meantime.
                continue
            if camera in ('', escalation.camera):
                found.append(Status(escalation, question.state, question.token))
        return found

    async def take_push(self, report: Report) -> bool:
        """Take in a push; return whether it is settled, so that it need not come again."""
        self._contacts.pushed()
        return await self.router.take_push(report)

    def standing(self, now: float) -> Standing:
        """Sum up the questions that wait, `now` on the steady clock."""
        return self._questions.standing(now)

    async def journal_use(self) -> JournalUse:
        """Measure what is in the journal."""
        return await self._disk(self._journal.use)

    @property
    def _limits(self) -> Limits:
        return self._current.settings.limits

    async def _give_way(self, escalation: Escalation) -> None:
        certainty, priority = escalation.certainty, escalation.priority
        victim = self._questions.most_certain_unsent(certainty, priority)
        if victim is None:
            # It has been sent since it was there to give way.
            raise LimitReached('limits.open')
        self.dropped['gave way'] += 1
        less = 'certain' if victim.entry.priority == priority else 'patient'
        await self._end(victim, State.CANCELED, f'gave way to a less {less} question')

    async def _make_room(self, limit: str, priority: int) -> bool:
        """Give one question up for one of a priority; return whether there was any."""
        # An expired one has told its end already; its image is gone where images need room.
        victim = self._questions.oldest_expired() if limit == 'journal.max_count' else None
        if victim is None:
            victim = self._questions.oldest_unsent(priority)
            if victim is None:
                return False
            self.dropped[limit] += 1
        await self._end(victim, State.FAILED, f'given up: {limit} is full')
        return True

    async def _end(self, question: Question, state: State, detail: str) -> None:
        """Have a question end: it counts no more at once; wait until that is told and written."""
        self._questions.forget(question.entry.id)
        question.end(state, detail)
        if question.task is not None:
            await asyncio.wait({question.task})

    def _take(self, entry: Entry) -> None:
        question = self._questions.take(entry)
        now = time.monotonic()
        if entry.timeout_s:
            kept_s = KEEP_EXPIRED_S if entry.state is State.EXPIRED else 0.0
            question.expires_at = now + entry.timeout_s + kept_s - entry.age_s
        if self._limits.age_s:
            question.given_up_at = now + self._limits.age_s - entry.age_s
        question.task = asyncio.ensure_future(self._keep_going(question))
        self._tasks.add(question.task)
        question.task.add_done_callback(self._tasks.discard)

    async def _keep_going(self, question: Question) -> None:
        """Run a question's coroutine, again after an error that nobody foresaw."""
        while True:
            try:
                await live(question, self._context)
                return
            except Exception:
                delay_s = question.backoff.next()
                logger.exception('%s is tried again in %.1f s', question.entry.id, delay_s)
                with anyio.CancelScope() as question.alive:
                    await asyncio.sleep(delay_s)
