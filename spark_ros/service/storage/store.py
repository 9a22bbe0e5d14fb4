# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The store: one writer thread that commits waiting writes together, and reader threads.

SQLite has one writer at a time. One thread takes every write that waits, runs them, commits them
with one fsync, and only then lets their callers answer: nothing is acknowledged that a power cut
could take back, and hundreds of writes a second share a disk. Where one fails that has changed
something already, all are run again, each under its own savepoint; a savepoint for every write
would cost as much as a write.

Processes that share a PostgreSQL database can wait for each other's rows. Where a batch has to
wait for long, its writes are run again, each in a transaction of its own.

The writer and each reader thread keep a connection: to take one from the pool costs more than most
reads.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from spark_ros.service.events import Change
from spark_ros.service.fair_threads import FairThreadPool, PerCallerLock
from spark_ros.service.storage import schema
from spark_ros.service.storage.advisory_lock import AdvisoryLocks
from spark_ros.service.storage.change_order import Position
from spark_ros.service.storage.database import (
    ThreadConnections,
    execute_plain,
    is_contention,
    open_engine,
    patience,
)
from spark_ros.service.storage.database_version import prepare
from spark_ros.service.storage.outage import OutageLog

if TYPE_CHECKING:
    from spark_ros.service.storage.notify_sender import NotifySender

P = ParamSpec('P')
T = TypeVar('T')

BATCH = 64
READERS = 4
READS_WAITING = 512
# How often a write is tried that another process's transaction is in the way of.
ATTEMPTS = 5
# Two processes whose batches wait for each other would do so for a second.
SHORT_WAITS = "SET LOCAL lock_timeout = '100ms'"
# Execution option of queries that are read row by row until a page is full.
ROW_BY_ROW = {'yield_per': 1}


@dataclass
class Transaction:
    """A write in progress.

    Attributes:
        changes: the state changes it made.
        changes_credentials: whether keys or sessions are no longer what they were.
    """

    connection: Connection
    changes: list[Change] = field(default_factory=list)
    changes_credentials: bool = False


Read = Callable[Concatenate[Connection, P], T]
Write = Callable[Concatenate[Transaction, P], T]


