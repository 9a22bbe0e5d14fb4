# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of the tests' own, from Debian's package, on a socket and no port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

# Of what is installed, the newest.
PROGRAMS = max(Path('/usr/lib/postgresql').glob('[1-9][0-9]/bin'), default=None)
OLDEST = 15
DEADLINE_S = 30.0
LOOK_EVERY_S = 0.05
OWNER = 'postgres'
OPTIONS = {
    'listen_addresses': '',
    'max_connections': '200',
    'shared_buffers': '32MB',
    # Of a test's server nothing needs to survive the machine.
    'fsync': 'off',
    'full_page_writes': 'off',
    'min_wal_size': '32MB',
    'max_wal_size': '64MB',
    'log_min_messages': 'fatal',
    # Its transactions would hold back who reads the changes, of all databases.
    'autovacuum': 'off',
}


class PostgresServer:
    """A server with a directory of its own; it ends with the thread that starts it.

    Raises:
        AssertionError: it does not start.
    """

    def __init__(self, follows: PostgresServer | None = None, **options: str) -> None:
        """Make the directory and start it.

        Args:
            follows: another server, of which it is to be a standby.
            options: more settings of the server, or other values of `OPTIONS`.
        """
        # Not below pytest's directory, which only the user of the tests may enter; but in memory,
        # where that is: to copy a database on a disk takes seconds.
        where = os.environ.get('PYTEST_DEBUG_TEMPROOT')
        self.folder = Path(tempfile.mkdtemp(prefix='spark_postgres_', dir=where))
        self._user = OWNER if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._options = {**OPTIONS, **options, 'unix_socket_directories': str(self.folder)}
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        make: list[str | Path] = [
            _programs() / 'initdb', '--no-sync', '--auth', 'trust', '--encoding', 'UTF8',
            '--locale', 'C.UTF-8', '--username', OWNER, self.folder / 'data',
        ]  # fmt: skip
        if follows is not None:
            make = [
                _programs() / 'pg_basebackup', '--no-sync', '--checkpoint', 'fast',
                '--write-recovery-conf', '--host', follows.folder, '--username', OWNER,
                '--pgdata', self.folder / 'data',
            ]  # fmt: skip
        subprocess.run(make, user=self._user, check=True, capture_output=True, cwd='/')
        self.start()

    def url(self, database: str) -> str:
        """Return what `--database` is to be."""
        return f'postgresql+psycopg://{OWNER}@/{database}?host={self.folder}'

    def create(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of another that nobody uses, and return its name."""
        name = f'test_{next(self._numbers)}'
        statement = sql.SQL('CREATE DATABASE {}').format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(' TEMPLATE {} STRATEGY file_copy').format(
                sql.Identifier(template)
            )
        self.execute(statement)
        return name

    def drop(self, database: str) -> None:
        """Remove a database, and end who is connected."""
        self.execute(
            sql.SQL('DROP DATABASE {} WITH (FORCE)').format(sql.Identifier(database))
        )

    def execute(self, statement: sql.Composable) -> None:
        """Run a statement as the owner of all databases."""
        with psycopg.connect(
            host=str(self.folder), user=OWNER, dbname=OWNER, autocommit=True
        ) as connection:
            connection.execute(statement)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        settings = [
            word for name, value in self._options.items() for word in ('-c', f'{name}={value}')
        ]
        self._process = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'INT',
             _programs() / 'postgres', '-D', self.folder / 'data', *settings],
            user=self._user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd='/',
        )  # fmt: skip
        end = time.monotonic() + DEADLINE_S
        while True:
            try:
                return self.execute(sql.SQL('SELECT 1'))
            except psycopg.OperationalError:
                assert self._process.poll() is None and time.monotonic() < end
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(LOOK_EVERY_S)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: by SIGINT in order, with an end to all connections; by SIGQUIT at once."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(DEADLINE_S)
            self._process = None

    def kill(self) -> None:
        """Kill all its processes, as a lost machine would; `start` recovers."""
        assert self._process is not None
        self.stop(signal.SIGQUIT)

    def promote(self) -> None:
        """Let a standby take the place of the server that it followed."""
        self.execute(sql.SQL('SELECT pg_promote()'))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let all its processes hang for a while, as on a disk that does."""
        assert self._process is not None
        self._signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        first = self._process.pid
        children = Path(f'/proc/{first}/task/{first}/children')
        # The first one first: then it starts no more.
        os.kill(first, number)
        told: set[str] = set()
        # A list that is read while children end may lack some.
        while more := {*children.read_text().split()} - told:
            for child in more:
                with suppress(ProcessLookupError):
                    os.kill(int(child), number)
            told |= more

    def remove(self) -> None:
        """Stop it for good and remove its directory."""
        self.stop()
        shutil.rmtree(self.folder)


@contextmanager
def running_postgres(
    follows: PostgresServer | None = None, **options: str
) -> Iterator[PostgresServer]:
    """Start a server, and remove it in the end.

    Without PostgreSQL the test is skipped, loudly; under CI it fails.

    Args:
        follows, options: as of `PostgresServer`.
    """
    _expect_postgres()
    server = PostgresServer(follows, **options)
    try:
        yield server
    finally:
        server.remove()


def _expect_postgres() -> None:
    if PROGRAMS is None or int(PROGRAMS.parent.name) < OLDEST:
        reason = f'POSTGRESQL IS NOT TESTED: apt-get install postgresql ({OLDEST} or newer)'
        if os.environ.get('CI'):
            pytest.fail(reason)
        pytest.skip(reason)


def _programs() -> Path:
    assert PROGRAMS is not None
    return PROGRAMS
