# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The courier: takes accepted questions to the service and brings answers back.

Everything here runs on one asyncio loop; the journal has a thread of its own. A question is in
the journal before its first byte goes out, and stays there until its end has been published.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from spark_ros.escalation.backends.backend import Asked, Backend, Report
from spark_ros.escalation.deadlines import Deadlines
from spark_ros.escalation.journal.disk import Disk
from spark_ros.escalation.journal.errors import JournalFull
from spark_ros.escalation.journal.journal import Entry
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.journal.use import JournalUse
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, Resolved, Status
from spark_ros.escalation.question.policy import HourlyLimit
from spark_ros.escalation.questions import Question, Questions, Standing
from spark_ros.escalation.sending import Sender
from spark_ros.escalation.withdrawal import Withdrawals
from spark_ros.model import State
from spark_ros.wire.values import WireError

Event = Resolved | Status

KEEP_EXPIRED_S = 24 * 3600.0
MAX_EARLY = 1000
UNFINISHED = frozenset({State.QUEUED, State.OPEN, State.ASSIGNED, State.EXPIRED})
logger = logging.getLogger(__name__)


class LimitReached(ValueError):
    """A question is not accepted.

    Attributes:
        limit: the parameter that says so.
    """

    def __init__(self, limit: str) -> None:
        super().__init__(f'{limit} is reached')
        self.limit = limit


@dataclass(frozen=True)
class Limits:
    """How much is asked; 0 is no limit.

    Attributes:
        open: questions waiting to be sent or answered at one time.
        per_hour: questions in any 3600 seconds.
        age_s: how long one is kept that nobody answers, whatever its own timeout says.
    """

    open: int = 50
    per_hour: int = 0
    age_s: float = 0.0


