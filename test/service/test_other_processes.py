# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What one process on a PostgreSQL database does, the others hear: at once, once, and in order.

Here no service looks by itself, so what is heard was notified.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from heat_harness import ask, asker
from postgres_server import PostgresServer
from psycopg import sql
from service_harness import (
    DEADLINE_S,
    Caller,
    InProcess,
    Served,
    log_in,
    question,
    served,
    served_by_process,
)
from serving import command, printed
from spark_command import Operator
from test_metrics import scraped

from spark_ros.service import change_listener
from spark_ros.service.change_listener import LOOK_EVERY_S
from spark_ros.service.events import Change
from spark_ros.service.operators import api as console_api
from spark_ros.service.settings import Settings
from spark_ros.service.storage import keys

pytestmark = pytest.mark.slow('starts a process and restarts a database server')

NEVER_S = 3600.0
HELD_BACK = 'spark_changes_held_back_seconds{}'
LISTENING = "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN spark_changes'"
END_COMMITTING = sql.SQL(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
)
END_LISTENING = sql.SQL(LISTENING.replace('pid', 'pg_terminate_backend(pid)', 1))


@pytest.fixture(scope='module', autouse=True)
def nobody_looks() -> Iterator[None]:
    """Have the services of this process learn of changes and sessions by notifications alone."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(change_listener, 'LOOK_EVERY_S', NEVER_S)
        patched.setattr(console_api, 'CHECK_SESSION_S', NEVER_S)
        yield


@pytest.fixture
def all_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have them look by themselves, too."""
    monkeypatch.setattr(change_listener, 'LOOK_EVERY_S', LOOK_EVERY_S)


@pytest.fixture(scope='module')
def url(postgres: tuple[PostgresServer, str]) -> Iterator[str]:
    """A database that the processes of this file share."""
    server, template = postgres
    database = server.create(template)
    yield server.url(database)
    server.drop(database)


