# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark` asks until when, withdraws, and shows what ended by itself; the real service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from service_harness import Served, served
from spark_command import Operator, environment, new_key, spark

PICTURE = 'http://192.0.2.1/i.jpg'
BOTH = pytest.mark.parametrize('api', ['spark', 'heat'])


@dataclass(frozen=True)
class Place:
    """A service where only the test answers."""

    service: Served
    operator: Operator

    def caller(self, api: str) -> Caller:
        """Return somebody with a key of their own."""
        return Caller(environment(self.service.url, new_key(self.service.data, api), api))


@dataclass(frozen=True)
class Caller:
    around: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return spark(self.around, *arguments)

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run('ask', PICTURE, '--instructions', 'What is there?', *arguments)

    def state(self, token: str) -> str:
        """Return the state as `show` and `list` say it."""
        (shown,) = [
            line.split(None, 1)[1] for line in self.run('show', token).stdout.splitlines()
            if line.startswith('state')
        ]  # fmt: skip
        assert [
            line.split()[1] for line in self.run('list').stdout.splitlines() if token in line
        ] == [shown]
        return shown


@pytest.fixture(scope='module')
def place(
    shared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with served(tmp_path_factory.mktemp('in time') / 'data') as service:
        yield Place(service, Operator(service))


@BOTH
def test_what_nobody_answers_in_time_expires(place: Place, api: str) -> None:
    caller = place.caller(api)
    done = caller.ask('--deadline', '0.5', '--priority', '9', '--wait')
    assert done.returncode == 6, done.stderr
    lines = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert lines['state'] == 'expired' and 'ended' in lines and 'flags' not in lines
    token = lines['token']
    assert caller.state(token) == 'expired'
    watched = caller.run('watch', token)
    assert (watched.returncode, watched.stdout.split()[1:3]) == (0, ['expired', token])
    assert f'asked: {token}' in done.stderr and done.stderr.splitlines()[-1].endswith('expired')


@BOTH
def test_what_is_withdrawn_stays_withdrawn(place: Place, api: str) -> None:
    caller = place.caller(api)
    token = caller.ask().stdout.strip()
    over = 'canceled' if api == 'spark' else 'aborted'
    for _ in range(2):
        done = caller.run('withdraw', token)
        assert (done.returncode, done.stdout, done.stderr) == (0, f'{over}\n', '')
    assert caller.state(token) == over
    (plain,) = json.loads(caller.run('withdraw', token, '--json').stdout)
    assert plain['token'] == token
    waited = caller.run('watch', token)
    assert waited.stdout.split()[1] == over


@BOTH
def test_an_answer_is_not_withdrawn(place: Place, api: str) -> None:
    caller = place.caller(api)
    done = caller.ask(*(['--text'] if api == 'heat' else []))
    number = place.operator.claim()
    said = {'response': 'a crate', **({'shapes': []} if api == 'spark' else {})}
    place.operator.do(number, 'answer', **said)
    withdrawn = caller.run('withdraw', done.stdout.strip())
    state = 'closed' if api == 'spark' else 'complete'
    assert (withdrawn.returncode, withdrawn.stdout) == (0, f'{state}\n')


@BOTH
def test_what_is_anothers_is_not_withdrawn(place: Place, api: str) -> None:
    owner, other = place.caller(api), place.caller(api)
    token = owner.ask().stdout.strip()
    refused = other.run('withdraw', token)
    assert refused.returncode == 1 and '404' in refused.stderr
    assert owner.state(token) in ('open', 'pending')


@BOTH
def test_an_operator_with_the_same_words_has_flagged_it(place: Place, api: str) -> None:
    caller = place.caller(api)
    token = caller.ask().stdout.strip()
    place.operator.do(place.operator.claim(), 'flag', reason='nobody answered in time')
    assert caller.state(token) == 'flagged'
