# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service database upgrade` by a later program, which has one more migration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from service_harness import DEADLINE_S, InProcess
from sqlalchemy import Executable, select, text

import spark_ros
from spark_ros.cli.service import main
from spark_ros.service.settings import Settings
from spark_ros.service.storage import schema
from spark_ros.service.storage.database import open_engine
from spark_ros.service.storage.database_version import NEEDED, stored_version
from spark_ros.service.upgrade import UpgradeError, schema_transaction

pytestmark = pytest.mark.slow('starts commands of a changed copy of the package')

LATER = f'{int(NEEDED) + 1:04}'
# SQLite makes the table anew, to which others refer. Then it waits while somebody holds its input.
MIGRATION = f"""
import sys

from alembic import op
from sqlalchemy import Column, String, Text

revision = '{LATER}'
down_revision = '{NEEDED}'


def upgrade():
    with op.batch_alter_table('keys') as keys:
        keys.alter_column('name', type_=String(300), existing_nullable=False)
        keys.add_column(Column('note', Text, nullable=False, server_default='none'))
    print('changed', flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope='module')
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a later version of the package."""
    folder = tmp_path_factory.mktemp('later')
    (original,) = spark_ros.__path__[:1]
    package = shutil.copytree(
        original, folder / 'spark_ros', ignore=shutil.ignore_patterns('__pycache__')
    )
    storage = package / 'service' / 'storage'
    (storage / 'migrations' / 'versions' / f'{LATER}_note.py').write_text(MIGRATION)
    file = storage / 'database_version.py'
    needs = f"NEEDED = '{NEEDED}'"
    assert needs in file.read_text()
    file.write_text(file.read_text().replace(needs, f"NEEDED = '{LATER}'"))
    return folder


@pytest.fixture(params=['sqlite', 'postgresql'])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with a question."""
    url = f'sqlite:///{tmp_path}/data/service.db'
    if request.param == 'postgresql':
        server: PostgresServer = request.getfixturevalue('server')
        url = server.url(server.create())
    service = InProcess(Settings(tmp_path / 'data', database_url=url, min_free=0))
    service.tenant().ask()
    service.close()
    return url


def start(later: Path, url: str, data: Path, *command: str) -> subprocess.Popen[str]:
    """Start a command of the later program."""
    return subprocess.Popen(
        [sys.executable, '-m', 'spark_ros.cli.service', *command,
         '--data', str(data), '--database', url],
        cwd=later, env={**os.environ, 'PYTHONPATH': str(later)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(later: Path, url: str, data: Path, *command: str) -> tuple[int, str, str]:
    """Run it to its end, and return its exit code and what it said."""
    with start(later, url, data, *command) as process:
        try:
            out, err = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
    return process.returncode, out, err


def rows(url: str) -> dict[str, set[tuple[object, ...]]]:
    """Return what this version knows of a database."""
    return {
        table.name: selected(url, select(table)) for table in schema.metadata.sorted_tables
    }


def selected(url: str, query: Executable) -> set[tuple[object, ...]]:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = {tuple(row) for row in connection.execute(query)}
    engine.dispose()
    return found


def said_of_copy(data: Path, before: dict[str, set[tuple[object, ...]]]) -> str:
    """Check the copy of an SQLite database, and return what is to be said of it."""
    copy = data / f'service.db.version-{NEEDED}'
    assert copy.stat().st_mode & 0o777 == 0o600
    url = f'sqlite:///{copy}'
    assert stored_version(url) == NEEDED and rows(url) == before
    return f'copied the database to {copy}'


def test_an_upgrade_keeps_the_data(
    later: Path, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, before = tmp_path / 'data', rows(url)
    code, _, error = run(later, url, data, 'key', 'list')
    assert code == 1 and f'has version {NEEDED}, this program needs {LATER}: run ' in error
    code, said, error = run(later, url, data, 'database', 'upgrade')
    assert (code, error) == (0, '')
    *copied, changed, upgraded = said.splitlines()
    assert changed == 'changed'
    assert upgraded == f'upgraded the database from version {NEEDED} to {LATER}'
    assert before['questions'] and rows(url) == before
    assert selected(url, text('SELECT note FROM keys')) == {('none',)}
    assert copied == ([said_of_copy(data, before)] if url.startswith('sqlite') else [])
    code, said, _ = run(later, url, data, 'key', 'list')
    assert code == 0 and said.startswith('robot\t')
    place = ['--data', str(data), '--database', url]
    for command in ('key', 'list'), ('database', 'upgrade'), ('serve', '--port', '0'):
        assert main([*command, *place]) == 1
        assert f'has version {LATER}, this program needs {NEEDED}' in capsys.readouterr().err


@pytest.mark.parametrize('url', ['sqlite'], indirect=True)
def test_without_a_copy_there_is_no_upgrade(later: Path, url: str, tmp_path: Path) -> None:
    (tmp_path / 'data' / f'service.db.version-{NEEDED}').mkdir()
    code, said, error = run(later, url, tmp_path / 'data', 'database', 'upgrade')
    assert (code, said) == (1, '') and error.count('\n') == 1 and 'cannot be copied' in error
    assert stored_version(url) == NEEDED
    assert not list((tmp_path / 'data').glob('*.part'))


@pytest.mark.parametrize('url', ['sqlite'], indirect=True)
def test_a_migration_that_leaves_rows_without_those_they_name_is_undone(url: str) -> None:
    before = rows(url)
    with (
        pytest.raises(UpgradeError, match='would name one of keys that is not there'),
        schema_transaction(url) as connection,
    ):
        connection.execute(text('DELETE FROM keys'))
    assert rows(url) == before


def test_killed_in_the_middle_the_database_is_as_it_was(
    later: Path, url: str, tmp_path: Path
) -> None:
    data, before = tmp_path / 'data', rows(url)
    with start(later, url, data, 'database', 'upgrade') as process:
        assert process.stdout is not None
        try:
            assert 'changed\n' in iter(process.stdout.readline, '')
        finally:
            process.kill()
    assert stored_version(url) == NEEDED and rows(url) == before
    assert run(later, url, data, 'database', 'upgrade')[0] == 0
    assert stored_version(url) == LATER and rows(url) == before
