# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Two services on one PostgreSQL database: what one does, the other does not do, too."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from file_host import FileHost, Said
from postgres_server import PostgresServer, running_postgres
from service_harness import DEADLINE_S, Caller, InProcess, held, picture, question
from sqlalchemy import select
from test_next_question import next_of
from webhook_receiver import Receiver

from spark_ros.service.settings import Settings
from spark_ros.service.spark import programs
from spark_ros.service.storage import outbox
from spark_ros.service.storage.jobs import COUNTED_S
from spark_ros.service.storage.schema import (
    changes,
    checks,
    deliveries,
    fetches,
    held_answers,
    questions,
)

pytestmark = pytest.mark.slow('runs two services on PostgreSQL')

NAMES = ('one', 'two')
LOOPBACK = ('127.0.0.0/8',)

MakeService = Callable[..., InProcess]


@pytest.fixture(scope='module')
def postgres() -> Iterator[PostgresServer]:
    # A deadlock that the service relied on the server to find would take longer than a test may.
    with running_postgres(deadlock_timeout=f'{2 * DEADLINE_S:g}s') as server:
        yield server


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    database = postgres.create()
    yield postgres.url(database)
    postgres.drop(database)


@pytest.fixture
def started() -> Iterator[list[InProcess]]:
    """The services that run; each is stopped."""
    services: list[InProcess] = []
    yield services
    for service in services:
        service.close()


@pytest.fixture
def make_one(url: str, tmp_path: Path, started: list[InProcess]) -> MakeService:
    """Start a service on the database, whose data directory is its own."""

    def make(name: str, **settings: Any) -> InProcess:
        base = Settings(tmp_path / name, url, min_free=0, **settings)
        base.data.mkdir(0o700)
        started.append(InProcess(base))
        return started[-1]

    return make


def at(service: InProcess, caller: Caller) -> Caller:
    """Return the same caller at another service."""
    return Caller(service, caller.headers)


