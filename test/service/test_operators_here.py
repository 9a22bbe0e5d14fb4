# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many operators are there: of whom it is counted, who is told, and who no longer counts."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from service_harness import DEADLINE_S, InProcess, Served, held, log_in, question, served
from serving import printed

from spark_ros.service.operators.presence import Presence
from spark_ros.service.web.connections import DEFAULT_LIMITS

EXTENSIONS = (
    'idempotency-key;retention=604800, robot-id, priority, deadline, withdraw, operators'
)


def test_an_operator_counts_once_however_many_pages_are_open() -> None:
    presence = Presence()
    with presence.hold('ann'), presence.hold('bob'):
        with presence.hold('ann'):
            assert presence.count == 2
        assert presence.count == 2
    assert presence.count == 0


def test_it_knows_for_how_long_nobody_has_been_there() -> None:
    now = 100.0
    presence = Presence(lambda: now)
    now = 105.0
    assert presence.absent_s == 5.0
    with presence.hold('ann'):
        now = 200.0
        assert presence.absent_s == 0.0
        with presence.hold('bob'):
            pass
        assert presence.absent_s == 0.0
    now = 203.0
    assert presence.absent_s == 3.0


@pytest.mark.parametrize(('method', 'path', 'status'), [
    ('GET', '/v1/engagement', 200), ('GET', '/v1/changes', 200), ('POST', '/v1/engagement', 400),
    ('GET', '/v1/engagement/unknown', 404), ('GET', '/v1/nothing', 404),
])  # fmt: skip
def test_every_answer_of_the_apis_tells_it(
    service: InProcess, method: str, path: str, status: int
) -> None:
    robot = service.tenant()
    for count in (0, 1):
        with held(service, 'ann') if count else ExitStack():
            answer = robot.send(method, path)
        assert answer.status_code == status
        assert answer.headers['spark-operators'] == str(count)
        assert answer.headers['spark-extensions'] == EXTENSIONS
        assert 'idempotency-key-retention' not in answer.headers
    assert service.send(method, path).headers['spark-operators'] == '0'


def test_other_answers_do_not(service: InProcess) -> None:
    for path in ('/healthz', '/login', '/console/api/queue'):
        assert 'spark-operators' not in service.send('GET', path).headers


def test_the_retention_is_that_of_the_settings(make_service: Callable[..., InProcess]) -> None:
    answer = make_service(idempotency_s=60.0).send('GET', '/v1/changes')
    assert answer.status_code == 401
    assert ';retention=60,' in answer.headers['spark-extensions']


def test_the_feed_tells_how_many_there_are_when_it_answers(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not how many there were when it began to wait."""
    robot, store = service.tenant(), service.context.store
    cursor = robot.get('/v1/changes').json()['cursor']
    read = store.read_for
    with ExitStack() as opened:

        async def read_and_then_somebody_comes(*arguments: Any) -> Any:
            result = await read(*arguments)
            opened.enter_context(service.context.presence.hold('ann'))
            return result

        monkeypatch.setattr(service.context.bus.recent, 'none_after', lambda *given: False)
        monkeypatch.setattr(store, 'read_for', read_and_then_somebody_comes)
        answer = robot.get('/v1/changes', params={'cursor': cursor, 'block': 0.1})
    assert (answer.json()['operators'], answer.headers['spark-operators']) == (1, '1')


def test_the_scripted_operator_counts_as_one(make_service: Callable[..., InProcess]) -> None:
    service = make_service(operator='scripted')
    robot = service.tenant()
    cursor = robot.get('/v1/changes').json()['cursor']
    robot.ask()
    # Its answer is the proof that it runs.
    seen = ''
    while seen != 'closed':
        page = robot.get('/v1/changes', params={'cursor': cursor, 'block': 10}).json()
        cursor, [change] = page['cursor'], page['changes']
        seen = change['engagement']['state']
    assert page['operators'] == 1


def count(service: Served) -> int:
    return int(httpx.get(f'{service.url}/v1/changes').headers['spark-operators'])


def wait_for(service: Served, wanted: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while (found := count(service)) != wanted:
        assert time.monotonic() < end, found


@contextmanager
def streaming(console: httpx.Client) -> Iterator[None]:
    """Have the console open."""
    with console.stream('GET', '/console/api/events') as events:
        # httpx closes the stream with its iterator.
        lines = events.iter_lines()
        assert next(lines) == 'event: queue'
        yield
        lines.close()


def test_who_has_an_event_stream_is_there(data: Path) -> None:
    with (
        served(data) as service,
        httpx.Client(base_url=service.url, timeout=DEADLINE_S) as ann,
        httpx.Client(base_url=service.url, timeout=DEADLINE_S) as bob,
    ):
        log_in(ann, service.login)
        log_in(bob, printed('login-link', '--data', str(service.data)))
        # Being logged in is not being there, nor is asking for the queue once.
        assert ann.get('/console/api/queue').status_code == 200
        assert count(service) == 0
        with streaming(ann):
            assert count(service) == 1
            with streaming(ann), streaming(bob):
                assert count(service) == 2
            wait_for(service, 1)
        wait_for(service, 0)


def test_who_logs_out_is_not_there(data: Path) -> None:
    with (
        served(data) as service,
        httpx.Client(base_url=service.url, timeout=DEADLINE_S) as ann,
    ):
        log_in(ann, service.login)
        with streaming(ann):
            httpx.post(
                f'{service.url}/logout', cookies=ann.cookies,
                headers={'X-Requested-With': 'console'},
            ).raise_for_status()
            wait_for(service, 0)


@pytest.mark.skipif(not hasattr(socket, 'TCP_USER_TIMEOUT'), reason='only Linux has it')
def test_whose_connection_no_longer_takes_anything_is_not_there(data: Path, key: str) -> None:
    """What is sent stays with the kernel, which nobody would hear of for a quarter of an hour."""
    limits = replace(DEFAULT_LIMITS, stalled_s=0.5)
    with (
        served(data, key=key, limits=limits) as service,
        httpx.Client(base_url=service.url, timeout=DEADLINE_S) as console,
        socket.socket() as silent,
    ):
        log_in(console, service.login)
        [(name, secret)] = console.cookies.items()
        where = urlsplit(service.url)
        # So little is taken before nothing is.
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        silent.settimeout(DEADLINE_S)
        silent.connect((where.hostname, where.port))
        silent.sendall(
            f'GET /console/api/events HTTP/1.1\r\nHost: {where.netloc}\r\n'
            f'Cookie: {name}={secret}\r\n\r\n'.encode()
        )
        wait_for(service, 1)
        for _ in range(4):
            httpx.post(
                f'{service.url}/v1/engagement', headers=service.headers,
                json=question(content_location=['http://192.0.2.1/1.jpg'] * 50),
            ).raise_for_status()
        wait_for(service, 0)
