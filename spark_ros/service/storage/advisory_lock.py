# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Tasks that one process at a time runs, of those that share a PostgreSQL database.

Each such task has an advisory lock of the database. A process keeps its locks by a connection of
its own: when the process dies, the server frees them. When the connection is lost, the tasks are
cancelled before the server can give the locks to another process.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anyio import fail_after, move_on_after
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from spark_ros.service.own_thread import in_own_thread

T = TypeVar('T')

log = logging.getLogger('spark_ros.service')

LOOK_EVERY_S = 1.0
# Every look has to end within this time. The server ends a connection without one after longer
# than both together, also of a machine that it no longer reaches.
LOOK_S = 2.0
END_IDLE = text("SET idle_session_timeout = '5s'")
PING = text('SELECT 1')
TRY = text('SELECT pg_try_advisory_lock(:key)')


@dataclass
class _Lock:
    """A lock, whether this process has it, and what runs under it."""

    held: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class AdvisoryLocks:
    """The locks of one process, by name; on SQLite it has all that there are.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level='AUTOCOMMIT')
        self._alone = engine.dialect.name == 'sqlite'
        self._locks: dict[str, _Lock] = {}

    async def run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run something whenever this process has a lock; return when it ends by itself.

        Several may run under one lock. `keep` takes the lock, and cancels them when it is lost.
        """
        if self._alone:
            await work()
            return
        lock = self._locks.setdefault(name, _Lock())
        while True:
            await lock.held.wait()
            task = asyncio.create_task(_call(work))
            lock.tasks.add(task)
            try:
                await asyncio.wait([task])
            finally:
                task.cancel()
                await asyncio.wait([task])
                lock.tasks.discard(task)
            if not task.cancelled():
                return task.result()

    async def keep(self) -> None:
        """Take the locks that are free, and keep them, until cancelled."""
        while True:
            try:
                connection = await in_own_thread('locks', self._connect)
                try:
                    await self._keep(connection)
                finally:
                    await self._lose_all()
                    await _briefly(_end, connection)
            except (DBAPIError, OSError) as error:
                log.debug('no locks: %r', error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _keep(self, connection: Connection) -> None:
        while True:
            wanted = [name for name, lock in self._locks.items() if not lock.held.is_set()]
            for name in await _briefly(_take_free, connection, wanted):
                log.info('%s: runs in this process', name)
                self._locks[name].held.set()
            await _wait_for_end(connection)

    async def _lose_all(self) -> None:
        """Cancel what runs, and wait for its end."""
        tasks = set()
        for name, lock in self._locks.items():
            if lock.held.is_set():
                log.info('%s: no longer runs in this process', name)
            lock.held.clear()
            tasks |= lock.tasks
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LOOK_S)

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        connection.execute(END_IDLE)
        return connection


async def _call(work: Callable[[], Awaitable[None]]) -> None:
    await work()


async def _briefly(work: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a thread of its own.

    Raises:
        TimeoutError: it takes too long.
    """
    with fail_after(LOOK_S):
        return await in_own_thread('locks', work, *arguments)


def _end(connection: Connection) -> None:
    # Not back to the pool, which would keep it with its locks, or wait for an answer on it.
    connection.invalidate()
    connection.close()


def _take_free(connection: Connection, names: Sequence[str]) -> list[str]:
    """Take the locks that are free, and return their names; also shows that the server is there.

    Raises:
        DBAPIError: the connection is lost.
    """
    connection.execute(PING)
    return [name for name in names if connection.execute(TRY, {'key': _key(name)}).scalar()]


async def _wait_for_end(connection: Connection) -> None:
    """Wait until it is time to look again, or the server says something: that it ends."""
    loop, said = asyncio.get_running_loop(), asyncio.Event()
    driver: Any = connection.connection.driver_connection
    socket = driver.fileno()
    loop.add_reader(socket, said.set)
    try:
        with move_on_after(LOOK_EVERY_S):
            await said.wait()
    finally:
        loop.remove_reader(socket)


def _key(name: str) -> int:
    """Return the number of a lock: any of 64 bits, so that no other program has the same."""
    digest = hashlib.sha256(f'spark_ros {name}'.encode()).digest()
    return int.from_bytes(digest[:8], 'big', signed=True)
