# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Bring a service's database to the version that this program needs, by Alembic's migrations."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text

from spark_ros.service.backup import copy_database
from spark_ros.service.media.disk_images import sync_directory
from spark_ros.service.settings import Settings
from spark_ros.service.storage.database import execute_plain, open_engine
from spark_ros.service.storage.database_version import (
    MIGRATIONS,
    NEEDED,
    expect_known,
    lock_schema,
    read_version,
)
from spark_ros.service.storage.directory_lock import lock_directory

# How long PostgreSQL waits for those who use a table.
LOCK_TIMEOUT = '30s'


class UpgradeError(RuntimeError):
    """A database that cannot be upgraded; the message tells the user why."""


def upgrade(settings: Settings, report: Callable[[str], None]) -> None:
    """Upgrade the database, which is there, in one transaction; on SQLite, copy it first.

    Args:
        report: called with a line for each thing that was done.

    Raises:
        BackupError, UpgradeError: the database cannot be copied or upgraded; it is as it was.
        DirectoryInUse: a service runs on the data directory.
        SQLAlchemyError: the database is as it was.
        WrongDatabase: it is of a newer or unknown version, or not a service's.
    """
    url = make_url(settings.database)
    on_sqlite = url.get_backend_name() == 'sqlite'
    with (
        lock_directory(settings.data) if on_sqlite else nullcontext(),
        schema_transaction(settings.database) as connection,
    ):
        version = read_version(connection)
        assert version is not None
        expect_known(version)
        if version == NEEDED:
            report(f'the database has version {version}, as is needed: there is nothing to do')
            return
        if on_sqlite:
            copy = _copy(Path(url.database or ''), version, report)
            report(f'copied the database to {copy}')
        migrate(connection)
    report(f'upgraded the database from version {version} to {NEEDED}')


def migrate(connection: Connection) -> None:
    """Run the migrations that a database lacks, all of them on an empty one.

    Args:
        connection: in a transaction, which all of it becomes a part of.
    """
    config = Config(attributes={'connection': connection})
    config.set_main_option('script_location', str(MIGRATIONS).replace('%', '%%'))
    command.upgrade(config, NEEDED)


@contextmanager
def schema_transaction(url: str) -> Iterator[Connection]:
    """Begin a transaction that may change the schema, beside no other that does.

    Raises:
        UpgradeError: a row would refer to one that is not there.
        SQLAlchemyError: the database cannot be spoken to, or its tables are in use.
    """
    engine = open_engine(url)
    try:
        with engine.connect().execution_options(immediate=True) as connection:
            if engine.dialect.name == 'sqlite':
                # A table is changed by making another in its place, which others refer to.
                execute_plain(connection, 'PRAGMA foreign_keys=OFF')
            with connection.begin():
                lock_schema(connection)
                if engine.dialect.name == 'postgresql':
                    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
                yield connection
                if engine.dialect.name == 'sqlite':
                    _expect_whole(connection)
    finally:
        engine.dispose()


def _copy(database: Path, version: str, report: Callable[[str], None]) -> Path:
    copy = database.with_name(f'{database.name}.version-{version}')
    part = copy.with_name(f'{copy.name}.part')
    try:
        copy_database(database, part, report)
        os.replace(part, copy)
        sync_directory(copy.parent)
    except (OSError, sqlite3.Error) as error:
        raise UpgradeError(f'the database cannot be copied to {copy}: {error}') from None
    finally:
        part.unlink(missing_ok=True)
    return copy


def _expect_whole(connection: Connection) -> None:
    broken = connection.execute(text('PRAGMA foreign_key_check')).first()
    if broken is not None:
        raise UpgradeError(f'a row of {broken[0]} would name one of {broken[2]} that is not there')