def wait_until(condition: Callable[[], Any]) -> None:
    """Ask the services until a condition holds."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end


def rows(service: InProcess, table: Any) -> list[Any]:
    return list(service.context.store.read_now(lambda each: each.execute(select(table)).all()))


def test_operators_of_all_processes_are_counted_once(
    make_one: MakeService,
) -> None:
    one, two = (make_one(name) for name in NAMES)
    robot = one.tenant()

    def counts() -> list[str]:
        return [
            at(each, robot).get('/v1/engagement').headers['Spark-Operators'] for each in (one, two)
        ]

    with held(one, 'ann'), held(two, 'ann'):
        with held(two, 'bob'):
            wait_until(lambda: counts() == ['2', '2'])
            assert {*one.context.presence.operators} == {'ann', 'bob'}
            assert one.context.presence.operators_here == ['ann']
        wait_until(lambda: counts() == ['1', '1'])
        assert [each.monitor('/readyz').status_code for each in (one, two)] == [200, 200]
    wait_until(lambda: counts() == ['0', '0'])
    assert one.context.presence.absent_s < DEADLINE_S


def test_a_newer_state_waits_while_another_process_sends_the_older(
    make_one: MakeService,
) -> None:
    answered = threading.Event()

    def answer(number: int) -> int:
        if number == 0:
            assert answered.wait(DEADLINE_S)
        return 200

    settings: dict[str, Any] = {'allow_nets': LOOPBACK, 'webhook_timeout_s': 2 * DEADLINE_S}
    one, two = (make_one(name, **settings) for name in NAMES)
    robot, operator = one.tenant(), one.operator()
    with Receiver(answer) as receiver:
        robot.ask(webhook_url=receiver.url())
        receiver.wait_count(1)
        for service, action in ((one, 'release'), (two, 'release'), (one, 'flag')):
            shown = at(service, operator).claim_first()
            body = {'reason': 'dark'} if action == 'flag' else {}
            assert at(service, operator).act(shown, action, **body).status_code == 200
        [row] = rows(two, deliveries)
        assert row.sequence == 7
        found = two.context.store.read_now(
            lambda each: outbox.due(each, select(deliveries), deliveries, two.clock(), 1)
        )
        assert found == [] and row.due <= two.clock()
        assert len(receiver.received) == 1
        answered.set()
        pushes = receiver.wait_count(2)
        assert [push.body['sequence'] for push in pushes] == [1, 7]
        wait_until(lambda: not rows(one, deliveries))
        assert len(receiver.received) == 2


def test_two_who_race_for_second_opinions_never_get_the_same(make_one: MakeService) -> None:
    services = [make_one(name) for name in NAMES]
    program = programs.Program('Look', second_opinion_share=1.0)
    services[0].context.store.write_now(programs.put, 'p', program, services[0].clock())
    robot, first = services[0].tenant(), services[0].operator()
    images = ['http://192.0.2.1/1.jpg', 'http://192.0.2.1/2.jpg']
    for _ in range(15):
        robot.ask(program_name='p', content_location=images)
        asked = next_of(first)
        shown = [{'id': each['id'], 'shapes': []} for each in asked['images']]
        assert first.act(asked, 'answer-images', images=shown).status_code == 200
    people = [at(service, service.operator()) for service in services]

    def work(person: Caller) -> list[str]:
        given = []
        while (check := next_of(person))['id'] is not None:
            shown = [{'id': each['id'], 'shapes': []} for each in check['images']]
            done = person.act(check, 'answer-images', images=shown)
            assert done.status_code == 200, done.text
            given += [each['id'] for each in shown]
        return given

    with ThreadPoolExecutor() as threads:
        given = [*threads.map(work, people)]
    assert Counter(given[0] + given[1]) == Counter(f'check-{id}' for id in range(1, 31))
    assert {row.state for row in rows(services[0], checks)} == {'closed'}


def test_an_answer_waits_for_a_second_opinion_at_the_other_service(make_one: MakeService) -> None:
    one, two = (make_one(name) for name in NAMES)
    program = programs.Program('Look', second_opinion_share=1.0, second_opinion_wait=True)
    one.context.store.write_now(programs.put, 'p', program, one.clock())
    robot, first, second = one.tenant(), one.operator(), at(two, one.operator())
    token = robot.ask(program_name='p')
    with held(two, 'somebody'):
        wait_until(lambda: one.context.presence.count)
        answered = first.act(next_of(first), 'answer', shapes=[], response='yes')
    assert answered.json() == {'state': 'assigned', 'held_s': 0}
    check = next_of(second)
    assert second.act(check, 'answer', shapes=[], response='no').status_code == 200
    found = robot.engagement(token)
    assert (found['state'], found['response']) == ('closed', 'yes')
    assert found['flags'] == ['interesting']


def test_two_services_send_each_webhook_once(make_one: MakeService) -> None:
    one, two = (make_one(name, allow_nets=LOOPBACK) for name in NAMES)
    robot = one.tenant()
    with Receiver() as receiver:
        images = [f'http://192.0.2.1/{number}.jpg' for number in range(25)]
        for service in (one, two):
            at(service, robot).ask(webhook_url=receiver.url(), content_location=images)
        wait_until(lambda: not rows(one, deliveries))
        ids = [push.headers['webhook-id'] for push in receiver.received]
        assert len(ids) == len({*ids}) == 50


def test_what_a_stopped_service_was_sending_the_other_sends_at_once(
    make_one: MakeService, started: list[InProcess]
) -> None:
    with Receiver(lambda number: 200 if number else None) as receiver:
        settings: dict[str, Any] = {'allow_nets': LOOPBACK, 'webhook_timeout_s': 2 * DEADLINE_S}
        stopped = make_one('one', **settings)
        stopped.tenant().ask(webhook_url=receiver.url())
        receiver.wait_count(1)
        other = make_one('two', **settings)
        started.remove(stopped)
        stopped.close()
        first, second = receiver.wait_count(2)
        assert first.headers['webhook-id'] == second.headers['webhook-id']
        wait_until(lambda: not rows(other, deliveries))


def test_two_services_fetch_a_picture_once(make_one: MakeService) -> None:
    one, two = (make_one(name, fetch_nets=LOOPBACK) for name in NAMES)
    robot = one.tenant()
    with FileHost({f'/a.jpg?{n}': Said(picture()) for n in range(10)}) as host:
        for number in range(10):
            at((one, two)[number % 2], robot).ask(content_location=[host.url(f'/a.jpg?{number}')])
        wait_until(lambda: all(row.state == 'done' for row in rows(one, fetches)))
        assert len(rows(one, fetches)) == len(host.received) == 10
        assert all(row.attempts == 1 for row in rows(one, fetches))


def test_leases_and_deadlines_that_end_move_each_question_once(make_one: MakeService) -> None:
    one, two = (make_one(name) for name in NAMES)
    robot, operator = one.tenant(), one.operator()
    for _ in range(50):
        robot.ask()
    for _ in range(10):
        operator.claim_first()
    urgent = {'json': question(), 'headers': {'Spark-Deadline': '60'}}
    for _ in range(50):
        assert robot.post('/v1/engagement', **urgent).status_code == 200
    for service in (one, two):
        service.clock.now += 61
    wait_until(lambda: _count_states(two) == {'open': 50, 'closed': 50})
    moves = [(row.question_id, row.sequence) for row in rows(one, changes)]
    assert len(moves) == len({*moves}) == 100 + 10 + 10 + 50


def test_held_answers_that_are_due_close_each_question_once(make_one: MakeService) -> None:
    one, two = (make_one(name) for name in NAMES)
    program = programs.Program('Find cats', grace_s=5.0)
    one.context.store.write_now(programs.put, 'cats', program, one.clock())
    robot, operator = one.tenant(), one.operator()
    for number in range(40):
        robot.ask(program_name='cats')
        person = at((one, two)[number % 2], operator)
        assert person.act(person.claim_first(), 'answer', shapes=[], response='no').is_success
    assert len(rows(two, held_answers)) == 40
    for service in (one, two):
        service.clock.now += 6
    wait_until(lambda: _count_states(two) == {'closed': 40})
    moves = [(row.question_id, row.sequence) for row in rows(one, changes)]
    assert len(moves) == len({*moves}) == 40 * 3
    assert rows(two, held_answers) == []


def test_a_key_exceeds_its_limit_of_open_questions_for_a_second_at_most(
    make_one: MakeService,
) -> None:
    one, two = (make_one(name, open_limit=4) for name in NAMES)
    robot = at(two, one.tenant())
    robot.ask()
    at(one, robot).ask(content_location=['http://192.0.2.1/1.jpg'] * 3)
    begun, status, more = time.monotonic(), 200, 0
    while status == 200:
        status = robot.post('/v1/engagement', json=question()).status_code
        more += status == 200
        assert time.monotonic() - begun < COUNTED_S + DEADLINE_S
    assert status == 429
    assert more <= 3


def _count_states(service: InProcess) -> Counter[str]:
    return Counter(row.state for row in rows(service, questions))
