# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Withdraw questions at the service, as soon as it can be reached."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable

from spark_ros.clients.errors import ClientError, ResponseError
from spark_ros.clients.retry import Backoff
from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.escalation.settings import Current

NOTE = 'withdrawals'
MAX_REMEMBERED = 1000
logger = logging.getLogger(__name__)


class Withdrawals:
    """The questions still to be withdrawn at the service.

    It stays in the journal, so that it is done after an outage and after a restart, too. A service
    without such a call is not told: the question stays open there, and its answer is not
    published. Until it is known whether there is one, they are kept.
    """

    def __init__(
        self, backend: Backend, contacts: Contacts, journal: AsyncJournal, current: Current
    ) -> None:
        """Set up; nothing is sent before `run`.

        Args:
            backend: the service.
            contacts: told what becomes of the calls to it.
            journal: keeps what is still to be withdrawn.
            current: whether it is a dry run, in which nothing is opened to learn a token.
        """
        self._backend, self._contacts, self._journal = backend, contacts, journal
        self._current = current
        self._tokens: dict[str, None] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._recalling, self._recalled = asyncio.Lock(), False

    async def add(self, token: str) -> None:
        """Withdraw a question at the service; returns once the withdrawal is stored."""
        if self._backend.can_withdraw is False:
            return
        await self._recall()
        self._tokens[token] = None
        while len(self._tokens) > MAX_REMEMBERED:
            self._tokens.pop(next(iter(self._tokens)))
        await self._remember()
        self._wake.set()

    def add_once_open(
        self, escalation: Escalation, image_url: str, opening: Awaitable[str] | None = None
    ) -> bool:
        """Withdraw a question that the service may have opened although no token came back.

        To learn the token it is asked again under the same key. Then the question is deleted from
        the journal.

        Args:
            escalation: what was asked.
            image_url: of its image.
            opening: the request, where it is still under way.

        Returns:
            Whether the service has a call for that, or may have one.
        """
        possible = self._backend.can_withdraw is not False
        if possible:
            task = asyncio.ensure_future(self._add_once_open(escalation, image_url, opening))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        return possible

    async def _add_once_open(
        self, escalation: Escalation, image_url: str, opening: Awaitable[str] | None
    ) -> None:
        token = await self._learn(escalation, image_url, opening)
        if token:
            await self.add(token)
        await self._journal.write(Journal.done, escalation.id)

    async def _learn(
        self, escalation: Escalation, image_url: str, opening: Awaitable[str] | None
    ) -> str:
        """Return the token, or an empty string where there is none."""
        pause = Backoff(0.5, 30.0)
        while True:
            can_withdraw = self._backend.can_withdraw
            if opening is None and can_withdraw is False:
                return ''
            if opening is None and (can_withdraw is None or self._current.settings.dry_run):
                await asyncio.sleep(pause.next())
                continue
            try:
                return await (
                    opening or self._backend.open(escalation, image_url, may_be_open=True)
                )
            except ClientError as error:
                if error.final or (opening and not error.may_have_arrived):
                    logger.info('%s is not open: %s', escalation.id, error)
                    return ''
                opening = None
                await asyncio.sleep(pause.next())
            except Exception:
                logger.exception('cannot find out the token of %s', escalation.id)
                return ''

    async def run(self) -> None:
        """Withdraw at the service until cancelled."""
        await self._recall()
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
        """Withdraw a question; return False if that has to be tried again."""
        try:
            with self._contacts.recorded():
                await self._backend.withdraw(token)
        except ClientError as error:
            # Something in between lets no DELETE pass, and will not do so later.
            barred = isinstance(error, ResponseError) and error.status in (405, 501)
            if not error.final and not barred:
                logger.warning('cannot withdraw %s yet; trying again: %s', token, error)
                return False
            # It is answered already, or the service does not know it any more.
            logger.info('the service did not withdraw %s: %s', token, error)
        except Exception:
            logger.exception('cannot withdraw %s', token)
        return True

    async def _recall(self) -> None:
        """Read what is left from before a restart, once, and before anything is stored."""
        async with self._recalling:
            if not self._recalled:
                left = await self._journal.read_or(lambda disk: disk.recall(NOTE), '')
                self._tokens, self._recalled = _read(left), True

    async def _remember(self) -> None:
        await self._journal.write(Journal.remember, NOTE, json.dumps(list(self._tokens)))


def _read(note: str) -> dict[str, None]:
    try:
        return dict.fromkeys(map(str, json.loads(note))) if note else {}
    except (ValueError, TypeError):
        logger.error('cannot read the withdrawals in the journal; ignoring them: %.200s', note)
        return {}
