# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The life of one question, from the journal to the topic, in the order in which it happens."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import anyio

from spark_ros.clients.errors import ClientError
from spark_ros.clients.extensions import MAX_DEADLINE_S
from spark_ros.escalation.answers.poller import Poller
from spark_ros.escalation.answers.router import AnswerRouter
from spark_ros.escalation.backends.backend import Backend, Report, at_the_desk
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import Escalation, Resolved, Status, robot_of
from spark_ros.escalation.questions import Question, Questions
from spark_ros.escalation.send_queue import SendQueue
from spark_ros.escalation.settings import Current
from spark_ros.escalation.withdrawals import Withdrawals
from spark_ros.model import Answer, State
from spark_ros.wire.step_log import log_step
from spark_ros.wire.values import WireError

Event = Resolved | Status

KEEP_EXPIRED_S = 24 * 3600.0
# A state without a sequence is believed only if it is further on than the one before.
ORDER = (State.QUEUED, State.OPEN, State.ASSIGNED, State.EXPIRED)
TOO_LATE = 'no answer in time'
logger = logging.getLogger(__name__)


@dataclass
class Context:
    """The parts that all questions share.

    Attributes:
        contacts: records the results of calls to the backend.
        reached: set when the service can be reached again.
        emit: called on the loop with each status and answer; must not block.
        dropped: how many accepted questions were given up, by cause.
    """

    backend: Backend
    contacts: Contacts
    journal: AsyncJournal
    current: Current
    emit: Callable[[Event], None]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.questions = Questions()
        self.queue = SendQueue(self.questions, self.current, self.reached)
        self.router = AnswerRouter(self.questions)
        self.poller = Poller(
            self.backend, self.contacts, self.questions, self.router, self.current, self.reached
        )
        self.withdrawals = Withdrawals(
            self.backend, self.contacts, self.journal, self.current
        )


class Over(Exception):
    """A question ends without an answer.

    Attributes:
        state, detail: its final state, and the reason.
    """

    def __init__(self, state: State, detail: str) -> None:
        super().__init__(detail)
        self.state, self.detail = state, detail


async def live(question: Question, context: Context) -> None:
    """Send a question to the service, wait for its answer and publish it.

    After a restart, or after an unexpected error, it continues from the step that was reached.
    """
    resolved = None
    try:
        with anyio.CancelScope() as question.alive:
            while not question.token and question.ending is None:
                async with context.queue.turn(question) as in_time:
                    await (send if in_time else expire)(question, context)
            if question.ending is None:
                context.router.opened(question)
                context.poller.watch(question.entry.id)
                resolved = await answered(question, context)
    except Over as over:
        question.end(over.state, over.detail)
    # Nothing is awaited between here and the last look at `ending`: the first end counts.
    context.questions.remove(question.entry.id)
    context.router.close(question)
    context.poller.unwatch(question.entry.id)
    if question.ending is not None:
        await end(question, context, *question.ending)
    elif resolved is not None:
        context.emit(
            Status(
                resolved.escalation, resolved.answer.state, resolved.token,
                resolved.answer.feedback,
            )
        )  # fmt: skip
        context.emit(resolved)
    else:
        # It expired, and the time for a late answer is over, too.
        await context.journal.write(Journal.done, question.entry.id)


async def send(question: Question, context: Context) -> None:
    """Upload the image and create the question; if that fails, the next turn tries again.

    Raises:
        Over: the service refuses it for good, or it cannot be sent.
    """
    try:
        await create(question, context, await recalled(question, context))
    except ClientError as error:
        if error.final:
            raise Over(State.FAILED, str(error)) from None
        context.queue.failed(question, error)
    except ValueError as error:
        raise Over(State.FAILED, f'it cannot be sent: {error}') from None
    else:
        context.queue.succeeded()


async def create(question: Question, context: Context, escalation: Escalation) -> None:
    """Upload the image and create the question at the service."""
    id, journal = question.entry.id, context.journal
    if not question.image_url:
        try:
            image = await journal.read(Journal.image, id)
        except KeyError:
            raise Over(State.FAILED, 'its image is missing in the journal') from None
        with context.contacts.recorded(sends=True, image=True):
            question.image_url = await context.backend.upload(escalation, image)
        await journal.write(Journal.uploaded, id, question.image_url)
        log_step(logger, 'uploaded', question=id, token=None, robot=robot_of(escalation))
    sent_before = question.may_be_open
    if not sent_before:
        await journal.write(Journal.opening, id)
        context.questions.update(question, may_be_open=True)
    opening = asyncio.ensure_future(
        context.backend.open(
            escalation, question.image_url, may_be_open=sent_before,
            deadline_s=question.deadline_s,
        )
    )  # fmt: skip
    try:
        with context.contacts.recorded(sends=True):
            token = await asyncio.shield(opening)
    except asyncio.CancelledError:
        if question.ending is None or context.backend.can_withdraw is False:
            opening.cancel()
        else:
            # It was withdrawn under way: whatever the service opens is withdrawn there, too.
            question.token_wanted = context.withdrawals.add_once_open(
                escalation, question.image_url, opening
            )
        raise
    except ClientError as error:
        context.questions.update(question, may_be_open=sent_before or error.may_have_arrived)
        raise
    context.questions.opened(question, token)
    await journal.write(Journal.opened, id, token)
    context.emit(Status(escalation, State.OPEN, token, at_the_desk(context.backend.operators)))


