# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Sessions of operators: who is logged in can be seen, and ended, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from service_harness import DEADLINE_S, Caller, InProcess, Served, log_in, served
from serving import command, printed
from sqlalchemy import select

from spark_ros.service.storage import schema, sessions
from spark_ros.wire.values import parse_time

PATH = '/console/api/sessions'


def listed(operator: Caller) -> list[dict[str, object]]:
    answer = operator.get(PATH)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()['sessions']
    return found


def test_who_logs_out_is_logged_out(service: InProcess) -> None:
    operator, other = service.operator(), service.operator()
    left = operator.post('/logout')
    assert left.status_code == 200
    cookie = left.headers['set-cookie'].lower()
    assert cookie.startswith('spark_session') and 'max-age=0' in cookie
    assert operator.get('/console/api/queue').status_code == 401
    assert operator.get('/').status_code == 401
    assert operator.post('/logout').status_code == 401
    assert other.get('/console/api/queue').status_code == 200


def test_no_other_site_can_log_an_operator_out(service: InProcess) -> None:
    operator = service.operator()
    cookie = {'Cookie': operator.headers['Cookie']}
    assert service.send('POST', '/logout', headers=cookie).status_code == 403
    evil = {'Origin': 'http://service.test:8081'}
    assert operator.post('/logout', headers=evil).status_code == 403
    assert operator.get('/console/api/queue').status_code == 200


@pytest.mark.parametrize('origin', ['http://[', 'http://]', '[', 'http://[::1', 'http://a]b'])
def test_an_origin_that_is_none_is_another_site(service: InProcess, origin: str) -> None:
    assert service.operator().post('/logout', headers={'Origin': origin}).status_code == 403


def test_sessions_are_listed_and_ended(service: InProcess) -> None:
    one = service.operator()
    begun = service.clock.now
    service.clock.now += 3600
    two = service.operator()
    assert [(each['this'], parse_time(each['created'])) for each in listed(two)] == [
        (False, begun), (True, begun + 3600),
    ]  # fmt: skip
    first, _ = listed(two)
    assert parse_time(first['expires']) == begun + service.settings.session_s
    assert parse_time(first['seen']) == begun
    listed(one)
    first, _ = listed(two)
    assert parse_time(first['seen']) == begun + 3600
    assert two.post(f'{PATH}/{first["id"]}/revoke').status_code == 200
    assert one.get('/console/api/queue').status_code == 401
    assert [each['this'] for each in listed(two)] == [True]
    assert two.post(f'{PATH}/{first["id"]}/revoke').status_code == 404


def test_only_operators_see_and_end_sessions(service: InProcess) -> None:
    operator = service.operator()
    [own] = listed(operator)
    robot = service.tenant()
    assert robot.get(PATH).status_code == 401
    revoke = f'{PATH}/{own["id"]}/revoke'
    assert robot.post(revoke, headers={'X-Requested-With': 'console'}).status_code == 401
    cookie = {'Cookie': operator.headers['Cookie']}
    assert service.send('POST', revoke, headers=cookie).status_code == 403
    assert operator.get(PATH).status_code == 200


def test_a_session_expires(service: InProcess) -> None:
    operator = service.operator()
    service.clock.now += service.settings.session_s
    assert operator.get('/console/api/queue').status_code == 401
    assert listed(service.operator())[0]['this'] is True


def test_the_scripted_operator_has_one_session_however_often_it_starts(
    make_service: Callable[..., InProcess],
) -> None:
    started = [make_service(operator='scripted') for _ in range(3)]
    service = started[-1]
    kinds = service.context.store.read_now(
        lambda connection: connection.execute(select(schema.sessions.c.kind)).scalars().all()
    )
    assert kinds == [sessions.SCRIPTED]


@contextmanager
def listening(service: Served, console: httpx.Client) -> Iterator[Iterator[str]]:
    """Log in and follow the changes."""
    log_in(console, service.login)
    with console.stream('GET', '/console/api/events') as events:
        lines = events.iter_lines()
        assert next(lines) == 'event: queue'
        yield lines


@pytest.fixture
def console(data: Path) -> Iterator[tuple[Served, httpx.Client]]:
    with (
        served(data) as service,
        httpx.Client(base_url=service.url, timeout=DEADLINE_S) as client,
    ):
        yield service, client


def test_an_event_stream_ends_with_its_session(console: tuple[Served, httpx.Client]) -> None:
    service, client = console
    with listening(service, client) as lines:
        header = {'X-Requested-With': 'console'}
        with httpx.Client(base_url=service.url, cookies=client.cookies) as same_browser:
            assert same_browser.post('/logout', headers=header).status_code == 200
        list(lines)
    assert client.get('/console/api/events').status_code == 401


def test_the_command_line_lists_and_ends_sessions(console: tuple[Served, httpx.Client]) -> None:
    """From another process than the service's, whose event stream ends within seconds."""
    service, client = console
    where = ('--data', str(service.data))
    assert printed('session', 'list', *where) == ''
    with listening(service, client) as lines:
        [line] = printed('session', 'list', *where).splitlines()
        id, created, seen, expires = line.split('\t')
        assert created <= seen < expires
        wrong = command('session', 'revoke', 'nobody', *where)
        assert wrong.returncode == 1 and 'session list' in wrong.stderr
        assert printed('session', 'revoke', id, *where) == f'{id}: revoked'
        list(lines)
    assert client.get('/console/api/queue').status_code == 401
    log_in(client, printed('login-link', *where))
    assert printed('session', 'revoke', '--all', *where) == '1 revoked'
    assert client.get('/console/api/queue').status_code == 401
    for wrong_words in ([], ['x', '--all']):
        assert command('session', 'revoke', *wrong_words, *where).returncode == 2
