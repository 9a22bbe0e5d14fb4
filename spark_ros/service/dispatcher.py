# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Processes rows of the database that are due, each in a task of its own.

A row stays due until its result is stored: if the process dies, the next one processes it again.
Processes that share a database take a row before they process it (`storage.attempts`).
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import httpx
from sqlalchemy import Connection, Row, Table

from spark_ros.service.context import Context
from spark_ros.service.events import Change, Subscription
from spark_ros.service.storage import attempts
from spark_ros.service.storage.outage import is_outage

log = logging.getLogger('spark_ros.service')

# How soon the database is read again when no change was announced: the wall clock may be set, and
# a command in another process may set a program.
POLL_S = 1.0
# How much longer than an attempt may take its row is taken: for what comes before it.
MARGIN_S = 5.0


class Dispatcher(ABC):
    """Starts a task for each row that is due and has room, until `run` is cancelled.

    Rows have an `id`.

    Args:
        table: has the rows.
        http: is closed when `run` ends, which can be called once.
        timeout_s: how long an attempt may take.
    """

    def __init__(
        self, context: Context, table: Table, http: httpx.AsyncClient, timeout_s: float
    ) -> None:
        self._context = context
        self._table = table
        self._http = http
        self._timeout_s = timeout_s
        self._running: dict[int, asyncio.Task[None]] = {}
        self._taken: dict[int, float] = {}

    @abstractmethod
    def _free(self) -> int:
        """Return how many more rows may be under way."""

    @abstractmethod
    def _due(self, connection: Connection) -> Sequence[Row[Any]]:
        """Return rows that are due, except those under way and those without room."""

    @abstractmethod
    def _reserve(self, row: Row[Any]) -> bool:
        """Count a row in the limits until `_attempt` ends; False when there is no room."""

    @abstractmethod
    async def _attempt(self, row: Row[Any]) -> None:
        """Process a row, and store the result in the database."""

    @abstractmethod
    def _matters(self, change: Change) -> bool:
        """Whether a change may have made something due."""

    async def _poll_after_s(self) -> float:
        """Return after how many seconds to read what is due, if nothing is announced before."""
        return POLL_S

    async def run(self) -> None:
        """Process what is due until cancelled."""
        async with self._http:
            with self._context.bus.subscribe(matters=self._matters) as changes:
                try:
                    while True:
                        await self._begin_due(changes)
                        if await changes.wait(await self._poll_after_s()):
                            changes.drain()
                finally:
                    running, taken = [*self._running.values()], {**self._taken}
                    for task in running:
                        task.cancel()
                    await asyncio.gather(*running, return_exceptions=True)
                    if taken:
                        store = self._context.store
                        await store.write(attempts.give_back, self._table, taken)

    async def _take(self, row: Row[Any]) -> Row[Any] | None:
        """Keep a row from other processes until its attempt is over, and return it as it is now.

        Returns:
            None where another process has it, or it is no longer due.
        """
        store = self._context.store
        if not store.shared:
            return row
        seconds = self._timeout_s + MARGIN_S
        found = await store.write(attempts.take, self._table, row.id, seconds)
        if found is not None:
            self._taken[row.id] = found.taken
        return found

    async def _pause_after(self, failure: Exception, what: str, seconds: float) -> None:
        """Log an attempt whose result was not stored, and wait: it would be due again at once."""
        # The store says by itself that the database is away.
        if not is_outage(failure):
            log.error('%s failed unexpectedly; trying again', what, exc_info=failure)
        await asyncio.sleep(seconds)

    async def _begin_due(self, changes: Subscription) -> None:
        while self._free() > 0:
            rows = await self._context.store.read(self._due)
            if not any([self._begin(changes, row) for row in rows]):
                return

    def _begin(self, changes: Subscription, row: Row[Any]) -> bool:
        if row.id in self._running or not self._reserve(row):
            return False

        def ended(task: asyncio.Task[None]) -> None:
            self._running.pop(row.id, None)
            self._taken.pop(row.id, None)
            changes.offer(None)

        task = asyncio.create_task(self._attempt(row))
        self._running[row.id] = task
        task.add_done_callback(ended)
        return True