@dataclass
class _Waiting:
    work: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def run(self, connection: Connection) -> Transaction:
        """Do it, in the writer thread."""
        transaction = Transaction(connection)
        self.error = None
        self.result = self.work(transaction)
        return transaction

    def settle(self) -> None:
        """Let the caller go on, in the event loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class _NotAlone(Exception):
    """A write cannot be undone without those before it."""


class Store:
    """The service's database.

    Args:
        url: a SQLAlchemy URL. An SQLite file is made with mode 0600.
        on_commit: called in the writer thread with the changes of each commit, in order.

    Raises:
        DriverMissing, SQLAlchemyError: the database cannot be spoken to.
        WrongDatabase: it is of another version, or not a service's.

    Attributes:
        shared: whether other processes may use the database, too: it is not SQLite.
        credentials_version: another number after each write that changed keys or sessions, here
            or, on a shared database, in another process.
    """

    def __init__(self, url: str, on_commit: Callable[[list[Change]], None] | None = None) -> None:
        self.credentials_version = 0
        self._engine = open_engine(url)
        self.shared = self._engine.dialect.name != 'sqlite'
        # All that one read sees is of one moment; on SQLite it always is.
        self._reading = {'isolation_level': 'REPEATABLE READ'} if self.shared else {}
        self._read_connections = ThreadConnections(self._engine, self._reading)
        self._write_connections = ThreadConnections(self._engine, {'immediate': True})
        self._own_transactions: set[int] = set()
        self._notify_sender = self._make_notify_sender() if self.shared else None
        self._outages = OutageLog()
        self._on_commit = on_commit
        self._writes: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        lock = PerCallerLock(READS_WAITING, 'reads of this key')
        self._readers = FairThreadPool('store-read', READERS, lock)
        self._large_writes = PerCallerLock()
        self._writer: threading.Thread | None = None
        self._closed = False
        prepare(self._engine)

    @property
    def driver_parameters(self) -> dict[str, Any]:
        """With which the driver's `connect` connects to the database."""
        url = self._engine.url
        return {**patience(url), **self._engine.dialect.create_connect_args(url)[1]}

    def value(self, name: str) -> str:
        """Return a value of the `meta` table: `epoch` or `url_secret`."""
        query = select(schema.meta.c.value).where(schema.meta.c.name == name)
        return str(self.read_now(lambda connection: connection.execute(query).scalar_one()))

    def read_now(self, work: Read[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in this thread."""
        connected = self._engine.connect().execution_options(**self._reading)
        with connected as connection, connection.begin():
            return work(connection, *args, **kwargs)

    def write_now(self, work: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(transaction, …)` in this thread, not in the event loop's; durable after it."""
        made: list[Transaction] = []
        with self._made_here(made), self._writing() as connection:
            transaction = Transaction(connection)
            result = work(transaction, *args, **kwargs)
            made.append(transaction)
            self._own(made)
        self._announce(made)
        return result

    async def read(self, work: Read[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in a thread: a small read, such as of one row."""
        return await self._readers.run(None, self._read, work, args, kwargs)

    async def read_for(
        self, caller: Hashable, work: Read[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a read that may be large: of these, each caller has one at a time.

        Raises:
            ApiError: 429 when too many reads of the caller wait already.
        """
        return await self._readers.run(caller, self._read, work, args, kwargs)

    async def write_for(
        self, caller: Hashable, work: Write[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a write that may be large: of these, each caller has one at a time."""
        async with self._large_writes.hold(caller):
            return await self.write(work, *args, **kwargs)

    async def write(self, work: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(transaction, …)` with other waiting writes; durable when it returns.

        An exception of `work` rolls back that write alone; `work` may run twice. A caller that is
        cancelled before its write begins writes nothing.
        """
        if self._closed:
            raise RuntimeError('the store is closed')
        if self._writer is None:
            self._writer = threading.Thread(target=self._run, name='store-write', daemon=True)
            self._writer.start()
        future = asyncio.get_running_loop().create_future()
        self._writes.put(_Waiting(lambda transaction: work(transaction, *args, **kwargs), future))
        result: T = await future
        return result

    def made(self, change: Change) -> bool:
        """Whether this store made a change of a shared database."""
        return change.position.xid in self._own_transactions

    def forget_made_before(self, position: Position) -> None:
        """Forget which changes this store made, as far as nobody will ask `made` any more."""
        # A copy, since the writer thread adds to it.
        for xid in self._own_transactions.copy():
            if xid < position.xid:
                self._own_transactions.discard(xid)

    def advisory_locks(self) -> AdvisoryLocks:
        """Return new locks of the database."""
        return AdvisoryLocks(self._engine)

    def close(self) -> None:
        """Finish the waiting writes and close the database."""
        self._closed = True
        if self._writer is not None:
            self._writes.put(None)
            self._writer.join()
        self._readers.close()
        if self._notify_sender is not None:
            self._notify_sender.close()
        self._read_connections.close()
        self._write_connections.close()
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
            writes = [each for each in waiting if each is not None and not each.future.cancelled()]
            if writes:
                self._commit(writes)
                # The loop may have ended since, with all who waited.
                with suppress(RuntimeError):
                    writes[0].future.get_loop().call_soon_threadsafe(_settle, writes)

    def _commit(self, writes: list[_Waiting], attempts: int = ATTEMPTS) -> None:
        try:
            with self._outages.watched():
                done = self._run_and_commit(writes)
        except Exception as error:
            if is_contention(error) and attempts > 1:
                for write in writes:
                    self._commit([write], attempts - 1)
                return
            for write in writes:
                write.error = write.error or error
            return
        self._announce(done)

    def _run_and_commit(self, writes: list[_Waiting]) -> list[Transaction]:
        try:
            return self._in_transaction(_run_together, writes)
        except _NotAlone:
            return self._in_transaction(_run_apart, writes)

    def _in_transaction(
        self, run: Callable[[Connection, list[_Waiting]], list[Transaction]],
        writes: list[_Waiting],
    ) -> list[Transaction]:
        done: list[Transaction] = []
        with self._made_here(done), self._write_connections.begin() as connection:
            if self.shared and len(writes) > 1:
                execute_plain(connection, SHORT_WAITS)
            done += run(connection, writes)
            self._own(done)
        return done

    def _announce(self, committed: list[Transaction]) -> None:
        credentials = any(transaction.changes_credentials for transaction in committed)
        if credentials:
            self.credentials_version += 1
        changes = [change for transaction in committed for change in transaction.changes]
        if changes and self._on_commit is not None:
            self._on_commit(changes)
        if self._notify_sender is not None and (changes or credentials):
            self._notify_sender.send(credentials)

    @contextmanager
    def _made_here(self, transactions: list[Transaction]) -> Iterator[None]:
        """Forget transactions again that were not committed, as far as is known here.

        The connection may have been lost after the commit. Then they are announced as those of
        another process.
        """
        try:
            yield
        except Exception:
            self._own_transactions -= _ids(transactions)
            raise

    def _own(self, transactions: list[Transaction]) -> None:
        """Remember transactions as made here, before others can see what they changed."""
        if self.shared:
            self._own_transactions |= _ids(transactions)

    def _make_notify_sender(self) -> NotifySender:
        # Its driver is there only with PostgreSQL.
        from spark_ros.service.storage.notify_sender import NotifySender

        return NotifySender(self.driver_parameters)

    def _read(self, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        with self._outages.watched(), self._read_connections.begin() as connection:
            return work(connection, *args, **kwargs)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                yield connection


def _run_together(connection: Connection, writes: list[_Waiting]) -> list[Transaction]:
    """Run writes, and return the transactions of those that did not fail.

    Raises:
        _NotAlone: one failed when it had changed something, or may have.
        OperationalError: another process's transaction is in the way.
    """
    done = []
    for write in writes:
        before = _changes(connection)
        try:
            done.append(write.run(connection))
        except DBAPIError as error:
            if is_contention(error):
                raise
            # It may have ended the transaction.
            raise _NotAlone from error
        except Exception as error:
            if _changes(connection) != before:
                raise _NotAlone from error
            write.error = error
    return done


def _run_apart(connection: Connection, writes: list[_Waiting]) -> list[Transaction]:
    """Run writes so that one that fails is undone without the others.

    Raises:
        OperationalError: another process's transaction is in the way.
    """
    done = []
    for write in writes:
        execute_plain(connection, 'SAVEPOINT one_write')
        try:
            done.append(write.run(connection))
        except Exception as error:
            if is_contention(error):
                raise
            write.error = error
            execute_plain(connection, 'ROLLBACK TO SAVEPOINT one_write')
        execute_plain(connection, 'RELEASE SAVEPOINT one_write')
    return done


def _ids(transactions: list[Transaction]) -> set[int]:
    return {change.position.xid for each in transactions for change in each.changes}


def _changes(connection: Connection) -> object:
    """Return what differs when rows were changed in between; it differs always but on SQLite."""
    return getattr(connection.connection.dbapi_connection, 'total_changes', object())


def _settle(writes: list[_Waiting]) -> None:
    for write in writes:
        write.settle()
