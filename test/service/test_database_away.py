# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server that goes away: callers are told to repeat, and nothing is lost."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from postgres_server import PostgresServer
from service_harness import DEADLINE_S, Served, picture, question, served
from serving import command, free_port, printed

from spark_ros.service.storage.store import READERS

pytestmark = pytest.mark.slow('starts and stops a PostgreSQL server')

TIMEOUT_S = 60.0
ROBOTS, ASKED = 4, 15


@pytest.fixture
def data(server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('SPARK_SERVICE_DATABASE', server.url(server.create()))
    return tmp_path / 'data'


@dataclass
class Watched:
    """A service, a caller of it, and its monitoring port."""

    service: Served
    http: httpx.Client
    monitor: str

    def ask(self, number: int = 0, **headers: str) -> httpx.Response:
        asked = question(instructions=str(number))
        return self.http.post('/v1/engagement', json=asked, headers=headers)

    def ready(self) -> httpx.Response:
        """Ask whether it is ready; its process answers, however that is."""
        answer = httpx.get(f'{self.monitor}/readyz', timeout=DEADLINE_S)
        alive = httpx.get(f'{self.service.url}/healthz', timeout=DEADLINE_S)
        assert alive.status_code == 200
        return answer

    def until_ready(self) -> None:
        end = time.monotonic() + DEADLINE_S
        while (answer := self.ready()).status_code != 200:
            assert time.monotonic() < end, answer.text


@pytest.fixture
def watched(data: Path, key: str) -> Iterator[Watched]:
    port = free_port()
    with (
        served(data, '--metrics-port', str(port), key=key) as service,
        httpx.Client(
            base_url=service.url, headers=service.headers, timeout=TIMEOUT_S
        ) as http,
    ):
        yield Watched(service, http, f'http://127.0.0.1:{port}')


@contextmanager
def away(server: PostgresServer, end: Callable[[PostgresServer], None]) -> Iterator[None]:
    """End the server; it is back after the block."""
    end(server)
    try:
        yield
    finally:
        server.start()


ENDS = pytest.mark.parametrize('end', [PostgresServer.stop, PostgresServer.kill])


@ENDS
def test_callers_are_told_to_repeat_and_all_goes_on_by_itself(
    server: PostgresServer, watched: Watched, end: Callable[[PostgresServer], None]
) -> None:
    token = watched.ask().raise_for_status().json()['token']
    soon = watched.ask(1, **{'Spark-Deadline': '2'}).raise_for_status().json()['token']
    watched.until_ready()
    with away(server, end):
        for answer in (
            watched.ask(),
            watched.http.get(f'/v1/engagement/{token}'),
            watched.http.get('/v1/changes'),
            watched.http.post('/v1/image', files={'image_file': ('a.jpg', picture())}),
        ):
            assert answer.status_code == 503
            assert int(answer.headers['retry-after']) > 0
            assert 'repeat later' in answer.json()['message']
        # The tasks that read the database are well themselves.
        told = watched.ready()
        assert told.status_code == 503
        assert told.json()['message'].startswith('failing: database since 2')
        assert ',' not in told.json()['message']
    watched.until_ready()
    assert watched.http.get(f'/v1/engagement/{token}').json()[0]['state'] == 'open'
    assert watched.ask().status_code == 200
    ended = time.monotonic() + DEADLINE_S
    while watched.http.get(f'/v1/engagement/{soon}').json()[0]['state'] != 'closed':
        assert time.monotonic() < ended
    log = watched.service.log.read_text()
    assert log.count('the database cannot be used: ') == 1
    assert log.count('the database can be used again') == 1
    assert 'Traceback' not in log


@ENDS
def test_what_was_repeated_is_there_once(
    server: PostgresServer, watched: Watched, end: Callable[[PostgresServer], None]
) -> None:
    """Robots ask while it ends, and repeat under the same Idempotency-Key until they hear 200."""
    statuses: set[int] = set()
    some, over, numbers = threading.Semaphore(0), threading.Event(), itertools.count()

    def go_on() -> list[str]:
        tokens = []
        while not over.is_set():
            tokens.append(ask(next(numbers)))
        return tokens

    def ask(number: int) -> str:
        until = time.monotonic() + TIMEOUT_S
        while True:
            answer = watched.ask(number, **{'Idempotency-Key': str(number)})
            statuses.add(answer.status_code)
            if answer.status_code == 200:
                some.release()
                return str(answer.json()['token'])
            assert answer.status_code == 503 and time.monotonic() < until, answer.text

    def count() -> int:
        # A connection that was used right before it was lost is found out by the next call.
        until = time.monotonic() + TIMEOUT_S
        while (answer := watched.http.get('/v1/engagement?count=true')).status_code == 503:
            assert time.monotonic() < until
        return int(answer.json()['count'])

    with ThreadPoolExecutor(ROBOTS) as robots:
        asking = [robots.submit(go_on) for _ in range(ROBOTS)]
        try:
            for _ in range(ASKED):
                assert some.acquire(timeout=DEADLINE_S)
            with away(server, end):
                assert watched.ready().status_code == 503
        finally:
            over.set()
        tokens = [token for each in asking for token in each.result(TIMEOUT_S)]
    assert statuses == {200, 503} and len({*tokens}) == len(tokens)
    assert count() == len(tokens)


def test_a_server_that_hangs_is_told_at_once(server: PostgresServer, watched: Watched) -> None:
    """Calls that need it wait, and with them all threads that read."""
    watched.until_ready()
    with ThreadPoolExecutor(2 * READERS) as robots:
        with server.paused():
            asked = [robots.submit(watched.ask, number) for number in range(2 * READERS)]
            told = watched.ready()
            assert told.status_code == 503
            assert told.json()['message'].startswith('failing: database since 2')
            assert not any(each.done() for each in asked)
        assert {each.result(TIMEOUT_S).status_code for each in asked} == {200}
    watched.until_ready()


def test_commands_say_it_in_one_line(server: PostgresServer, data: Path) -> None:
    assert printed('key', 'create', 'robot', '--data', str(data))
    with away(server, PostgresServer.stop):
        for words in (['key', 'list'], ['key', 'create', 'other'], ['serve', '--port', '0']):
            said = command(*words, '--data', str(data))
            assert (said.returncode, said.stdout) == (1, '')
            assert said.stderr.startswith('spark-service: the database cannot be used: ')
            assert said.stderr.count('\n') == 1
    assert printed('key', 'list', '--data', str(data)).startswith('robot\t')
