# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Two processes on one PostgreSQL database: raced for, and one of them killed under load."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psycopg
import pytest
from postgres_server import OWNER, PostgresServer, running_postgres
from service_harness import DEADLINE_S, Served, log_in, question, served_by_process
from serving import printed
from webhook_receiver import Received, Receiver

QUESTIONS, OPERATORS, ROBOTS = 500, 8, 4
# From how many lines at the head of the queue an operator takes the next at random.
HEAD = 12
BEFORE_KILL, AFTER_KILL = 60, 30
TIMEOUT = httpx.Timeout(DEADLINE_S)
LOCKED_BY = "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"

pytestmark = pytest.mark.slow('starts two services as processes, and races or kills them')


@pytest.fixture(scope='module')
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    name = postgres.create()
    yield name
    postgres.drop(name)


@pytest.fixture
def two(
    postgres: PostgresServer, database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[list[Served]]:
    """Two services; the first has taken the locks when the second starts."""
    arguments = ('--database', postgres.url(database), *getattr(request, 'param', ()))
    key = printed('key', 'create', 'robot', '--data', str(tmp_path / 'one'), *arguments[:2])
    with ExitStack() as stack:
        yield [
            stack.enter_context(served_by_process(tmp_path / name, *arguments, key=key))
            for name in ('one', 'two')
        ]


@pytest.mark.timeout(240)
def test_raced_for_questions_are_held_and_answered_once(
    two: list[Served], postgres: PostgresServer, database: str
) -> None:
    url = postgres.url(database)
    for service in two:
        with httpx.Client(
            base_url=service.url, headers=service.headers, timeout=TIMEOUT
        ) as robot:
            for _ in range(QUESTIONS // 2):
                assert robot.post('/v1/engagement', json=question()).status_code == 200
    consoles = [httpx.Client(base_url=two[n % 2].url, timeout=TIMEOUT) for n in range(OPERATORS)]
    for number, console in enumerate(consoles):
        console.headers['X-Requested-With'] = 'console'
        link = printed('login-link', '--data', str(two[0].data), '--database', url)
        # The address in it is that of the service that started last.
        log_in(console, f'{two[number % 2].url}/login?{link.partition("?")[2]}')
    with ThreadPoolExecutor(OPERATORS) as pool:
        races = [*pool.map(_claim_and_answer_all, consoles, map(random.Random, range(OPERATORS)))]
    for console in consoles:
        console.close()
    claimed = Counter(id for claims, _, _ in races for id in claims)
    answered = Counter(id for _, answers, _ in races for id in answers)
    assert len(claimed) == len(answered) == QUESTIONS
    assert {*claimed.values()} == {*answered.values()} == {1}
    assert sum(lost for _, _, lost in races) > 0, 'nobody raced'
    for service in two:
        _expect_no_failure(service)


@pytest.mark.parametrize(
    'two', [('--operator', 'scripted', '--allow-net', '127.0.0.0/8')], indirect=True
)
def test_a_killed_process_loses_no_webhook_and_none_goes_back(
    two: list[Served], postgres: PostgresServer, database: str
) -> None:
    before = _lockers(postgres, database)
    assert len(before) == 1
    with Receiver() as receiver:
        load = Load(receiver.url())
        with ThreadPoolExecutor(2 * ROBOTS) as pool:
            for number in range(2 * ROBOTS):
                pool.submit(load.ask, two[number % 2])
            load.wait_for(BEFORE_KILL)
            two[0].serving.kill()
            load.wait_for(len(load.accepted) + AFTER_KILL)
            load.over.set()
        expected = {*load.accepted}
        # What was on its way is the other's only after the time that an attempt may take.
        received = receiver.wait(lambda got: expected <= _ended(got), 2 * DEADLINE_S)
    newest: dict[str, int] = {}
    for push in received:
        token, sequence = push.body['token'], push.body['sequence']
        assert sequence >= newest.get(token, 0)
        newest[token] = sequence
    # Another connection has both locks: that of the clean-up and that of the scripted operator.
    after = _lockers(postgres, database)
    assert len(after) == 1 and after != before
    _expect_no_failure(two[1])


class Load:
    """Robots that ask until it is over, and the tokens that were accepted."""

    def __init__(self, hook: str) -> None:
        self.accepted: list[str] = []
        self.over = threading.Event()
        self._hook = hook
        self._more = threading.Condition()

    def ask(self, service: Served) -> None:
        body = question(webhook_url=self._hook)
        http = httpx.Client(timeout=TIMEOUT, headers=service.headers)
        with http, suppress(httpx.HTTPError):
            while not self.over.is_set():
                answer = http.post(f'{service.url}/v1/engagement', json=body)
                assert answer.status_code == 200, answer.text
                with self._more:
                    self.accepted.append(answer.json()['token'])
                    self._more.notify_all()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.accepted) >= count, DEADLINE_S)


def _claim_and_answer_all(
    console: httpx.Client, chance: random.Random
) -> tuple[list[int], list[int], int]:
    """Take whatever is open, first come first served; return what was won, answered and lost."""
    claims, answers, lost = [], [], 0
    while True:
        queue = console.get('/console/api/queue')
        assert queue.status_code == 200, queue.text
        lines = queue.json()['questions']
        if not lines:
            return claims, answers, lost
        for line in chance.sample(lines[:HEAD], min(HEAD, len(lines))):
            path = f'/console/api/questions/{line["id"]}'
            claimed = console.post(f'{path}/claim')
            if claimed.status_code == 409:
                lost += 1
                continue
            assert claimed.status_code == 200, claimed.text
            claims.append(line['id'])
            answered = console.post(f'{path}/flag', json={'reason': 'dark'})
            assert answered.status_code == 200, answered.text
            answers.append(line['id'])


def _ended(pushes: list[Received]) -> set[str]:
    return {push.body['token'] for push in pushes if push.body['state'] == 'closed'}


def _lockers(postgres: PostgresServer, database: str) -> set[int]:
    with psycopg.connect(host=str(postgres.folder), user=OWNER, dbname=database) as connection:
        return {pid for (pid,) in connection.execute(LOCKED_BY)}


def _expect_no_failure(service: Served) -> None:
    said = service.log.read_text()
    assert 'Traceback' not in said and 'ERROR' not in said, said
