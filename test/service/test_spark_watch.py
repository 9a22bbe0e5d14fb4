# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark watch` and `spark ask --wait` while things happen, by the change feed and without it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from service_harness import Served, served, served_by_process
from serving import free_port
from spark_command import (
    DEADLINE_S,
    Operator,
    Running,
    environment,
    new_key,
    running,
    spark,
    without_feed,
)

from spark_ros.service.operators import live_queue

pytestmark = [
    pytest.mark.slow('follows a running service by commands'),
    pytest.mark.sqlite('about a command, not about what is stored'),
]

ASK = ('ask', 'http://192.0.2.1/i.jpg', '--instructions', 'Is it free?')


@dataclass(frozen=True)
class Place:
    """A service that nobody answers but the test, reached with its feed or without.

    Its keys are new in each test.
    """

    service: Served
    operator: Operator
    url: str
    keys: dict[str, str]

    def around(self, api: str = 'spark', url: str = '') -> dict[str, str]:
        return environment(url or self.url, self.keys[api], api)

    def ask(self, api: str = 'spark', *more: str) -> str:
        done = spark(self.around(api, self.service.url), 'ask', *more, *ASK[1:])
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope='module')
def service(
    shared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Operator]]:
    """One service, with one person at its console, for all tests that leave it alive."""
    with (
        served(tmp_path_factory.mktemp('watch') / 'data') as service,
        pytest.MonkeyPatch.context() as patched,
    ):
        # The newest question is to be in the list, however many these tests leave open.
        patched.setattr(live_queue, 'QUEUE_LENGTH', 100_000)
        yield service, Operator(service)


@pytest.fixture(params=[
    'feed', pytest.param('polling', marks=pytest.mark.slow('waits for polls, two seconds apart')),
])  # fmt: skip
def place(
    request: pytest.FixtureRequest, service: tuple[Served, Operator]
) -> Iterator[Place]:
    """Once with the change feed, once as a service that has none."""
    running, operator = service
    data = running.data
    keys = {api: new_key(data, api) for api in ('spark', 'heat')}
    if request.param == 'feed':
        yield Place(running, operator, running.url, keys)
        return
    with without_feed(running.url) as url:
        yield Place(running, operator, url, keys)


@contextmanager
def watching(place: Place) -> Iterator[Running]:
    """Watch everything; the block begins when the watch is seen to hear what happens."""
    with running(place.around(), 'watch') as watch:
        # What comes before the watch has begun is not told.
        end = time.monotonic() + DEADLINE_S
        while not watch.out:
            assert watch.process.poll() is None and time.monotonic() < end, watch.err
            place.ask()
        yield watch


def states(lines: list[str], token: str) -> list[str]:
    """Return what became of a token, from the lines of a watch."""
    return [line.split()[1] for line in lines if token in line]


def test_each_change_is_a_line(place: Place) -> None:
    """Open, taken, put back or answered; Ctrl-C ends it with 130 and no word."""
    operator = place.operator
    with watching(place) as watch:
        token = place.ask()
        watch.until(lambda: states(watch.out, token) == ['open'])
        number = operator.claim()
        watch.until(lambda: states(watch.out, token) == ['open', 'assigned'])
        operator.do(number, 'release')
        watch.until(lambda: states(watch.out, token) == ['open', 'assigned', 'open'])
        operator.do(operator.claim(), 'flag', reason='too dark')
        watch.until(lambda: states(watch.out, token)[-1] == 'flagged')
        assert watch.out[-1].endswith('  too dark')
        assert watch.interrupt() == 130
    assert watch.err == []


@pytest.mark.parametrize('api', ['spark', 'heat'])
def test_watching_one_question_ends_with_it(place: Place, api: str) -> None:
    """JSON lines; what happens to others is not told."""
    mine, other = place.ask(api), place.ask(api)
    operator = place.operator
    with running(place.around(api), 'watch', mine, '--json') as watch:
        watch.until(lambda: watch.out)
        for _ in range(2):
            number = operator.claim()
            if api == 'spark':
                operator.do(number, 'answer', shapes=[], response='yes')
            else:
                operator.do(number, 'answer', response=[])
        assert watch.ended() == 0
    told = [json.loads(line) for line in watch.out]
    assert {each['token'] for each in told} == {mine} and other != mine
    assert told[-1]['state'] == ('closed' if api == 'spark' else 'complete')
    assert watch.err == []


