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
    assert person.act(shown, 'release').status_code == 200
    real = queue['questions'][0]
    assert next_of(person, skipped=[real['id']]) == {'id': None}
    answer(person, next_of(person))
    assert person.get('/console/api/queue').json()['check'] is True
    assert next_of(person)['id'] == 'check-1', 'it was given back, not chosen anew'


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
    assert next_of(other) == {'id': None}
    assert other.act({'id': 'check-1'}, 'claim').status_code == 409


def test_left_alone_it_comes_back_to_the_same_operator(service: InProcess, robot: Caller) -> None:
    make_known(service, robot)
    person, other = service.operator(), service.operator()
    earn(service, robot, person)
    shown = next_of(person)
    leave_alone(service)
    for call in ('heartbeat', 'release'):
        assert person.act(shown, call).status_code == 409
    assert other.act(shown, 'claim').status_code == 409
    assert person.act(shown, 'claim').json()['mine'] is True
    leave_alone(service)
    assert next_of(person)['id'] == 'check-1' and next_of(other) == {'id': None}
    answer(person, shown)
    assert truth(service, 'list').endswith('\t1')


def leave_alone(service: InProcess) -> None:
    """Wait until a lease has ended."""
    service.clock.now += service.settings.lease_s + 1
    end = time.monotonic() + DEADLINE_S
    while stored(service)[0].state != 'returned':
        assert time.monotonic() < end


def test_given_back_or_skipped_it_counts_as_shown(service: InProcess, robot: Caller) -> None:
    tokens = make_known(service, robot, 4)
    person = service.operator()
    earn(service, robot, person, 8)
    first = next_of(person)
    for _ in range(3):
        assert person.act(first, 'release').status_code == 200
        assert next_of(person, skipped=[first['id']]) == {'id': None}
        assert next_of(person) == first
    assert person.act(first, 'skip').status_code == 200
    assert next_of(person) == {'id': None}
    earn(service, robot, person)
    second = next_of(person)
    assert second['id'] == 'check-2' and second['token'] in {*tokens} - {first['token']}
    assert person.act(second, 'release').status_code == 200
    truth(service, 'remove', second['token'])
    assert next_of(person) == {'id': None}, 'its answer is not known any more'


def test_the_name_of_a_program_cannot_steer_a_terminal(service: InProcess) -> None:
    robot, person = service.tenant(), service.operator()
    token = ask(robot, program_name='x\x1b[2J\nforged\tcats')
    answer(person, next_of(person))
    truth(service, 'add', token)
    assert truth(service, 'list').split('\t')[:2] == [token, 'x[2J forged cats']


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
