# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Follow a service's change feed: one long poll, however many questions are open."""

from __future__ import annotations

import asyncio
import logging

import anyio

from spark_ros.clients.change_feed import ChangeFeedListener
from spark_ros.clients.errors import ClientError
from spark_ros.escalation.answers.poller import Poller
from spark_ros.escalation.answers.router import AnswerRouter
from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal

CURSOR = 'feed cursor'
INTERRUPTED = 'the change feed is interrupted; polling until it is back'
logger = logging.getLogger(__name__)


class Feed:
    """Fetch answers as soon as they are committed, if the service has a change feed.

    Polling goes on under it, rarely; it takes over where there is no feed, or none just now. A
    feed that cannot be had is asked for at once when the service is reached again.
    """

    def __init__(
        self,
        backend: Backend,
        contacts: Contacts,
        journal: AsyncJournal,
        router: AnswerRouter,
        poller: Poller,
        reached: asyncio.Event,
    ) -> None:
        """Set up; nothing is asked before `run`.

        Args:
            backend: may have a feed.
            contacts: told whether it can be followed.
            journal: remembers where in the feed we are.
            router: takes what the feed says.
            poller: relaxed while there is a feed.
            reached: set when the service was just reached where it had not been.
        """
        self._contacts, self._journal = contacts, journal
        self._router, self._poller, self._reached = router, poller, reached
        self.listener = ChangeFeedListener(backend.changes)

    async def run(self) -> None:
        """Follow until cancelled."""
        self.listener.cursor = (
            await self._journal.read_or(lambda disk: disk.recall(CURSOR), '') or None
        )
        while True:
            try:
                await self._follow()
            except Exception as error:
                pause_s = self.listener.back_off(error)
                self._log(error, pause_s)
                if pause_s:
                    self._poller.relax(False)
                    self._reached.clear()
                    with anyio.move_on_after(pause_s):
                        await self._reached.wait()

    async def _follow(self) -> None:
        """Handle the changes of one long poll; only then advance the cursor."""
        with self._contacts.following():
            news = await self.listener.next()
        for report in news.reports:
            await self._router.route(report)
        if self.listener.cursor is None:
            # Between the last answer that is known and this cursor anything may have happened.
            self._poller.poll_soon()
        elif self.listener.interrupted.failures:
            logger.info('the change feed is back')
        self._poller.relax(True)
        if news.cursor != self.listener.cursor:
            await self._journal.write(Journal.remember, CURSOR, news.cursor)
        self.listener.acknowledge(news)

    def _log(self, error: Exception, pause_s: float) -> None:
        if not isinstance(error, ClientError):
            logger.error(INTERRUPTED, exc_info=error)
        elif not pause_s:
            logger.info('changes of the feed were missed; polling every open question')
        elif self.listener.is_absent(error):
            if self.listener.absent.failures == 1:
                logger.info('the service has no change feed; polling it instead: %s', error)
        elif self.listener.interrupted.failures == 1:
            logger.warning('%s: %s', INTERRUPTED, error)
