# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Wait for answers: by the service's change feed where it has one, else by polling."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import anyio

from spark_ros.cli.spark_progress import Progress
from spark_ros.cli.spark_records import Record, states_of
from spark_ros.cli.spark_services import Service
from spark_ros.clients import (
    ClientError,
    CursorGone,
    NotFoundError,
    UnsupportedError,
)

POLL_S = 2.0
BLOCK_S = 25.0
SHORTEST_S = 1.0


class Timeout(Exception):
    """An answer did not come in the time that was given."""


class Ears:
    """Hears that something has changed."""

    def __init__(
        self,
        service: Service,
        robot_id: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Listen to a service; only to what this robot asked, where one is named."""
        self._service = service
        self._robot_id = robot_id
        self._sleep = sleep
        self._clock = clock
        self._cursor: str | None = None
        self.has_feed = True
        self.missed = False

    async def listen(self) -> list[Record] | None:
        """Wait for changes; None: the caller must look for itself what there is.

        The first call returns None at once: what happens from then on is heard.
        """
        if not self.has_feed:
            await self._sleep(POLL_S)
            return None
        began, first = self._clock(), self._cursor is None
        try:
            self._cursor, changed = await self._service.changes(
                self._cursor, 0.0 if first else BLOCK_S, self._robot_id
            )
        except (NotFoundError, UnsupportedError):
            self.has_feed = False
            return None
        except CursorGone:
            self._cursor, self.missed = None, True
            return None
        if not changed and self._clock() - began < SHORTEST_S and not first:
            # A service that does not wait is not asked without a pause.
            await self._sleep(SHORTEST_S)
        return None if first else changed


async def wait(
    service: Service, token: str, timeout_s: float, progress: Progress
) -> list[Record]:
    """Wait until a question is over, however often the service is away meanwhile.

    Raises:
        Timeout: it is not over in time; the question stays.
        ClientError: the service refuses to tell.
    """
    last_trouble = ''

    async def look_and_listen() -> list[Record]:
        nonlocal last_trouble
        ears = Ears(service)
        while True:
            try:
                records = await service.fetch(token)
                progress.state(states_of(records))
                last_trouble = ''
                if records and all(record.over for record in records):
                    return records
                await _until_heard(ears, token)
            except ClientError as error:
                if not error.transient:
                    raise
                last_trouble = str(error)
                progress.trouble(last_trouble)
                await asyncio.sleep(POLL_S)

    # Up to Python 3.11 `asyncio.wait_for` is not sure to end what itself waits by `wait_for`.
    with anyio.move_on_after(timeout_s):
        return await look_and_listen()
    why = f' ({last_trouble})' if last_trouble else ''
    raise Timeout(f'no answer within {timeout_s:g} s{why}; later: spark show {token}')


class Watch:
    """Follows the changes of all questions of a key, or of some."""

    def __init__(
        self,
        service: Service,
        tokens: Sequence[str],
        robot_id: str | None,
        emit: Callable[[Record], None],
        trouble: Callable[[str], None],
    ) -> None:
        """Set up.

        Args:
            service: where the questions are.
            tokens: the questions to follow; none: all.
            robot_id: only this robot's, where the service has a feed.
            emit: takes each change as it comes.
            trouble: takes what goes wrong for a while.
        """
        self._service = service
        self._left = list(dict.fromkeys(tokens))
        self._all = not tokens
        self._robot_id = robot_id
        self._ears = Ears(service, robot_id)
        self._emit = emit
        self._trouble = trouble
        self._last: dict[tuple[str, str, int], str] = {}
        self._start = 0
        self._looked = False
        self._away = False

    async def run(self) -> None:
        """Follow until the questions are over; without tokens until cancelled.

        Raises:
            ClientError: the service refuses.
            ValueError: a robot is named, but the service has no feed that could tell its
                questions from others.
        """
        while self._all or self._left:
            try:
                heard = await self._ears.listen()
                if not self._ears.has_feed and self._robot_id:
                    raise ValueError('--robot-id needs a service with a change feed')
                if self._ears.missed:
                    self._trouble('the feed has moved on: some changes may be missing here')
                    self._ears.missed = False
                if heard is None:
                    await self._look()
                else:
                    await self._hear(heard)
                if self._away:
                    self._away = False
                    self._trouble('the service is back')
            except ClientError as error:
                if not error.transient:
                    raise
                if not self._away:
                    self._trouble(f'{error}; trying again')
                self._away = True
                await asyncio.sleep(POLL_S)

    async def _hear(self, heard: Sequence[Record]) -> None:
        for record in heard:
            if self._all or record.token in self._left:
                self._tell(record)
        # With several images, a question is over when all of them are.
        for token in dict.fromkeys(record.token for record in heard if record.over):
            if token in self._left:
                await self._look_at(token)

    async def _look_at(self, token: str) -> None:
        records = await self._service.fetch(token)
        self._note(records)
        if records and all(record.over for record in records):
            self._left.remove(token)

    async def _look(self) -> None:
        """Look at everything; the first look at all questions only notes how they are."""
        if not self._all:
            for token in list(self._left):
                await self._look_at(token)
        elif not self._ears.has_feed:
            await self._look_at_list()

    async def _look_at_list(self) -> None:
        over, records = True, []
        async for record in self._service.listed(start=self._start):
            # Those that are over at the beginning of the list are not read again.
            over = over and record.over
            self._start += over
            records.append(record)
        self._note(records, silent=not self._looked)
        self._looked = True

    def _note(self, records: Sequence[Record], silent: bool = False) -> None:
        seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for record in records:
            place = seen[record.token, record.images]
            seen[record.token, record.images] += 1
            self._tell(record, place, silent)

    def _tell(self, record: Record, place: int = 0, silent: bool = False) -> None:
        """Emit a record, unless its state is the one that was seen last.

        Heat's `pending` hides that somebody has taken a question, or put it back.
        """
        key = (record.token, ' '.join(record.images), place)
        if self._last.get(key) != record.state:
            self._last[key] = record.state
            if not silent:
                self._emit(record)


async def _until_heard(ears: Ears, token: str) -> None:
    while True:
        heard = await ears.listen()
        if heard is None or any(record.token == token for record in heard):
            return
