# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The migrations make the schema as it stands, and whoever needs another version is told."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from postgres_server import PostgresServer
from service_harness import served, served_by_process
from sqlalchemy import Connection, text
from sqlalchemy.schema import SchemaItem

from spark_ros.cli.service import main
from spark_ros.service.storage import schema
from spark_ros.service.storage.database import open_engine
from spark_ros.service.storage.database_version import MIGRATIONS, NEEDED, stored_version
from spark_ros.service.storage.store import Store
from spark_ros.service.upgrade import migrate, schema_transaction

AT_ONCE = 4
DESCRIBED = {
    'sqlite': (
        """SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk
           FROM sqlite_master t, pragma_table_xinfo(t.name) c WHERE t.type = 'table'""",
        """SELECT t.name, i."unique", i.origin, c.seqno, c.name
           FROM sqlite_master t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
           WHERE t.type = 'table'""",
        "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index'",
        """SELECT t.name, f."table", f."from", f."to", f.on_delete, f.on_update
           FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'""",
        "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE type = 'table'",
    ),
    'postgresql': (
        """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,
           column_default FROM information_schema.columns WHERE table_schema = 'public'""",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
           FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    ),
}
DIFFERENCES = {
    'column': 'ALTER TABLE keys ADD COLUMN note TEXT',
    'index': 'DROP INDEX questions_by_key',
    'condition': 'DROP INDEX questions_leases;'
    'CREATE INDEX questions_leases ON questions (lease_until)',
}  # fmt: skip
# The files of the migrations, with the start of their SHA-256.
DIGESTS = {'0002_baseline.py': '844a7371e3f27754'}
UNKNOWN = (
    'the database has version 0001, which was never released and cannot be upgraded to '
    f'{NEEDED}: give another --data or --database'
)
WRONG = {
    'never released': ("UPDATE alembic_version SET version_num = '0001'", UNKNOWN),
    'newer': (
        "UPDATE alembic_version SET version_num = '9999'",
        f'the database has version 9999, this program needs {NEEDED}: use a newer program, or a '
        'backup of that version',
    ),
    'of another program': (
        'DROP TABLE alembic_version',
        'the database holds other tables than those of a service: give another --data or '
        '--database',
    ),
}
COMMANDS = [
    ['serve', '--port', '0'], ['try', '--port', '0'], ['key', 'create', 'robot'], ['key', 'list'],
    ['key', 'secret', 'robot'], ['key', 'rotate', 'robot'], ['key', 'rate', 'robot', '1'],
    ['key', 'revoke', 'robot'], ['program', 'list'], ['program', 'show', 'crates'],
    ['login-link'], ['session', 'list'], ['forget', '--key', 'robot'], ['database', 'upgrade'],
]  # fmt: skip