def test_a_question_with_two_images_is_over_when_both_are(place: Place) -> None:
    """Each answer is a line."""
    token = place.ask('spark', 'http://192.0.2.1/j.jpg')
    operator = place.operator
    with running(place.around(), 'watch', token) as watch:
        watch.until(lambda: len(watch.out) == 2)
        number = operator.claim()
        images = operator.http.get(f'/console/api/questions/{number}').json()['images']
        shapes = [{'id': image['id'], 'shapes': []} for image in images]
        operator.do(number, 'answer-images', images=shapes, response='both')
        assert watch.ended() == 0
    assert [line.split()[-1] for line in watch.out if 'closed' in line] == ['both', 'both']


@pytest.mark.parametrize('api', ['spark', 'heat'])
def test_waiting_tells_each_state(place: Place, api: str) -> None:
    """The answer alone is on standard output; the token is told at once."""
    operator = place.operator
    with running(place.around(api), *ASK, '--wait') as asking:
        waiting = 'open' if api == 'spark' else 'pending'
        asking.until(lambda: [line.split()[-1] for line in asking.err[1:]] == [waiting])
        token = asking.err[0].removeprefix('asked: ')
        number = operator.claim()
        if api == 'spark':
            asking.until(lambda: asking.err[-1].endswith('assigned'))
            operator.do(number, 'answer', shapes=[], response='as can be')
        else:
            operator.do(number, 'answer', response=[])
        assert asking.ended() == 0
    over = 'closed' if api == 'spark' else 'complete'
    assert asking.out[0].split() == ['token', token] and asking.out[1].split() == ['state', over]
    assert asking.err[-1].endswith(over)


@pytest.mark.parametrize('api', ['spark', 'heat'])
def test_over_without_an_answer_is_told_by_the_exit_code(place: Place, api: str) -> None:
    """So that `spark ask … --wait && drive` does not drive."""
    with running(place.around(api), *ASK, '--wait') as asking:
        # The token, and that it is waited for: what is over before is not listened for.
        asking.until(lambda: len(asking.err) == 2)
        place.operator.do(place.operator.claim(), 'flag', reason='too dark')
        assert asking.ended() == 6
    assert asking.out[1].split() == ['state', 'flagged']


def test_waiting_without_a_word(place: Place) -> None:
    """--quiet, and what is not answered in time: exit 5 and how to look later."""
    done = spark(place.around(), *ASK, '--wait', '--timeout', '1.5', '--quiet')
    assert (done.returncode, done.stdout, done.stderr.count('\n')) == (5, '', 1)
    (token,) = [each['token'] for each in json.loads(spark(
        place.around(), 'list', '--json').stdout)]
    assert f'spark show {token}' in done.stderr


@pytest.mark.slow('kills a service')
def test_a_service_that_is_away_for_a_while(data: Path) -> None:
    """It is killed while we wait and watch: both say so once, go on, and get the answer."""
    port = str(free_port())
    around = environment(f'http://127.0.0.1:{port}', new_key(data))
    with served_by_process(data, '--port', port) as service:
        asking = Running(around, *ASK, '--wait')
        asking.until(lambda: asking.err and asking.err[-1].endswith('open'))
        token = asking.err[0].removeprefix('asked: ')
        watch = Running(around, 'watch', token)
        watch.until(lambda: watch.out)
        service.serving.kill()
        asking.until(lambda: asking.err[-1].endswith('trying again'))
        watch.until(lambda: watch.err)
    with served(data, '--port', port) as service:
        Operator(service).answer('here I am')
        assert (asking.ended(), watch.ended()) == (0, 0)
    assert 'here I am' in '\n'.join(asking.out) and watch.out[-1].endswith('here I am')
    assert watch.err[0].endswith('trying again') and watch.err[1] == 'spark: the service is back'
    assert sum('trying again' in line for line in asking.err + watch.err) == 2


def test_a_feed_that_fails_while_the_service_answers(data: Path) -> None:
    """The last word is not that something is wrong."""
    key = new_key(data)
    with served(data) as service, without_feed(service.url, 502) as url:
        around = environment(url, key)
        token = spark(around, *ASK).stdout.strip()
        with running(around, 'watch', token) as watch:
            watch.until(lambda: watch.err)
            Operator(service).answer('here I am')
            assert watch.ended() == 0
    assert watch.out[-1].endswith('here I am')
    assert watch.err[0].endswith('trying again')
    assert watch.err[1:] == ['spark: the service is back']


def test_only_one_robot(data: Path) -> None:
    """--robot-id needs the feed: without it, exit 2 rather than everything."""
    key = new_key(data)
    with served(data) as service, without_feed(service.url) as url:
        done = spark(environment(url, key), 'watch', '--robot-id', 'r2')
    assert done.returncode == 2 and 'change feed' in done.stderr
