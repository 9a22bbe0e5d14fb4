# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Follow a service's change feed: one long poll, however many questions are open."""

from __future__ import annotations

import asyncio
import logging
import time

import anyio

from spark_ros.clients.errors import ClientError, CursorGone, NotFoundError, UnsupportedError
from spark_ros.clients.retry import Backoff
from spark_ros.escalation.answers.poller import Poller
from spark_ros.escalation.answers.router import AnswerRouter
from spark_ros.escalation.backends.backend import Backend, News
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal

CURSOR = 'feed cursor'
AT_ONCE_S = 1.0
GONE_AGAIN_S = 10.0
logger = logging.getLogger(__name__)


class Feed:
    """Bring answers home as soon as they are committed, where the service has a change feed.

    Polling goes on under it, rarely; it takes over where there is no feed, or none just now.
    Whether there is one is found out by asking. A login page or a proxy's error looks like a
    service without one, so a feed that was ever seen is asked for again soon, and any other ever
    more rarely, but at once when the service is reached again.
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
        self._backend, self._contacts, self._journal = backend, contacts, journal
        self._router, self._poller, self._reached = router, poller, reached
        self._cursor: str | None = None
        self._seen = False
        self._interrupted = Backoff(0.5, 30.0)
        self._absent = Backoff(5.0, 600.0)
        self._gone_at = float('-inf')

    async def run(self) -> None:
        """Follow until cancelled."""
        self._cursor = await self._journal.read_or(lambda disk: disk.recall(CURSOR), '') or None
        self._seen = self._cursor is not None
        while True:
            pause_s = await self._follow()
            if pause_s:
                self._poller.relax(False)
                self._reached.clear()
                with anyio.move_on_after(pause_s):
                    await self._reached.wait()

    async def _follow(self) -> float:
        """Make one long poll; return how long to leave the feed alone, 0 for not at all."""
        try:
            begun = time.monotonic()
            with self._contacts.following():
                news = await self._backend.changes(self._cursor)
            if _nothing(news, self._cursor) and time.monotonic() - begun < AT_ONCE_S:
                # Something between us and the service answers without waiting.
                await asyncio.sleep(AT_ONCE_S)
            await self._take_in(news)
        except (NotFoundError, UnsupportedError) as error:
            if self._seen:
                return self._interruption(error)
            if not self._absent.failures:
                logger.info('the service has no change feed; it is polled: %s', error)
            return self._absent.next()
        except CursorGone as error:
            again = time.monotonic() - self._gone_at < GONE_AGAIN_S
            self._gone_at = time.monotonic()
            known, self._cursor = self._cursor is not None, None
            if again or not known:
                return self._interruption(error)
            logger.info('the change feed has gone on without us; every open question is polled')
        except ClientError as error:
            return self._interruption(error)
        except Exception:
            logger.exception('the change feed is interrupted, polling meanwhile')
            return self._interrupted.next()
        return 0.0

    def _interruption(self, error: ClientError) -> float:
        if not self._interrupted.failures:
            logger.warning('the change feed is interrupted, polling meanwhile: %s', error)
        return self._interrupted.next()

    async def _take_in(self, news: News) -> None:
        """Settle what the news says; only then does the cursor move on."""
        # That it says where it is does not mean that one can go on from there.
        if self._cursor is not None:
            if self._interrupted.failures:
                logger.info('the change feed is back')
            self._interrupted.reset()
        self._absent.reset()
        self._seen = True
        for report in news.reports:
            await self._router.route(report)
        if self._cursor is None:
            # Between the last answer that is known and this cursor anything may have happened.
            self._poller.poll_soon()
        self._poller.relax(True)
        if news.cursor != self._cursor:
            self._cursor = news.cursor
            await self._journal.write(Journal.remember, CURSOR, news.cursor)


def _nothing(news: News, cursor: str | None) -> bool:
    return news.cursor == cursor and not news.reports and not news.more