class Courier:
    """Carry questions there and answers back.

    Attributes:
        turn: held from `admits` to the end of `submit`, so that limits hold.
        dropped: why how many questions were not asked.
        on_open: called with the id of a question that the service has, so that it is polled.
        on_reached: called when the service takes a question, or shows one, after it did not.
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
        self._journal = journal
        self._emit = emit
        self._limits = limits
        self._hourly = HourlyLimit(limits.per_hour)
        for age_s in journal.accepted_lately():
            self._hourly.note(time.monotonic() - age_s)
        self._disk = Disk()
        self._questions = Questions()
        self._early: OrderedDict[str, Report] = OrderedDict()
        # What is accepted while the journal is being read may be in what is read, too.
        self._submitted_early: set[str] = set()
        self._recovered = False
        self._deadlines = Deadlines()
        self._sender = Sender(
            backend, journal, self._disk, self._questions, self._opened, self._end
        )
        self._withdrawals = Withdrawals(
            backend, journal, self._disk, self._questions, self._tell
        )
        self.turn = asyncio.Lock()
        self.dropped: Counter[str] = Counter()
        self.on_open: Callable[[str], None] = lambda id: None
        self.on_reached: Callable[[], None] = lambda: None
        self._sender.on_reached = lambda: self.on_reached()

    def configure(self, limits: Limits, journal_max_bytes: int) -> None:
        """Change how much is asked and kept; what was accepted stays."""
        self._limits = limits
        self._hourly.per_hour = limits.per_hour
        self._disk.post(self._journal.limit_images, journal_max_bytes)

    def hold(self, held: bool) -> None:
        """Send nothing while held; what is accepted stays in the journal."""
        self._sender.hold(held)

    async def run(self) -> None:
        """Recover what a former run left, then send until cancelled."""
        for resolved in await self._disk(lambda: list(self._journal.unpublished())):
            self._emit(resolved)
        for entry in await self._disk(self._journal.entries):
            if entry.state in UNFINISHED and entry.id not in self._submitted_early:
                self._take(entry)
        self._recovered = True
        if self._questions:
            logger.info('the journal brought back %d unanswered questions', len(self._questions))
        await asyncio.gather(
            self._deadlines.run(self._expire), self._sender.run(), self._withdrawals.run()
        )

    def admits(self, certainty: float, now: float, priority: int = 0) -> str:
        """Return an empty string, or why one more question cannot be asked now.

        A question takes the place of one still waiting to be sent that has a lower priority, or
        the same and is more certain.
        """
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
        if not self._recovered:
            self._submitted_early.add(escalation.id)
        while True:
            try:
                entry = await self._disk(self._journal.add, escalation, image)
                break
            except JournalFull as full:
                if not await self._make_room(full.limit, escalation.priority):
                    raise
        self._hourly.note(now)
        self._take(entry)
        self._emit(Status(escalation, State.QUEUED))

    async def cancel(self, id: str) -> str:
        """Withdraw a question; return an empty string, or why that cannot be.

        Its answer is not published. It is withdrawn at the service, too, where the API has a
        call for that, as soon as it can be reached.
        """
        return await self._withdrawals.cancel(id, 'withdrawn')

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

    def published(self, id: str) -> None:
        """Forget a question whose answer has been handed to every output."""
        self._disk.post(self._journal.done, id)

    def standing(self, now: float) -> Standing:
        """Sum up the questions that wait, `now` on the steady clock."""
        return self._questions.standing(now)

    async def journal_use(self) -> JournalUse:
        """Measure what is in the journal."""
        return await self._disk(self._journal.use)

    def fetch_image(self, id: str, take: Callable[[EncodedImage | None], None]) -> None:
        """Hand a question's image on, from the journal's thread; None where it is gone.

        It is there when this is called before `published`, unless its room was needed.
        """

        def fetch() -> None:
            image = None
            try:
                image = self._journal.image(id)
            finally:
                take(image)

        self._disk.post(fetch)

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
        await self._disk(self._journal.note_state, question.entry.id, report.state)
        await self._tell(question, report.state)
        return True

    async def take_push(self, report: Report) -> bool:
        """Take in a push; return whether it is settled, so that it need not come again."""
        known = self._questions.of_token(report.token) is not None
        await self.settle(report)
        return known or not report.state.terminal

    async def recall(self, name: str) -> str:
        """Return what was remembered under a name, or an empty string."""
        return await self._disk(self._journal.note, name)

    async def remember(self, name: str, value: str) -> None:
        """Remember a value beside the questions, after everything that was settled before."""
        await self._disk(self._journal.remember, name, value)

    def close(self) -> None:
        """Write out what is pending and close the journal."""
        self._disk.close(self._journal.close)

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
        if limit == 'journal.max_count' and (expired := self._questions.oldest_expired()):
            await self._forget(expired.entry.id)
            return True
        oldest = self._questions.oldest_unsent(priority)
        if oldest is None:
            return False
        self.dropped[limit] += 1
        await self._end(oldest, State.FAILED, f'given up: {limit} is full')
        return True

    async def _forget(self, id: str) -> None:
        self._questions.forget(id)
        await self._disk(self._journal.done, id)

    async def _expire(self, id: str) -> None:
        question = self._questions.get(id)
        if question is None:
            return
        if question.sending:
            self._deadlines.add(id, 1.0)
        elif question.state is State.EXPIRED:
            await self._forget(id)
        elif time.monotonic() >= question.given_up_at:
            self.dropped['journal.max_age_h'] += 1
            await self._end(question, State.FAILED, 'given up: it is as old as journal.max_age_h')
        elif question.token:
            question.state = State.EXPIRED
            await self._disk(self._journal.note_state, id, State.EXPIRED)
            await self._tell(question, State.EXPIRED, 'no answer in time')
            self._deadlines.add(id, KEEP_EXPIRED_S)
        else:
            await self._end(question, State.EXPIRED, 'it could not be sent in time')

    async def _resolve(self, question: Question, report: Report) -> bool:
        id = question.entry.id
        escalation = await self._recalled(question)
        if escalation is None:
            return False
        try:
            answer = replace(report.answer(escalation), received=time.time())
        except WireError as error:
            logger.warning('the answer to %s cannot be read: %s', id, error)
            return False
        if self._questions.forget(id) is None:
            return False
        late = question.state is State.EXPIRED
        await self._disk(self._journal.resolved, id, answer, late=late)
        self._emit(Status(escalation, answer.state, question.token, answer.feedback))
        self._emit(Resolved(escalation, question.token, answer, late))
        return True

    def _take(self, entry: Entry) -> None:
        question = self._questions.take(entry)
        if entry.timeout_s:
            kept = KEEP_EXPIRED_S if entry.state is State.EXPIRED else 0.0
            self._deadlines.add(entry.id, entry.timeout_s + kept - entry.age_s)
        if self._limits.age_s:
            left_s = self._limits.age_s - entry.age_s
            question.given_up_at = time.monotonic() + left_s
            self._deadlines.add(entry.id, left_s)
        if entry.token:
            self.on_open(entry.id)
        else:
            self._sender.enqueue(question)

    async def _opened(self, question: Question, escalation: Escalation, token: str) -> None:
        id = question.entry.id
        await self._disk(self._journal.opened, id, token)
        if self._questions.get(id) is not question:
            # It was withdrawn while it was on its way.
            await self._withdrawals.at_service(token)
            return
        self._questions.opened(question, token)
        self._emit(Status(escalation, State.OPEN, token))
        self.on_open(id)
        if (early := self._early.pop(token, None)) is not None:
            await self.settle(early)

    async def _end(self, question: Question, state: State, detail: str) -> None:
        """End a question without an answer."""
        id = question.entry.id
        if self._questions.forget(id) is None:
            return
        await self._tell(question, state, detail)
        await self._disk(self._journal.done, id)

    async def _tell(self, question: Question, state: State, detail: str = '') -> None:
        if (escalation := await self._recalled(question)) is not None:
            self._emit(Status(escalation, state, question.token, detail))

    async def _recalled(self, question: Question) -> Escalation | None:
        """Return what was asked; let go of a question whose row somebody took from the file."""
        id = question.entry.id
        try:
            return await self._disk(self._journal.escalation, id)
        except KeyError:
            if self._questions.forget(id) is not None:
                logger.error('the journal lost the question %s; it is given up', id)
            return None