@pytest.fixture(scope='module')
def there(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A process of its own."""
    folder = tmp_path_factory.mktemp('there')
    with served_by_process(folder / 'data', '--database', url) as service:
        yield service


@pytest.fixture(scope='module')
def person(there: Served) -> Operator:
    """Somebody at the console of that process."""
    return Operator(there)


@contextmanager
def in_process(url: str, data: Path) -> Iterator[InProcess]:
    service = InProcess(Settings(data, url, min_free=0))
    service.clock.now = time.time()
    try:
        yield service
    finally:
        service.close()


@pytest.fixture(scope='module')
def here(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """A service in this process."""
    with in_process(url, tmp_path_factory.mktemp('here') / 'data') as service:
        yield service


@pytest.fixture(scope='module')
def consoles(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Another service in this process, which has a port."""
    with served(tmp_path_factory.mktemp('consoles') / 'data', '--database', url) as service:
        yield service


class Call:
    """A call of somebody that waits for a change."""

    def __init__(self, caller: Caller, path: str, topic: Hashable, **params: Any) -> None:
        service = caller.service
        self._answer = service.start(self._call(caller, path, {'block': 60, **params}))
        wait_until(lambda: topic in service.context.bus._topics)

    def answer(self) -> httpx.Response:
        return self._answer.result(DEADLINE_S)

    async def _call(self, caller: Caller, path: str, params: dict[str, Any]) -> httpx.Response:
        async with caller.service.client() as http:
            return await http.get(path, headers=caller.headers, params=params)


def feed(robot: Caller, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = robot.get('/v1/changes', params=params).json()
    return found


def topic_of(service: InProcess, name: str) -> tuple[int, None]:
    """Return the topic of a key's changes."""
    found = service.context.store.read_now(keys.list_all)
    return next(each.id for each in found if each.name == name), None


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end


def test_an_answer_given_there_ends_a_feed_poll_here(here: InProcess, person: Operator) -> None:
    robot = here.tenant('feed')
    topic = topic_of(here, 'feed')
    cursor = feed(robot)['cursor']
    robot.ask()
    number = person.claim()
    state = ''
    while state != 'assigned':
        page = feed(robot, cursor=cursor, block=60)
        cursor, state = page['cursor'], page['changes'][-1]['engagement']['state']
    call = Call(robot, '/v1/changes', topic, cursor=cursor)
    person.do(number, 'answer', shapes=[], response='yes')
    [change] = call.answer().json()['changes']
    assert change['engagement']['state'] == 'closed'


def test_an_answer_given_there_ends_a_block_here(here: InProcess, person: Operator) -> None:
    robot = asker(here, 'heat')
    made = ask(robot, 'free-text')
    number = person.claim()
    call = Call(robot, f'/v1/requests/{made["id"]}', number)
    person.do(number, 'answer', response='a crate')
    assert call.answer().json()['status'] == 'complete'


def test_a_question_asked_here_is_on_the_consoles_there(
    here: InProcess, consoles: Served
) -> None:
    robot = here.tenant('console')
    with Operator(consoles).http.stream('GET', '/console/api/events') as events:
        lines = (line for line in events.iter_lines() if line.startswith('data: '))
        next(lines)
        robot.ask(instructions='Is this new?')
        assert any('Is this new?' in line for line in lines)


def test_a_question_that_is_repeated_there_is_asked_once(here: InProcess, there: Served) -> None:
    robot = here.tenant('repeats')

    def ask_there(key: str) -> str:
        headers = {**robot.headers, 'Idempotency-Key': key}
        answer = httpx.post(
            f'{there.url}/v1/engagement', json=question(), headers=headers, timeout=DEADLINE_S
        )
        return str(answer.raise_for_status().json()['token'])

    def ask_here(key: str) -> str:
        answer = robot.send(
            'POST', '/v1/engagement', json=question(), headers={'Idempotency-Key': key}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()['token'])

    names = [str(number) for number in range(50)]
    with ThreadPoolExecutor(2) as robots:
        asked_there, asked_here = (robots.submit(lambda ask=ask: [*map(ask, names)])
                                   for ask in (ask_there, ask_here))  # fmt: skip
        assert asked_there.result(DEADLINE_S) == asked_here.result(DEADLINE_S)
    assert robot.get('/v1/engagement?count=true').json()['count'] == len(names)


def test_a_key_revoked_elsewhere_ends_its_polls(here: InProcess, url: str) -> None:
    robot = here.tenant('revoked')
    topic = topic_of(here, 'revoked')
    call = Call(robot, '/v1/changes', topic, cursor=feed(robot)['cursor'])
    data = str(here.settings.data)
    done = command('key', 'revoke', 'revoked', '--data', data, '--database', url)
    assert done.returncode == 0, done.stderr
    assert call.answer().status_code == 401


def test_a_session_ended_here_ends_its_event_stream_there(
    here: InProcess, consoles: Served
) -> None:
    options = ('--data', str(consoles.data), '--database', str(here.settings.database_url))
    with httpx.Client(base_url=consoles.url, timeout=DEADLINE_S) as http:
        log_in(http, printed('login-link', *options))
        # The cookie of a port has its number in its name.
        [secret] = http.cookies.values()
        cookie = f'spark_session={secret}'
        operator = Caller(here, {'Cookie': cookie, 'X-Requested-With': 'console'})
        with http.stream('GET', '/console/api/events') as events:
            lines = events.iter_lines()
            next(lines)
            assert operator.post('/logout').status_code == 200
            for _ in lines:
                pass


def test_a_change_is_counted_where_it_was_made(
    here: InProcess, tmp_path: Path, url: str
) -> None:
    count = 'spark_questions_total{program=,step=created}'
    with in_process(url, tmp_path / 'data') as other, heard(other) as changes:
        before = scraped(here).get(count, 0)
        token = here.tenant('counted').ask()
        wait_until(lambda: [each for each in changes if each.token == token])
        assert scraped(other).get(count, 0) == 0
        assert scraped(here).get(count, 0) == before + 1


def test_what_is_held_back_is_told_when_it_can_be_read(
    postgres: tuple[PostgresServer, str], here: InProcess
) -> None:
    server, _ = postgres
    robot = here.tenant('held')
    topic = topic_of(here, 'held')
    call = Call(robot, '/v1/changes', topic, cursor=feed(robot)['cursor'])
    with psycopg.connect(host=str(server.folder), user='postgres', dbname='postgres') as other:
        other.execute('SELECT pg_current_xact_id()')
        token = robot.ask()
        here.clock.now += 7
        assert scraped(here)[HELD_BACK] == 7
        assert not call._answer.done()
    [change] = call.answer().json()['changes']
    assert change['engagement']['token'] == token
    assert scraped(here)[HELD_BACK] == 0


@contextmanager
def heard(service: InProcess) -> Iterator[list[Change]]:
    """Collect what is announced."""
    changes: list[Change] = []
    begun = asyncio.Event()

    async def listen() -> None:
        with service.context.bus.subscribe() as subscription:
            begun.set()
            while not subscription.closed:
                # None after each new connection: keys may have been revoked.
                changes.extend(filter(None, [await subscription.next()]))

    listening = service.start(listen())
    service.do(begun.wait())
    try:
        yield changes
    finally:
        listening.cancel()


@pytest.mark.usefixtures('all_look')
@pytest.mark.parametrize('restart', [False, True], ids=['connection', 'server'])
def test_after_a_loss_nothing_is_missed_and_nothing_told_twice(
    postgres: tuple[PostgresServer, str], tmp_path: Path, restart: bool
) -> None:
    server, template = postgres
    url = server.url(server.create(template))
    with (
        in_process(url, tmp_path / 'one') as one,
        in_process(url, tmp_path / 'other') as other,
    ):
        robot, second = one.tenant('one'), other.tenant('other')
        wait_until(lambda: len(listeners(server, url)) == 2)
        with heard(one) as changes:
            tokens = [robot.ask(), second.ask()]
            if restart:
                server.stop()
                server.start()
            for _ in range(10):
                if not restart:
                    server.execute(END_LISTENING)
                tokens += [robot.ask(), second.ask()]
            wait_until(lambda: len(changes) >= len(tokens))
            tokens += [second.ask()]
            wait_until(lambda: changes[-1].token == tokens[-1])
        assert sorted(each.token for each in changes) == sorted(tokens)
        theirs = [each.token for each in changes if each.token in tokens[1::2]]
        assert theirs == tokens[1::2]


@pytest.mark.usefixtures('all_look')
def test_a_commit_whose_connection_is_lost_is_announced(
    postgres: tuple[PostgresServer, str], here: InProcess
) -> None:
    server, _ = postgres

    def answered(asking: Future[int]) -> bool:
        # The writer may first commit what the service does by itself.
        server.execute(END_COMMITTING)
        return asking.done()

    async def ask() -> int:
        async with here.client() as http:
            answer = await http.post('/v1/engagement', json=question(), headers=robot.headers)
            return answer.status_code

    robot = here.tenant('lost')
    with heard(here) as changes:
        # Commits wait for a standby that does not exist; they are on the disk.
        server.execute(sql.SQL("ALTER SYSTEM SET synchronous_standby_names = 'none'"))
        server.execute(sql.SQL('SELECT pg_reload_conf()'))
        try:
            asking = here.start(ask())
            wait_until(lambda: answered(asking))
            assert asking.result() >= 500
        finally:
            server.execute(sql.SQL('ALTER SYSTEM RESET synchronous_standby_names'))
            server.execute(sql.SQL('SELECT pg_reload_conf()'))
        wait_until(lambda: changes)
        [engagement] = robot.get('/v1/engagement').json()
        assert [each.token for each in changes] == [engagement['token']]


def rows(server: PostgresServer, query: str, database: str = 'postgres') -> list[Any]:
    with psycopg.connect(
        host=str(server.folder), user='postgres', dbname=database
    ) as connection:
        return connection.execute(query).fetchall()


def listeners(server: PostgresServer, url: str) -> list[Any]:
    """Return who listens on a database."""
    name = url.partition('?')[0].rpartition('/')[2]
    return rows(server, LISTENING + ' AND datname = current_database()', name)
