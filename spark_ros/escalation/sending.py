# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Send accepted questions: the most urgent first, several at a time, through outages."""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Awaitable, Callable

from spark_ros.clients.errors import AuthenticationError, ClientError
from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.backoff import Backoff
from spark_ros.escalation.journal.disk import Disk
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.escalation.questions import Question, Questions
from spark_ros.model import State

SENDERS = 4
MAX_RETRY_AFTER_S = 3600.0
SAY_AGAIN_S = 600.0
Opened = Callable[[Question, Escalation, str], Awaitable[None]]
End = Callable[[Question, State, str], Awaitable[None]]
logger = logging.getLogger(__name__)


class Sender:
    """Take each queued question to the service until it is open there, or refused for good.

    Attributes:
        on_reached: called when the service takes a question after one could not be sent.
    """

    def __init__(
        self,
        backend: Backend,
        journal: SafeJournal,
        disk: Disk,
        questions: Questions,
        opened: Opened,
        end: End,
    ) -> None:
        """Set up; nothing is sent before `run`.

        Args:
            backend: the service.
            journal: used on `disk` alone.
            disk: the journal's thread.
            questions: what is on its way.
            opened: told when the service has a question, and its token.
            end: told when a question can never be sent, and why.
        """
        self._backend = backend
        self._journal = journal
        self._disk = disk
        self._questions = questions
        self._opened = opened
        self._end = end
        self._ready: list[tuple[int, float, float, str]] = []
        self._wake = asyncio.Event()
        self._outage = Backoff(0.5, 30.0)
        self._gate = 0.0
        self._held = False
        self._unreached = False
        self._said: tuple[type[ClientError], float] | None = None
        self.on_reached: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Send until cancelled."""
        await asyncio.gather(*(self._send_forever() for _ in range(SENDERS)))

    def hold(self, held: bool) -> None:
        """Begin nothing new while held."""
        self._held = held
        self._wake.set()

    def enqueue(self, question: Question) -> None:
        """Send a question as soon as its turn has come."""
        entry = question.entry
        heapq.heappush(
            self._ready, (-entry.priority, entry.certainty, entry.created, entry.id)
        )
        self._wake.set()

    def _enqueue_later(self, question: Question, delay_s: float | None = None) -> None:
        if delay_s is None:
            delay_s = question.backoff.next()
        asyncio.get_running_loop().call_later(delay_s, self.enqueue, question)

    async def _send_forever(self) -> None:
        while True:
            question = await self._next()
            question.sending = True
            try:
                await self._attempt(question)
            except Exception:
                logger.exception('%s could not be sent and will be tried again', question.entry.id)
                self._enqueue_later(question)
            finally:
                question.sending = False

    async def _attempt(self, question: Question) -> None:
        try:
            await self._send(question)
            self._succeeded()
        except ClientError as error:
            await self._failed(question, error)
        except ValueError as error:
            await self._end(question, State.FAILED, f'it cannot be sent: {error}')
        except KeyError:
            if self._questions.get(question.entry.id) is not question:
                # It was withdrawn in the meantime.
                return
            logger.error('the journal lost %s', question.entry.id)
            await self._end(question, State.FAILED, 'the journal lost it')

    async def _next(self) -> Question:
        while True:
            while self._held or not self._ready:
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
        escalation = await self._disk(self._journal.escalation, id)
        if not question.image_url:
            image = await self._disk(self._journal.image, id)
            question.image_url = await self._backend.upload(escalation, image)
            await self._disk(self._journal.uploaded, id, question.image_url)
        may_be_open = question.may_be_open
        if not may_be_open:
            await self._disk(self._journal.opening, id)
            question.may_be_open = True
        try:
            token = await self._backend.open(
                escalation, question.image_url, may_be_open=may_be_open
            )
        except ClientError as error:
            question.may_be_open = may_be_open or error.may_have_arrived
            raise
        await self._opened(question, escalation, token)

    def _succeeded(self) -> None:
        self._outage.reset()
        if self._said is not None:
            self._said = None
            logger.info('the service takes questions again')
        if self._unreached:
            self._unreached = False
            self.on_reached()

    async def _failed(self, question: Question, error: ClientError) -> None:
        """Decide what a failure means: for this question, for all, or for nobody."""
        if error.final:
            await self._end(question, State.FAILED, str(error))
            return
        self._unreached = True
        delay: float | None = None
        now = time.monotonic()
        if error.outage:
            # All senders meet one outage at the same time; it counts once.
            if now >= self._gate:
                self._gate = now + self._outage.next()
            delay = 0.0
            self._say_outage(error, now)
        elif error.retry_after_s is not None:
            self._gate = max(self._gate, now + min(error.retry_after_s, MAX_RETRY_AFTER_S))
            delay = 0.0
        if not error.outage:
            logger.warning(
                '%s could not be sent and will be tried again: %s', question.entry.id, error
            )
        self._enqueue_later(question, delay)

    def _say_outage(self, error: ClientError, now: float) -> None:
        """Log an outage when it begins, and then rarely: it may last for days."""
        if self._said is not None:
            kind, at = self._said
            if kind is type(error) and now - at < SAY_AGAIN_S:
                return
        self._said = type(error), now
        log = logger.error if isinstance(error, AuthenticationError) else logger.warning
        log(
            'nothing can be sent; %d questions are kept and tried again: %s',
            self._questions.waiting(), error,
        )  # fmt: skip
