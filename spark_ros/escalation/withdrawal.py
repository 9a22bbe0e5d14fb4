# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Take questions back: here at once, and at the service as soon as it can be reached."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

from spark_ros.clients.errors import ClientError
from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.backoff import Backoff
from spark_ros.escalation.journal.disk import Disk
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.questions import Question, Questions
from spark_ros.model import State

NOTE = 'withdrawals'
MAX_REMEMBERED = 1000
UNKNOWN = 'there is no open question with this id'
logger = logging.getLogger(__name__)


class Withdrawals:
    """End questions that nobody wants answered any more.

    What is still to be withdrawn at the service stays in the journal, so that it is done after
    an outage and after a restart, too. An API without such a call is not told: the question
    stays open there, and its answer is not published.
    """

    def __init__(
        self,
        backend: Backend,
        journal: SafeJournal,
        disk: Disk,
        questions: Questions,
        tell: Callable[[Question, State, str], Awaitable[None]],
    ) -> None:
        """Set up; nothing is sent before `run`.

        Args:
            backend: the service.
            journal: used on `disk` alone.
            disk: the journal's thread.
            questions: what is on its way.
            tell: tells everybody what became of a question that is still in the journal.
        """
        self._backend = backend
        self._journal = journal
        self._disk = disk
        self._questions = questions
        self._tell = tell
        self._tokens: dict[str, None] = {}
        self._wake = asyncio.Event()

    async def cancel(self, id: str, detail: str) -> str:
        """Withdraw a question; return an empty string, or why that cannot be.

        An expired one has told its end already: it only loses its late answer.
        """
        question = self._questions.forget(id)
        if question is None:
            return UNKNOWN
        if question.token:
            await self.at_service(question.token)
        if question.state is not State.EXPIRED:
            await self._tell(question, State.CANCELED, detail)
        await self._disk(self._journal.done, id)
        return ''

    async def at_service(self, token: str) -> None:
        """Have the service let go of a question; returns once that is sure to be tried."""
        if not self._backend.can_withdraw:
            return
        self._tokens[token] = None
        while len(self._tokens) > MAX_REMEMBERED:
            self._tokens.pop(next(iter(self._tokens)))
        await self._remember()
        self._wake.set()

    async def run(self) -> None:
        """Withdraw at the service until cancelled."""
        if self._backend.can_withdraw:
            left = _read(await self._disk(self._journal.note, NOTE))
            self._tokens = left | self._tokens
        pause = Backoff(0.5, 30.0)
        while True:
            while not self._tokens:
                self._wake.clear()
                await self._wake.wait()
            token = next(iter(self._tokens))
            if await self._withdrawn(token):
                pause.reset()
                self._tokens.pop(token, None)
                await self._remember()
            else:
                # The next one first, then this one again.
                self._tokens.pop(token, None)
                self._tokens[token] = None
                await asyncio.sleep(pause.next())

    async def _withdrawn(self, token: str) -> bool:
        """Whether the service needs no more to be told of a question."""
        try:
            await self._backend.withdraw(token)
        except ClientError as error:
            if not error.final:
                logger.warning('%s is not withdrawn yet at the service: %s', token, error)
                return False
            # It is answered already, or the service does not know it any more.
            logger.info('the service did not withdraw %s: %s', token, error)
        except Exception:
            logger.exception('%s cannot be withdrawn', token)
        return True

    async def _remember(self) -> None:
        await self._disk(self._journal.remember, NOTE, json.dumps(list(self._tokens)))


def _read(note: str) -> dict[str, None]:
    return dict.fromkeys(json.loads(note)) if note else {}