@pytest.fixture(params=[
    'sqlite', pytest.param('postgresql', marks=pytest.mark.slow('repeats it on PostgreSQL')),
])  # fmt: skip
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Make empty databases of one kind, and return their URLs."""
    if request.param == 'postgresql':
        server: PostgresServer = request.getfixturevalue('server')
        return lambda: server.url(server.create())
    numbers = iter(range(9))
    return lambda: f'sqlite:///{tmp_path}/{next(numbers)}/service.db'


@pytest.fixture
def url(make_database: Callable[[], str]) -> str:
    """An empty database."""
    return make_database()


@contextmanager
def writing(url: str) -> Iterator[Connection]:
    engine = open_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def execute(url: str, statements: str) -> None:
    with writing(url) as connection:
        for statement in statements.split(';'):
            connection.execute(text(statement))


def described(url: str) -> list[set[tuple[object, ...]]]:
    """Return what a database says of its tables, in sets of rows."""
    with writing(url) as connection:
        return [
            {tuple(row) for row in connection.execute(text(query))}
            for query in DESCRIBED[connection.dialect.name]
        ]


def is_made(dialect: str, item: SchemaItem, *about: object) -> bool:
    """Whether a database of this kind has what `schema.metadata` has; Alembic does not ask."""
    condition = getattr(item, '_ddl_if', None)
    return condition is None or condition.dialect == dialect


def test_the_migrations_make_the_schema(make_database: Callable[[], str]) -> None:
    by_tables, by_migrations = make_database(), make_database()
    Store(by_tables).close()
    with schema_transaction(by_migrations) as connection:
        migrate(connection)
        context = MigrationContext.configure(
            connection, opts={'include_object': partial(is_made, connection.dialect.name)}
        )
        assert compare_metadata(context, schema.metadata) == []
    assert described(by_migrations) == described(by_tables)
    assert stored_version(by_migrations) == stored_version(by_tables) == NEEDED


@pytest.mark.slow('tests what the test above compares')
@pytest.mark.parametrize('difference', DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_is_seen(url: str, difference: str) -> None:
    Store(url).close()
    before = described(url)
    execute(url, difference)
    assert described(url) != before


def test_the_newest_migration_is_the_version_that_is_needed() -> None:
    revisions = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    newest_first = [revision.revision for revision in revisions]
    assert newest_first[0] == NEEDED
    assert newest_first == sorted(newest_first, reverse=True)
    assert all(Path(each.path).name.startswith(f'{each.revision}_') for each in revisions)


def test_a_migration_that_was_edited_has_a_new_name() -> None:
    """Without it, a database of the older form would be used, and fail later.

    Until a version is released, rename an edited migration to the next number, its `revision` and
    `NEEDED`, too, and note its digest here.
    """
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in (MIGRATIONS / 'versions').glob('*.py')
    }
    assert found == DIGESTS


def test_those_that_start_at_once_on_an_empty_database_all_come_up(url: str) -> None:
    barrier = threading.Barrier(AT_ONCE)

    def start() -> str:
        barrier.wait(30)
        with closing(Store(url)) as store:
            return store.value('epoch')

    with ThreadPoolExecutor(AT_ONCE) as pool:
        starting = [pool.submit(start) for _ in range(AT_ONCE)]
        assert len({each.result(30) for each in starting}) == 1


@pytest.mark.parametrize('make_database', ['sqlite'], indirect=True)
@pytest.mark.parametrize(('change', 'line'), WRONG.values(), ids=WRONG)
def test_another_version_is_one_line(
    url: str, change: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / 'data'
    Store(url).close()
    execute(url, change)
    before = described(url)
    for command in COMMANDS:
        assert main([*command, '--data', str(data), '--database', url]) == 1, command
        assert capsys.readouterr() == ('', f'spark-service: {line}\n'), command
    assert described(url) == before


def test_a_backup_has_the_version_of_its_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, target = tmp_path / 'data', tmp_path / 'backup'
    url, copy = f'sqlite:///{data}/service.db', f'sqlite:///{target}/service.db'
    assert main(['key', 'create', 'robot', '--data', str(data)]) == 0
    assert main(['backup', str(target), '--data', str(data)]) == 0
    assert stored_version(copy) == NEEDED
    execute(copy, WRONG['never released'][0])
    execute(url, WRONG['never released'][0])
    capsys.readouterr()
    for command, place in (['serve'], target), (['backup', str(target)], data):
        assert main([*command, '--data', str(place)]) == 1
        assert capsys.readouterr() == ('', f'spark-service: {UNKNOWN}\n')


def test_the_commands_of_a_database_that_is_as_needed(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ['--data', str(tmp_path / 'data'), '--database', url]
    Store(url).close()
    assert main(['database', 'version', *place]) == 0
    assert capsys.readouterr().out == f'database: {NEEDED}\nneeded by this program: {NEEDED}\n'
    assert main(['database', 'upgrade', *place]) == 0
    assert capsys.readouterr().out == (
        f'the database has version {NEEDED}, as is needed: there is nothing to do\n'
    )


def test_no_upgrade_while_a_service_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / 'data'
    with served(data) as service:
        assert main(['database', 'upgrade', '--data', str(data)]) == 1
        assert capsys.readouterr() == (
            '', f'spark-service: a service already runs on {data}, at {service.url}\n'
        )  # fmt: skip


@pytest.mark.slow('starts a process')
def test_a_start_does_without_alembic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('PYTHONPROFILEIMPORTTIME', '1')
    for _ in ('empty', 'there'):
        with served_by_process(tmp_path / 'data') as service:
            service.serving.stop()
    imported = service.log.read_text()
    assert 'sqlalchemy' in imported and 'alembic' not in imported
