# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Services for the tests of this directory; `service_harness` is what they are made of."""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from postgres_server import PostgresServer, running_postgres
from s3_server import S3Server
from service_harness import InProcess, settings_of
from serving import printed

from spark_ros.service.context import open_context
from spark_ros.service.settings import Settings

SQLITE = pytest.param('sqlite', id=pytest.HIDDEN_PARAM)
SLOW = pytest.mark.slow('repeats what was run on SQLite')


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what has a database on SQLite and PostgreSQL; marks of `pytest.ini_options` say else."""
    marked = metafunc.definition.get_closest_marker
    databases = [SQLITE]
    if marked('sqlite') is None:
        slow = () if marked('postgresql') else SLOW
        databases.append(pytest.param('postgresql', marks=slow))
    for name in ('database', 'shared_database'):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, databases, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out a bucket with PostgreSQL: the one is tested with SQLite, the other with a disk."""
    items[:] = [
        item for item in items
        if not {'bucket', 'postgresql'} <= {*map(str, _params(item).values())}
    ]


def _params(item: pytest.Item) -> dict[str, object]:
    found: dict[str, object] = getattr(getattr(item, 'callspec', None), 'params', {})
    return found


@pytest.fixture(scope='session')
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostgresServer, str]]:
    """A PostgreSQL server, and a database as a service makes it, to be copied."""
    with running_postgres() as server:
        template = server.create()
        settings = Settings(tmp_path_factory.mktemp('template'), server.url(template))
        open_context(settings, time.time).close()
        yield server, template


@pytest.fixture(scope='module')
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that the tests of a file have for themselves."""
    with running_postgres() as started:
        yield started


@contextmanager
def chosen_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a new database, also by SPARK_SERVICE_DATABASE; '' is SQLite."""
    with pytest.MonkeyPatch.context() as patched:
        if request.param == 'sqlite':
            patched.setenv('SPARK_SERVICE_DATABASE', '')
            yield ''
            return
        server, template = request.getfixturevalue('postgres')
        name = server.create(template)
        patched.setenv('SPARK_SERVICE_DATABASE', server.url(name))
        yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of the database of the test's services and commands; '' is SQLite."""
    with chosen_database(request) as url:
        yield url


@pytest.fixture(scope='module')
def shared_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same for services that all tests of a file share."""
    with chosen_database(request) as url:
        yield url


@pytest.fixture(scope='session')
def descriptions_read_once() -> Iterator[None]:
    """Let boto3 read its descriptions once, and not for each client."""
    read = functools.cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JSONFileLoader, 'load_file', lambda _, path: read(path))
        yield


@pytest.fixture(scope='session')
def s3_server(
    tmp_path_factory: pytest.TempPathFactory, descriptions_read_once: None
) -> Iterator[S3Server]:
    """A real S3 server; stop it and start it as you like, but leave it running."""
    server = S3Server(tmp_path_factory.mktemp('s3'))
    yield server
    server.stop()


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """That server, and an environment by which services find it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def data(database: str, tmp_path: Path) -> Path:
    """Where a service keeps its data that a test starts itself."""
    return tmp_path / 'data'


@pytest.fixture
def key(data: Path) -> str:
    """A SparkAI key of that service."""
    return printed('key', 'create', 'robot', '--data', str(data))


@pytest.fixture
def store() -> str:
    """What services keep images in: `disk`, or `bucket` where a file of tests says so."""
    return 'disk'


@pytest.fixture
def images(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where services keep images; '' is the disk."""
    if store == 'disk':
        return ''
    server: S3Server = request.getfixturevalue('bucket')
    return server.url(tmp_path.name)


@pytest.fixture
def folder(images: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder in which the files of images really lie."""
    if not images:
        return tmp_path / 'data' / 'images'
    server: S3Server = request.getfixturevalue('bucket')
    return server.place(tmp_path.name)


@pytest.fixture(scope='session')
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of SQLite as a service makes it, to be copied."""
    data = tmp_path_factory.mktemp('empty') / 'data'
    open_context(Settings(data), time.time).close()
    return data / 'service.db'


@pytest.fixture
def make_service(
    tmp_path: Path, images: str, database: str, empty_database: Path
) -> Iterator[Callable[..., InProcess]]:
    """Start services inside this process, with settings of the test's choice."""
    started: list[InProcess] = []

    def make(**settings: Any) -> InProcess:
        base = settings_of(tmp_path / 'data', images=images)
        if not base.data.exists():
            base.data.mkdir(0o700)
            shutil.copy(empty_database, base.data)
        started.append(InProcess(replace(base, **settings)))
        return started[-1]

    yield make
    for service in started:
        service.close()


@pytest.fixture
def service(make_service: Callable[..., InProcess]) -> InProcess:
    """A service inside this process."""
    return make_service()
