# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Wait for answers: by the service's change feed where it has one, else by polling."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio

from spark_ros.cli.spark_progress import Progress
from spark_ros.cli.spark_records import Record, records_of_changes, states_of
from spark_ros.cli.spark_services import POLL_S, Service
from spark_ros.clients import ClientError, CursorGone, NotFoundError, UnsupportedError


class Timeout(Exception):
    """An answer did not come in the time that was given."""


async def follow(
    service: Service[Any],
    fetch: Callable[[bool], Awaitable[bool]],
    take_in: Callable[[Sequence[Record]], Awaitable[bool]],
    trouble: Callable[[ClientError | None], None],
    robot_id: str | None = None,
) -> None:
    """Follow what changes until one of `fetch` and `take_in` returns True.

    Args:
        service: where the questions are.
        fetch: called where anything may have changed, to find out what; told whether changes
            are heard of from then on.
        take_in: called with what has changed.
        trouble: told what goes wrong for a while, and None when nothing does.
        robot_id: only this robot's questions.

    Raises:
        ClientError: the service refuses.
        ValueError: a robot is named, but the service has no feed that could tell its questions
            from others.
    """
    listener, has_feed = service.change_feed(robot_id), True

    def interrupted(error: ClientError) -> float:
        if not error.transient and not isinstance(error, CursorGone):
            raise error
        trouble(error)
        return listener.back_off(error)

    while True:
        changes, pause_s = None, None
        try:
            changes = await listener.next() if has_feed else None
        except (NotFoundError, UnsupportedError):
            has_feed = False
        except ClientError as error:
            pause_s = interrupted(error)
        if robot_id and not has_feed:
            raise ValueError('--robot-id needs a service with a change feed')
        try:
            if changes is None or listener.cursor is None:
                over = await fetch(has_feed)
            else:
                over = await take_in(records_of_changes(changes, service.extensions))
        except ClientError as error:
            pause_s, over = interrupted(error), False
        else:
            if pause_s is None:
                trouble(None)
                pause_s = POLL_S
            if changes is not None:
                listener.acknowledge(changes)
                pause_s = 0.0
        if over:
            # Whatever the feed said before, the service has just told this.
            trouble(None)
            return
        await asyncio.sleep(pause_s)


async def wait(
    service: Service[Any], token: str, timeout_s: float, progress: Progress
) -> list[Record]:
    """Wait until a question is over, however often the service is away meanwhile.

    Raises:
        Timeout: it is not over in time; the question stays.
        ClientError: the service refuses to tell.
    """
    records: list[Record] = []
    last_trouble = ''

    async def fetch(_: bool) -> bool:
        records[:] = await service.fetch(token)
        progress.state(states_of(records))
        return _all_over(records)

    async def take_in(changed: Sequence[Record]) -> bool:
        return any(record.token == token for record in changed) and await fetch(True)

    def trouble(error: ClientError | None) -> None:
        nonlocal last_trouble
        last_trouble = '' if error is None or not error.transient else str(error)
        if last_trouble:
            progress.trouble(last_trouble)

    # Up to Python 3.11 `asyncio.wait_for` is not sure to end what itself waits by `wait_for`.
    with anyio.move_on_after(timeout_s):
        try:
            over = await fetch(True)
        except ClientError as error:
            if not error.transient:
                raise
            trouble(error)
            over = False
        if not over:
            await follow(service, fetch, take_in, trouble)
        return records
    why = f' ({last_trouble})' if last_trouble else ''
    raise Timeout(f'no answer within {timeout_s:g} s{why}; later: spark show {token}')


class Watch:
    """Follows the changes of all questions of a key, or of some."""

    def __init__(
        self,
        service: Service[Any],
        tokens: Sequence[str],
        robot_id: str | None,
        emit: Callable[[Record], None],
        warn: Callable[[str], None],
    ) -> None:
        """Set up.

        Args:
            service: where the questions are.
            tokens: the questions to follow; none: all.
            robot_id: only this robot's, where the service has a feed.
            emit: takes each change as it comes.
            warn: takes what goes wrong for a while, in words.
        """
        self._service = service
        self._left = list(dict.fromkeys(tokens))
        self._all = not tokens
        self._robot_id = robot_id
        self._emit = emit
        self._warn = warn
        self._last: dict[tuple[str, str, int], str] = {}
        self._start = 0
        self._listed = False
        self._away = False

    async def run(self) -> None:
        """Follow until the questions are over; without tokens until cancelled.

        Raises:
            ClientError, ValueError: as `follow`.
        """
        await follow(
            self._service, self._fetch, self._take_in, self._trouble, self._robot_id
        )

    async def _take_in(self, changed: Sequence[Record]) -> bool:
        for record in changed:
            if self._all or record.token in self._left:
                self._emit_new(record)
        # With several images, a question is over when all of them are.
        for token in dict.fromkeys(record.token for record in changed if record.over):
            if token in self._left:
                await self._fetch_one(token)
        return not self._all and not self._left

    async def _fetch(self, has_feed: bool) -> bool:
        """Fetch everything; the first list of all questions only gives their states."""
        for token in list(self._left):
            await self._fetch_one(token)
        if self._all and not has_feed:
            await self._fetch_list()
        return not self._all and not self._left

    async def _fetch_one(self, token: str) -> None:
        records = await self._service.fetch(token)
        self._emit_all(records)
        if _all_over(records):
            self._left.remove(token)

    async def _fetch_list(self) -> None:
        over, records = True, []
        async for record in self._service.listed(start=self._start):
            # Those that are over at the beginning of the list are not read again.
            over = over and record.over
            self._start += over
            records.append(record)
        self._emit_all(records, silent=not self._listed)
        self._listed = True

    def _emit_all(self, records: Sequence[Record], silent: bool = False) -> None:
        seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for record in records:
            place = seen[record.token, record.images]
            seen[record.token, record.images] += 1
            self._emit_new(record, place, silent)

    def _emit_new(self, record: Record, place: int = 0, silent: bool = False) -> None:
        """Emit a record, unless its state is the one that was seen last.

        Heat's `pending` hides that somebody has taken a question, or put it back.
        """
        key = (record.token, ' '.join(record.images), place)
        if self._last.get(key) != record.state:
            self._last[key] = record.state
            if not silent:
                self._emit(record)

    def _trouble(self, error: ClientError | None) -> None:
        if isinstance(error, CursorGone):
            self._warn('the feed has moved on: some changes may be missing here')
        elif self._away != (error is not None):
            self._away = not self._away
            self._warn(f'{error}; trying again' if self._away else 'the service is back')


def _all_over(records: Sequence[Record]) -> bool:
    return bool(records) and all(record.over for record in records)
