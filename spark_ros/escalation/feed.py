# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Follow a service's change feed: one long poll, however many questions are open."""

from __future__ import annotations

import asyncio
import logging

from spark_ros.clients.errors import ClientError, CursorGone, NotFoundError, UnsupportedError
from spark_ros.escalation.backend import Backend, News
from spark_ros.escalation.backoff import Backoff
from spark_ros.escalation.courier import Courier
from spark_ros.escalation.poller import Poller

CURSOR = 'feed cursor'
PROBE_AGAIN_S = 600.0
logger = logging.getLogger(__name__)


class Feed:
    """Bring answers home as soon as they are committed, where the service has a change feed.

    Polling goes on under it, rarely; it takes over where there is no feed, or none just now.
    """

    def __init__(self, backend: Backend, courier: Courier, poller: Poller) -> None:
        """Set up; nothing is asked before `run`."""
        self._backend, self._courier, self._poller = backend, courier, poller
        self._cursor: str | None = None
        self._backoff = Backoff(0.5, 30.0)

    async def run(self) -> None:
        """Follow until cancelled."""
        self._cursor = await self._courier.recall(CURSOR) or None
        while True:
            pause_s = await self._follow()
            if pause_s:
                self._poller.relax(False)
                await asyncio.sleep(pause_s)

    async def _follow(self) -> float:
        """Make one long poll; return how long to leave the feed alone, 0 for not at all."""
        try:
            news = await self._backend.changes(self._cursor)
            await self._take_in(news)
        except (NotFoundError, UnsupportedError):
            logger.info('the service has no change feed; it is polled')
            return PROBE_AGAIN_S
        except CursorGone:
            logger.info('the change feed has gone on without us; every open question is polled')
            self._cursor = None
        except ClientError as error:
            if not self._backoff.failures:
                logger.warning('the change feed is interrupted, polling meanwhile: %s', error)
            return self._backoff.next()
        except Exception:
            logger.exception('the change feed is interrupted, polling meanwhile')
            return self._backoff.next()
        return 0.0

    async def _take_in(self, news: News) -> None:
        """Settle what the news says; only then does the cursor move on."""
        if self._backoff.failures:
            logger.info('the change feed is back')
            self._backoff.reset()
        for report in news.reports:
            await self._courier.settle(report)
        if self._cursor is None:
            # Between the last answer that is known and this cursor anything may have happened.
            self._poller.look_at_all()
        self._poller.relax(True)
        if news.cursor != self._cursor:
            self._cursor = news.cursor
            await self._courier.remember(CURSOR, news.cursor)
