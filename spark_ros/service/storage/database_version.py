# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which version of the schema a database has: a revision of Alembic, kept where Alembic keeps it.

It is read without Alembic, which takes half a second to import.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    insert,
    inspect,
    select,
    text,
)

from spark_ros.service.storage import schema
from spark_ros.service.storage.database import expect_driver, patience

# The newest of `migrations/versions`; greater than those before.
NEEDED = '0002'
MIGRATIONS = Path(__file__).with_name('migrations')
# Of PostgreSQL's advisory locks, the one of who makes or upgrades the schema.
LOCK = 0x737061726B

alembic_version = Table(
    'alembic_version',
    MetaData(),
    Column('version_num', String(32), nullable=False),
    PrimaryKeyConstraint('version_num', name='alembic_version_pkc'),
)


class WrongDatabase(RuntimeError):
    """A database that this program cannot use; the message tells the user why."""


def stored_version(url: str) -> str | None:
    """Return the version of a service's database; None if there is none. Makes nothing.

    Args:
        url: a SQLAlchemy URL.

    Raises:
        DriverMissing, SQLAlchemyError: the database cannot be spoken to.
        WrongDatabase: it is not a service's.
    """
    parsed = expect_driver(url)
    if parsed.get_backend_name() == 'sqlite' and not Path(parsed.database or '').is_file():
        return None
    engine = create_engine(parsed, connect_args=patience(parsed))
    try:
        with engine.connect() as connection:
            return read_version(connection)
    finally:
        engine.dispose()


def expect_usable(url: str) -> None:
    """Check that a database is of the version that is needed, or empty. Makes nothing.

    Raises:
        DriverMissing, SQLAlchemyError: the database cannot be spoken to.
        WrongDatabase: it is of another version, or not a service's.
    """
    version = stored_version(url)
    if version is not None:
        expect_needed(version)


def read_version(connection: Connection) -> str | None:
    """Return the version of the database; None if it is empty.

    Raises:
        WrongDatabase: it is not a service's.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if not {alembic_version.name, schema.meta.name} <= set(tables):
        raise WrongDatabase(
            'the database holds other tables than those of a service: give another --data or '
            '--database'
        )
    return str(connection.execute(select(alembic_version.c.version_num)).scalar_one())


def expect_needed(version: str) -> None:
    """Check that a database's version is the one that this program needs.

    Raises:
        WrongDatabase: it is another.
    """
    expect_known(version)
    if version != NEEDED:
        raise WrongDatabase(
            f'the database has version {version}, this program needs {NEEDED}: run '
            '`spark-service database upgrade` with the same options'
        )


def expect_known(version: str) -> None:
    """Check that a database's version is the one that is needed, or can be upgraded to it.

    Raises:
        WrongDatabase: it is newer, or of a program that was never released.
    """
    if version > NEEDED:
        raise WrongDatabase(
            f'the database has version {version}, this program needs {NEEDED}: use a newer '
            'program, or a backup of that version'
        )
    # As Alembic knows them, by the names of their files.
    files = (MIGRATIONS / 'versions').glob('*.py')
    if version not in {each.name.partition('_')[0] for each in files}:
        raise WrongDatabase(
            f'the database has version {version}, which was never released and cannot be '
            f'upgraded to {NEEDED}: give another --data or --database'
        )


def prepare(engine: Engine) -> None:
    """Make the newest schema in an empty database; others may do so at the same time.

    Raises:
        WrongDatabase: the database is of another version, or not a service's.
    """
    with engine.connect() as connection, connection.begin():
        version = read_version(connection)
    if version is None:
        with engine.connect().execution_options(immediate=True) as connection, connection.begin():
            lock_schema(connection)
            version = read_version(connection) or _make(connection)
    expect_needed(version)


def lock_schema(connection: Connection) -> None:
    """Wait until nobody else makes or upgrades the schema, to the end of the transaction.

    On SQLite, a transaction that was begun to write has no other beside it.
    """
    if connection.dialect.name == 'postgresql':
        connection.execute(text('SELECT pg_advisory_xact_lock(:lock)'), {'lock': LOCK})


def _make(connection: Connection) -> str:
    schema.metadata.create_all(connection, checkfirst=False)
    alembic_version.create(connection)
    connection.execute(insert(alembic_version).values(version_num=NEEDED))
    connection.execute(insert(schema.meta), [
        {'name': 'epoch', 'value': secrets.token_hex(8)},
        {'name': 'url_secret', 'value': secrets.token_hex(32)},
        # The newest number of the changes that were deleted.
        {'name': 'forgotten', 'value': '0'},
    ])  # fmt: skip
    return NEEDED
