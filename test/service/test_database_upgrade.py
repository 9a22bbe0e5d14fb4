# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service database upgrade` by a later program, which has one more migration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer, expect_postgres
from service_harness import DEADLINE_S, InProcess
from sqlalchemy import select, text

import spark_ros
from spark_ros.cli.service import main
from spark_ros.service.settings import Settings
from spark_ros.service.storage import schema
from spark_ros.service.storage.database import open_engine
from spark_ros.service.storage.database_version import NEEDED, stored_version

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
def server() -> Iterator[PostgresServer]:
    expect_postgres()
    server = PostgresServer()
    yield server
    server.remove()


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
    engine = open_engine(url)
    with engine.connect() as connection:
        found = {
            table.name: {tuple(row) for row in connection.execute(select(table))}
            for table in schema.metadata.sorted_tables
        }
    engine.dispose()
    return found


def notes(url: str) -> list[str]:
    """Return the column that the migration adds, of all keys."""
    engine = open_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(text('SELECT note FROM keys')).scalars())
    engine.dispose()
    return found


def copied(url: str, data: Path) -> list[str]:
    """Return the lines about a copy, which only SQLite has."""
    if not url.startswith('sqlite'):
        return []
    return [f'copied the database to {data}/service.db.version-{NEEDED}']


def test_an_upgrade_keeps_the_data(
    later: Path, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, before = tmp_path / 'data', rows(url)
    code, _, error = run(later, url, data, 'key', 'list')
    assert code == 1 and f'has version {NEEDED}, this program needs {LATER}: run ' in error
    code, said, error = run(later, url, data, 'database', 'upgrade')
    assert (code, error) == (0, '')
    assert said.splitlines() == [
        *copied(url, data), 'changed',
        f'upgraded the database from version {NEEDED} to {LATER}',
    ]  # fmt: skip
    assert before['questions'] and rows(url) == before and notes(url) == ['none']
    code, said, _ = run(later, url, data, 'database', 'upgrade')
    assert code == 0 and 'there is nothing to do' in said
    code, said, _ = run(later, url, data, 'key', 'list')
    assert code == 0 and said.startswith('robot\t')
    place = ['--data', str(data), '--database', url]
    for command in ('key', 'list'), ('database', 'upgrade'), ('serve', '--port', '0'):
        assert main([*command, *place]) == 1
        assert f'has version {LATER}, this program needs {NEEDED}' in capsys.readouterr().err


@pytest.mark.parametrize('url', ['sqlite'], indirect=True)
def test_the_copy_is_the_database_as_it_was(later: Path, url: str, tmp_path: Path) -> None:
    before = rows(url)
    assert run(later, url, tmp_path / 'data', 'database', 'upgrade')[0] == 0
    copy = tmp_path / 'data' / f'service.db.version-{NEEDED}'
    assert copy.stat().st_mode & 0o777 == 0o600
    assert stored_version(f'sqlite:///{copy}') == NEEDED and rows(f'sqlite:///{copy}') == before


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
