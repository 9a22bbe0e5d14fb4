# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Operators are shown questions whose answer is known, but only while nobody waits for one."""

from __future__ import annotations

import json
import time

import pytest
from service_harness import DEADLINE_S, Caller, InProcess
from serving import command, printed
from test_next_question import next_of
from test_second_opinions import KEPT, answer, ask, put, stored


@pytest.fixture
def robot(service: InProcess) -> Caller:
    put(service, second_opinion_share=0.0, known_answers_share=0.5)
    return service.tenant()


def truth(service: InProcess, *arguments: str) -> str:
    return printed('truth', *arguments, '--data', str(service.settings.data))


def make_known(service: InProcess, robot: Caller, number: int = 1) -> list[str]:
    """Have somebody answer questions, and say that the answers are right."""
    teacher, tokens = service.operator(), []
    for _ in range(number):
        tokens.append(ask(robot))
        answer(teacher, next_of(teacher))
        assert truth(service, 'add', tokens[-1]) == f'{tokens[-1]}: added'
    service.clock.now += 60
    return tokens


def earn(service: InProcess, robot: Caller, person: Caller, number: int = 2) -> None:
    """Have a person answer real questions."""
    service.clock.now += 1
    for _ in range(number):
        ask(robot)
        answer(person, next_of(person))
    service.clock.now += 1


def test_they_come_at_their_rate_and_none_twice(service: InProcess, robot: Caller) -> None:
    tokens = make_known(service, robot, 2)
    person = service.operator()
    before = [robot.engagement(token) for token in tokens]
    assert next_of(person) == {'id': None}
    earn(service, robot, person, 1)
    assert next_of(person) == {'id': None}
    assert person.get('/console/api/queue').json()['check'] is False
    earn(service, robot, person, 1)
    assert person.get('/console/api/queue').json()['check'] is True
    shown = next_of(person)
    assert shown['id'] == 'check-1' and shown['age_s'] == 0
    assert answer(person, shown, shapes=[])['state'] == 'closed'
    [check] = stored(service)
    assert (check.kind, check.state, check.agreement) == ('known', 'closed', 0.0)
    assert json.loads(check.flags) == []
    assert [robot.engagement(token) for token in tokens] == before
    assert next_of(person) == {'id': None}
    earn(service, robot, person, 1)
    assert next_of(person) == {'id': None}
    earn(service, robot, person, 1)
    answer(person, next_of(person))
    assert [each.agreement for each in stored(service)] == [0.0, 1.0]
    earn(service, robot, person)
    assert next_of(person) == {'id': None}, 'there is no third one'


def test_only_while_nobody_waits(service: InProcess, robot: Caller) -> None:
    make_known(service, robot)
    person, other = service.operator(), service.operator()
    earn(service, robot, person)
    ask(robot)
    skipped = [person.get('/console/api/queue').json()['questions'][0]['id']]
    assert next_of(person, skipped=skipped) == {'id': None}
    # A filter leaves nobody waiting only in what is seen.
    assert next_of(person, program='other') == {'id': None}
    answer(other, next_of(other))
    shown = next_of(person)
    assert shown['id'] == 'check-1'
    ask(robot)
    queue = person.get('/console/api/queue').json()
    assert (queue['waiting'], queue['check']) == (1, False)
    real = next_of(person)
    assert real['id'] != 'check-1' and person.act(shown, 'release').status_code == 200
    assert stored(service) == [], 'it may be shown again'
    answer(person, real)
    assert next_of(person)['id'] == 'check-2'


def test_who_answered_or_skipped_it_is_not_shown_it(service: InProcess, robot: Caller) -> None:
    person = service.operator()
    token = ask(robot)
    answer(person, next_of(person))
    truth(service, 'add', token)
    service.clock.now += 1
    earn(service, robot, person)
    assert next_of(person) == {'id': None}
    other = service.operator()
    earn(service, robot, other)
    assert other.act(next_of(other), 'skip').status_code == 200
    assert next_of(other) == {'id': None} and stored(service) == []


def test_left_alone_it_is_free_again(service: InProcess, robot: Caller) -> None:
    make_known(service, robot)
    person = service.operator()
    earn(service, robot, person)
    shown = next_of(person)
    service.clock.now += service.settings.lease_s + 1
    end = time.monotonic() + DEADLINE_S
    while stored(service):
        assert time.monotonic() < end
    for call in ('heartbeat', 'claim', 'release'):
        assert person.act(shown, call).status_code == 404
    assert next_of(person)['id'] == 'check-2'


def test_the_command_says_what_is_known(service: InProcess, robot: Caller) -> None:
    data = str(service.settings.data)
    token = ask(robot)
    for action, given, why in (
        ('add', token, 'nobody has answered'), ('add', 'x', 'there is no question'),
        ('remove', token, 'no known answer'),
    ):  # fmt: skip
        done = command('truth', action, given, '--data', data)
        assert done.returncode == 1 and why in done.stderr
    first = service.operator()
    answer(first, next_of(first))
    truth(service, 'add', token)
    person = service.operator()
    earn(service, robot, person)
    answer(person, next_of(person), shapes=[KEPT], response='a cat')
    known, program, _, answered = truth(service, 'list').split('\t')
    assert (known, program, answered) == (token, 'cats', '1')
    said = json.loads(printed('check', 'list', '--data', data))
    assert said['token'] == token and said['answer']['response'] == 'a cat'
    assert (said['kind'], said['agreement'], said['flags']) == ('known', 1.0, [])
    assert truth(service, 'remove', token) == f'{token}: removed'
    assert truth(service, 'list') == ''


def test_without_a_share_the_command_says_so(service: InProcess) -> None:
    put(service)
    robot, person = service.tenant(), service.operator()
    token = ask(robot)
    answer(person, next_of(person))
    done = command('truth', 'add', token, '--data', str(service.settings.data))
    assert done.returncode == 0 and 'known_answers_share' in done.stderr