async def answered(question: Question, context: Context) -> Resolved | None:
    """Wait for the answer; None if the question expired and no late answer came.

    Raises:
        Over: the service has ended it without an answer, or it is too old to be kept.
    """
    while True:
        await hear(question)
        if not question.reports:
            if question.state is State.EXPIRED:
                return None
            await expire(question, context)
            continue
        report, taken = question.reports.pop(0)
        resolved: Resolved | None = None
        news: bool | None = None
        try:
            resolved, news = await take_in(question, context, report)
        except Over:
            news = True
            raise
        finally:
            if not taken.done():
                taken.set_result(news)
        if resolved is not None:
            return resolved


async def hear(question: Question) -> None:
    """Wait for a report about a question, until its time is over."""
    while not question.reports and question.left_s > 0.0:
        question.heard.clear()
        # A little longer, so that the time is certainly over when it wakes.
        with anyio.move_on_after(max(question.left_s, 0.0) + 0.001):
            await question.heard.wait()


def is_news(question: Question, report: Report) -> bool:
    """Whether a report is newer than what is known: it may be late, and come by any way."""
    if report.state is question.state and not report.state.terminal:
        return False
    if report.sequence:
        return report.sequence >= question.sequence
    return report.state.terminal or ORDER.index(report.state) > ORDER.index(question.state)


async def take_in(
    question: Question, context: Context, report: Report
) -> tuple[Resolved | None, bool]:
    """Store a report; return its answer, if it has one, and whether it was new.

    Raises:
        Over: the service has ended the question without an answer.
    """
    if not is_news(question, report):
        return None, False
    id, journal = question.entry.id, context.journal
    if not report.state.terminal:
        question.sequence = report.sequence
        if question.state is State.EXPIRED:
            return None, False
        context.questions.update(question, state=report.state)
        await journal.write(Journal.set_state, id, report.state)
        there = at_the_desk(context.backend.operators) if report.state is State.OPEN else ''
        await announce(question, context, report.state, there)
        return None, True
    if report.answer is None:
        question.ended_by_service = True
        expired = report.state is State.EXPIRED
        raise Over(report.state, TOO_LATE if expired else 'withdrawn at the service')
    escalation = await recalled(question, context)
    try:
        answer: Answer = replace(report.answer(escalation), received=time.time())
    except WireError as error:
        logger.warning('cannot read the answer to %s: %s', id, error)
        return None, False
    question.sequence = report.sequence
    late = question.state is State.EXPIRED
    await journal.write(Journal.resolved, id, answer, late=late)
    return Resolved(escalation, question.token, answer, late), True


async def expire(question: Question, context: Context) -> None:
    """Publish that nobody answered in time, and keep waiting for a late answer.

    Where the service keeps the deadline, it soon says that it has ended the question, or that
    somebody has answered just in time. Where it does not, the question is withdrawn, if it can be.

    Raises:
        Over: it is as old as any may become.
    """
    if time.monotonic() >= question.given_up_at:
        context.dropped['journal.max_age_h'] += 1
        raise Over(State.FAILED, 'given up: it is as old as journal.max_age_h')
    if not question.token:
        raise Over(State.EXPIRED, 'it could not be sent in time')
    if withdraws_expired(question, context.backend):
        await context.withdrawals.add(question.token)
    await context.journal.write(Journal.set_state, question.entry.id, State.EXPIRED)
    await announce(question, context, State.EXPIRED, TOO_LATE)
    # Last, with nothing awaited in between: who ends it sees by it whether this was told.
    context.questions.update(question, state=State.EXPIRED)
    question.expires_at = time.monotonic() + KEEP_EXPIRED_S


async def end(question: Question, context: Context, state: State, detail: str) -> None:
    """Publish that a question ended without an answer, and remove it from the journal."""
    expired = state is State.EXPIRED and withdraws_expired(question, context.backend)
    if (state is State.CANCELED or expired) and not question.ended_by_service:
        await take_back(question, context)
    if question.state is not State.EXPIRED:
        await announce(question, context, state, detail)
    if question.token_wanted:
        # It stays in the journal until the service has let go of it.
        await context.journal.write(Journal.set_state, question.entry.id, State.CANCELED)
    else:
        await context.journal.write(Journal.done, question.entry.id)


def withdraws_expired(question: Question, backend: Backend) -> bool:
    """Whether what expires here stays open at the service until it is withdrawn."""
    extensions = backend.extensions or ()
    had_deadline = 'deadline' in extensions and question.entry.timeout_s <= MAX_DEADLINE_S
    return 'withdraw' in extensions and not had_deadline


async def take_back(question: Question, context: Context) -> None:
    """Withdraw a question at the service, also if its token is not known yet."""
    if question.token:
        await context.withdrawals.add(question.token)
    elif question.may_be_open and not question.token_wanted:
        with suppress(KeyError, sqlite3.Error):
            escalation = await context.journal.read(Journal.escalation, question.entry.id)
            question.token_wanted = context.withdrawals.add_once_open(
                escalation, question.image_url
            )


async def announce(question: Question, context: Context, state: State, detail: str = '') -> None:
    """Publish the state of a question."""
    try:
        escalation = await context.journal.read(Journal.escalation, question.entry.id)
    except KeyError:
        # Its row is gone, or was set aside: there is nothing to tell of it.
        return
    except sqlite3.Error as error:
        logger.error('cannot publish the state of %s: %s', question.entry.id, error)
        return
    context.emit(Status(escalation, state, question.token, detail))


async def recalled(question: Question, context: Context) -> Escalation:
    """Return the question as the journal has it.

    Raises:
        Over: its row is missing, or cannot be read.
    """
    try:
        return await context.journal.read(Journal.escalation, question.entry.id)
    except KeyError:
        logger.error('the question %s is missing in the journal; giving it up', question.entry.id)
        raise Over(State.FAILED, 'it is missing in the journal') from None
