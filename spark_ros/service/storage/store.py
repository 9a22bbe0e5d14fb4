# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The store: one writer thread that commits waiting writes together, and reader threads.

SQLite has one writer at a time. One thread takes every write that waits, runs each under its own
savepoint, commits them with one fsync, and only then lets their callers answer: nothing is
acknowledged that a power cut could take back, and hundreds of writes a second share a disk.
"""

from __future__ import annotations

import asyncio
import os
import queue
import secrets
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
)

from spark_ros.service.events import Change
from spark_ros.service.fair_threads import FairThreadPool, PerCallerLock
from spark_ros.service.storage import schema

P = ParamSpec('P')
T = TypeVar('T')

BATCH = 64
READERS = 4
READS_WAITING = 512
BUSY_TIMEOUT_MS = 15_000
# Execution option of queries that are read row by row until a page is full.
ROW_BY_ROW = {'yield_per': 1}


@dataclass
class Transaction:
    """A write in progress: its connection, and the state changes it made."""

    connection: Connection
    changes: list[Change] = field(default_factory=list)


Read = Callable[Concatenate[Connection, P], T]
Write = Callable[Concatenate[Transaction, P], T]


@dataclass
class _Waiting:
    work: Callable[[Transaction], Any]
    future: Future[Any] = field(default_factory=Future)


class Store:
    """The service's database.

    Args:
        url: a SQLAlchemy URL. An SQLite file is made with mode 0600.
        on_commit: called in the writer thread with the changes of each commit, in order.
    """

    def __init__(self, url: str, on_commit: Callable[[list[Change]], None] | None = None) -> None:
        self._engine = _engine(url)
        self._on_commit = on_commit
        self._writes: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        lock = PerCallerLock(READS_WAITING, 'reads of this key')
        self._readers = FairThreadPool('store-read', READERS, lock)
        self._large_writes = PerCallerLock()
        self._writer: threading.Thread | None = None
        self._closed = False
        self._prepare()

    def value(self, name: str) -> str:
        """Return a value of the `meta` table: `epoch`, `url_secret` or `version`."""
        query = select(schema.meta.c.value).where(schema.meta.c.name == name)
        return str(self.read_now(lambda connection: connection.execute(query).scalar_one()))

    def read_now(self, work: Read[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in this thread."""
        with self._engine.connect() as connection, connection.begin():
            return work(connection, *args, **kwargs)

    def write_now(self, work: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(transaction, …)` in this thread, not in the event loop's; durable after it."""
        with self._writing() as connection:
            transaction = Transaction(connection)
            result = work(transaction, *args, **kwargs)
        self._announce(transaction.changes)
        return result

    async def read(self, work: Read[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in a thread: a small read, such as of one row."""
        return await self._readers.run(None, partial(self.read_now, work, *args, **kwargs))

    async def read_for(
        self, caller: Hashable, work: Read[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a read that may be large: of these, each caller has one at a time.

        Raises:
            ApiError: 429 when too many reads of the caller wait already.
        """
        return await self._readers.run(caller, partial(self.read_now, work, *args, **kwargs))

    async def write_for(
        self, caller: Hashable, work: Write[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a write that may be large: of these, each caller has one at a time."""
        async with self._large_writes.hold(caller):
            return await self.write(work, *args, **kwargs)

    async def write(self, work: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(transaction, …)` with other waiting writes; durable when it returns.

        An exception of `work` rolls back that write alone. A caller that is cancelled before its
        write begins writes nothing.
        """
        if self._closed:
            raise RuntimeError('the store is closed')
        if self._writer is None:
            self._writer = threading.Thread(target=self._run, name='store-write', daemon=True)
            self._writer.start()
        write = _Waiting(lambda transaction: work(transaction, *args, **kwargs))
        self._writes.put(write)
        result: T = await asyncio.wrap_future(write.future)
        return result

    def close(self) -> None:
        """Finish the waiting writes and close the database."""
        self._closed = True
        if self._writer is not None:
            self._writes.put(None)
            self._writer.join()
        self._readers.close()
        self._engine.dispose()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            waiting = [self._writes.get()]
            while len(waiting) < BATCH:
                try:
                    waiting.append(self._writes.get_nowait())
                except queue.Empty:
                    break
            stopping = None in waiting
            self._commit([
                write for write in waiting
                if write is not None and write.future.set_running_or_notify_cancel()
            ])

    def _commit(self, writes: list[_Waiting]) -> None:
        if not writes:
            return
        done: list[tuple[_Waiting, Any]] = []
        failed: list[tuple[_Waiting, BaseException]] = []
        changes: list[Change] = []
        try:
            with self._writing() as connection:
                for write in writes:
                    transaction = Transaction(connection)
                    try:
                        with connection.begin_nested():
                            result = write.work(transaction)
                    except Exception as error:
                        failed.append((write, error))
                    else:
                        done.append((write, result))
                        changes += transaction.changes
        except Exception as error:
            own_errors = {id(write): own_error for write, own_error in failed}
            for write in writes:
                write.future.set_exception(own_errors.get(id(write), error))
            return
        self._announce(changes)
        for write, result in done:
            write.future.set_result(result)
        for write, own_error in failed:
            write.future.set_exception(own_error)

    def _announce(self, changes: list[Change]) -> None:
        if changes and self._on_commit is not None:
            self._on_commit(changes)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                yield connection

    def _prepare(self) -> None:
        with self._writing() as connection:
            schema.metadata.create_all(connection)
            rows = connection.execute(select(schema.meta.c.name, schema.meta.c.value))
            present = {row.name: row.value for row in rows}
            first = {
                'version': schema.VERSION,
                'epoch': secrets.token_hex(8),
                'url_secret': secrets.token_hex(32),
                # The newest number of the changes that were deleted.
                'forgotten': '0',
            }
            missing = [
                {'name': name, 'value': value}
                for name, value in first.items()
                if name not in present
            ]
            if missing:
                connection.execute(insert(schema.meta), missing)
        if present.get('version', schema.VERSION) != schema.VERSION:
            raise RuntimeError(
                f'the database has version {present["version"]}; this service needs '
                f'{schema.VERSION}'
            )


class DriverMissing(RuntimeError):
    """The database driver cannot be imported; the message tells the user why."""


def expect_driver(url: str) -> URL:
    """Read a SQLAlchemy URL whose driver can be imported.

    Raises:
        DriverMissing: it cannot.
        SQLAlchemyError: it is no URL of a database that SQLAlchemy knows.
    """
    parsed = make_url(url)
    try:
        parsed.get_dialect().import_dbapi()
    except ImportError as error:
        reason = str(error).partition('\n')[0]
        raise DriverMissing(
            f'the driver of {parsed.drivername} cannot be imported: {reason}; install it (of '
            "postgresql+psycopg: pip install 'psycopg[binary]')"
        ) from None
    return parsed


def holds_data(url: str) -> bool:
    """Whether a service ever used the database of a SQLAlchemy URL; makes none."""
    parsed = expect_driver(url)
    if parsed.get_backend_name() == 'sqlite' and not Path(parsed.database or '').is_file():
        return False
    engine = create_engine(parsed)
    try:
        return inspect(engine).has_table(schema.meta.name)
    finally:
        engine.dispose()


def private_directory(path: Path) -> Path:
    """Make a directory with mode 0700 if it is not there, and return it.

    The mode of an existing directory is changed only if it is empty: it may be a home directory.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(path.iterdir()):
        path.chmod(0o700)
    return path


def _engine(url: str) -> Engine:
    parsed = expect_driver(url)
    if parsed.get_backend_name() != 'sqlite':
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database and parsed.database != ':memory:':
        path = Path(parsed.database)
        private_directory(path.parent)
        # SQLite gives its -wal and -shm files the mode of the database itself.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    engine = create_engine(
        parsed, pool_size=READERS + 2, max_overflow=8, connect_args={'check_same_thread': False}
    )

    @event.listens_for(engine, 'connect')
    def _connected(connection: Any, record: Any) -> None:
        # sqlite3's own transaction handling would commit behind SAVEPOINT's back.
        connection.isolation_level = None
        for pragma in (
            f'busy_timeout={BUSY_TIMEOUT_MS}',
            'journal_mode=WAL',
            'synchronous=FULL',
            'foreign_keys=ON',
            # What is deleted is overwritten, too.
            'secure_delete=ON',
        ):
            connection.execute(f'PRAGMA {pragma}')

    @event.listens_for(engine, 'begin')
    def _begun(connection: Connection) -> None:
        immediate = connection.get_execution_options().get('immediate')
        connection.exec_driver_sql('BEGIN IMMEDIATE' if immediate else 'BEGIN')

    return engine
