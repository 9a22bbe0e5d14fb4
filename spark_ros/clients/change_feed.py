# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The change feed of our service: what happened to all questions of a key, by one long poll.

Neither API's page has it. A service without it is found out by asking, and is polled.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from spark_ros.clients.answers import tolerant_engagement
from spark_ros.clients.base import ApiClient, block_params
from spark_ros.clients.errors import CursorGone, NotFoundError, RefusedError, UnsupportedError
from spark_ros.clients.extensions import whole_number
from spark_ros.clients.retry import Backoff
from spark_ros.clients.transport import HttpAnswer, HttpRequest
from spark_ros.wire.heat import HeatObject, parse_heat_object
from spark_ros.wire.spark import Engagement
from spark_ros.wire.values import WireError

GONE = 410
AT_ONCE_S = 1.0
GONE_AGAIN_S = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Changes:
    """What changed since a cursor, in the order in which it was committed.

    Attributes:
        cursor: opaque; what the next call goes on from. Keep it together with the answers.
        spark: the newest state of each engagement that changed.
        heat: the newest state of each Heat request that changed.
        more: there is more, to be fetched at once.
        operators: how many people are there to answer; None where the service does not say.
    """

    cursor: str
    spark: tuple[Engagement, ...] = ()
    heat: tuple[HeatObject, ...] = ()
    more: bool = False
    operators: int | None = None


class FeedClient(ApiClient):
    """A client of a service that may have a change feed."""

    async def changes(
        self, *, cursor: str | None, block_s: float = 25.0, robot_id: str | None = None
    ) -> Changes:
        """Return what changed since a cursor, or wait for something to change.

        Args:
            cursor: of the answer before; None: tell where the feed is now, at once and without
                any change.
            block_s: how long the service waits for a change, 0 to 60 seconds; the timeout and
                the deadline of the call are longer by as much.
            robot_id: only what was asked under this id; None: everything of the key.

        Raises:
            CursorGone: changes were lost since; look at every open question, then begin with
                None.
            NotFoundError, UnsupportedError: the service has no feed.
        """
        given = {'cursor': cursor, 'robot_id': robot_id}
        params = {name: value for name, value in given.items() if value is not None}
        params |= block_params(block_s)
        request = HttpRequest('GET', '/v1/changes', params, patience_s=block_s)
        try:
            found = await self._call(request, read_changes)
            if 'operators' in (self.extensions or {}) and found.operators is not None:
                self.operators = found.operators
            return found
        except RefusedError as error:
            if error.status != GONE:
                raise
            refused = error
        raise CursorGone(refused.status, refused.message, refused.retry_after, refused.request)


class HasCursor(Protocol):
    """What one long poll brings, such as `Changes`; its cursor goes into the next one."""

    @property
    def cursor(self) -> str:
        """Where in the feed it ends."""


Batch = TypeVar('Batch', bound=HasCursor)


class ChangeFeedListener(Generic[Batch]):
    """Follows a change feed by one long poll after another.

    ::

        while True:
            try:
                batch = await listener.next()
                ...                                  # store what it brings
                listener.acknowledge(batch)
            except ClientError as error:
                await asyncio.sleep(listener.back_off(error))

    What was not acknowledged comes again. Whether a service has a feed is found out by asking. A
    login page or a proxy's error looks like a service without one, so a feed that was ever seen
    is asked for again soon, and any other ever more rarely.

    Attributes:
        cursor: of the newest batch that was acknowledged; None: the next batch tells where the
            feed is, and anything may have happened before it.
        interrupted: the delays while a feed cannot be had.
        absent: the delays while there is no sign of one.
    """

    def __init__(
        self, fetch: Callable[[str | None], Awaitable[Batch]], longest_s: float = 30.0
    ) -> None:
        """Begin where the feed is; set `cursor` first to go on from an earlier batch.

        Args:
            fetch: makes one long poll from a cursor on; raises as `FeedClient.changes` does.
            longest_s: the longest delay while a feed is interrupted.
        """
        self._fetch = fetch
        self.cursor: str | None = None
        self.interrupted = Backoff(0.5, longest_s)
        self.absent = Backoff(5.0, 600.0)
        self._seen = False
        self._gone_at = float('-inf')

    async def next(self) -> Batch:
        """Wait for the next batch."""
        began = time.monotonic()
        batch = await self._fetch(self.cursor)
        if batch.cursor == self.cursor and time.monotonic() - began < AT_ONCE_S:
            # Something between us and the service answers without waiting.
            await asyncio.sleep(AT_ONCE_S)
        return batch

    def acknowledge(self, batch: Batch) -> None:
        """Acknowledge a batch whose changes are stored; the next one follows it."""
        # That it says where it is does not mean that one can go on from there.
        if self.cursor is not None:
            self.interrupted.reset()
        self.absent.reset()
        self._seen, self.cursor = True, batch.cursor

    def is_absent(self, error: Exception) -> bool:
        """Whether an error means that there is no feed, rather than that it is interrupted."""
        seen = self._seen or self.cursor is not None
        return isinstance(error, NotFoundError | UnsupportedError) and not seen

    def back_off(self, error: Exception) -> float:
        """Count a failure; return for how many seconds to leave the feed alone."""
        if self.is_absent(error):
            return self.absent.next()
        if isinstance(error, CursorGone):
            known = self.cursor is not None
            self._seen, self.cursor = self._seen or known, None
            again = time.monotonic() - self._gone_at < GONE_AGAIN_S
            self._gone_at = time.monotonic()
            if known and not again:
                return 0.0
        return self.interrupted.next()


def read_changes(answer: HttpAnswer) -> Changes:
    """Read what GET /v1/changes answers.

    A change that cannot be read is passed over: it would stand in the way for ever, and polling
    still finds the question.

    Raises:
        UnsupportedError: it is something else than a feed.
    """
    body = answer.body if isinstance(answer.body, Mapping) else {}
    cursor, changes = body.get('cursor'), body.get('changes')
    if not isinstance(cursor, str) or not cursor or not isinstance(changes, list):
        raise UnsupportedError(answer.status, 'the service answers, but not with a change feed')
    spark: list[Engagement] = []
    heat: list[HeatObject] = []
    for change in changes:
        try:
            _read_change(change, spark, heat)
        except WireError as error:
            logger.warning('skipping a change of the feed that cannot be read: %s', error)
    there = whole_number(str(body.get('operators')))
    return Changes(cursor, tuple(spark), tuple(heat), body.get('more') is True, there)


def _read_change(change: Any, spark: list[Engagement], heat: list[HeatObject]) -> None:
    if not isinstance(change, Mapping):
        raise WireError('it is not an object')
    if 'engagement' in change:
        spark.append(tolerant_engagement(change['engagement']))
    elif 'request' in change:
        heat.append(parse_heat_object(change['request']))
