# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The database: its engine, its file, and the connections that threads keep."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

BUSY_TIMEOUT_MS = 15_000
# A server is seldom back sooner after it went away. If it is, one more call is told to repeat.
TESTED_AFTER_S = 0.1
# By default a machine that is lost would be waited for for minutes, or without end. In seconds,
# but for the last, which is in milliseconds.
LIBPQ = {
    'connect_timeout': 5,
    'keepalives_idle': 10,
    'keepalives_interval': 5,
    'keepalives_count': 3,
    'tcp_user_timeout': 25_000,
}
# SQLSTATE of PostgreSQL: deadlock_detected, lock_not_available.
CONTENTION = ('40P01', '55P03')


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


def patience(url: URL) -> dict[str, int]:
    """Return how long libpq waits for a server, as far as the URL does not say so."""
    if not url.drivername.endswith(('+psycopg', '+psycopg2')):
        return {}
    return {name: value for name, value in LIBPQ.items() if name not in url.query}


def private_directory(path: Path) -> Path:
    """Make a directory with mode 0700 if it is not there, and return it.

    The mode of an existing directory is changed only if it is empty: it may be a home directory.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(path.iterdir()):
        path.chmod(0o700)
    return path


def open_engine(url: str) -> Engine:
    """Return an engine of a SQLAlchemy URL; an SQLite file is made with mode 0600."""
    parsed = expect_driver(url)
    if parsed.get_backend_name() != 'sqlite':
        return create_engine(parsed, pool_pre_ping=True, connect_args=patience(parsed))
    if parsed.database and parsed.database != ':memory:':
        path = Path(parsed.database)
        private_directory(path.parent)
        # SQLite gives its -wal and -shm files the mode of the database itself.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    engine = create_engine(parsed, connect_args={'check_same_thread': False})

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
        execute_plain(connection, 'BEGIN IMMEDIATE' if immediate else 'BEGIN')

    return engine


class ThreadConnections:
    """A connection for each thread that asks, which is kept.

    A database server may have closed it meanwhile: it is tested after a while without use.

    Args:
        options: SQLAlchemy's execution options of the connections.
    """

    def __init__(self, engine: Engine, options: Mapping[str, Any]) -> None:
        self._engine = engine
        self._options = options
        self._tested_after_s = math.inf if engine.dialect.name == 'sqlite' else TESTED_AFTER_S
        self._local = threading.local()
        self._open: set[Connection] = set()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Begin a transaction, which ends with the block."""
        connection = self._kept() or self._connect()
        keep = True
        try:
            with connection.begin():
                yield connection
        except DBAPIError:
            keep = False
            raise
        finally:
            self._local.used = time.monotonic()
            if not keep:
                self._drop(connection)

    def _connect(self) -> Connection:
        connection = self._engine.connect().execution_options(**self._options)
        self._open.add(connection)
        self._local.connection = connection
        return connection

    def _kept(self) -> Connection | None:
        """Return this thread's connection, if there is one that works."""
        connection: Connection | None = getattr(self._local, 'connection', None)
        if connection is None or time.monotonic() - self._local.used < self._tested_after_s:
            return connection
        try:
            with connection.begin():
                connection.exec_driver_sql('SELECT 1')
        except DBAPIError:
            self._drop(connection)
            return None
        return connection

    def _drop(self, connection: Connection) -> None:
        self._local.connection = None
        self._open.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close the connections, of which none is in use."""
        for connection in self._open:
            connection.close()


def is_contention(error: Exception) -> bool:
    """Whether a transaction failed only because another one was in its way."""
    return getattr(getattr(error, 'orig', None), 'sqlstate', None) in CONTENTION


def execute_plain(
    connection: Connection, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> Any:
    """Execute a statement and return the driver's cursor.

    Args:
        statement, values: as the driver takes them.

    Raises:
        DBAPIError: it failed; of the class that SQLAlchemy has for the reason.
    """
    try:
        cursor = connection.connection.cursor()
        try:
            return cursor.execute(statement, values) or cursor
        except BaseException:
            cursor.close()
            raise
    except connection.dialect.loaded_dbapi.Error as error:
        base = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(statement, None, error, base) from error
