# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which check is the next: what was withdrawn is none, and keys take turns."""

from __future__ import annotations

import json

import pytest
from service_harness import URL, Caller, InProcess
from serving import printed
from test_next_question import next_of
from test_second_opinions import KEPT, answer, ask, people, put, stored

from spark_ros.service.storage import checks

__all__ = ['people']


def test_what_was_withdrawn_is_passed_over_and_can_be_given_back(
    service: InProcess, people: list[Caller]
) -> None:
    put(service, second_opinion_wait=True)
    (one, two), robot = people, service.tenant()
    token = ask(robot)
    answer(one, next_of(one))
    put(service)
    ask(robot)
    answer(one, next_of(one))
    withdrawn = next_of(two)
    assert withdrawn['token'] == token
    assert robot.send('DELETE', f'/v1/engagement/{token}').status_code == 200
    assert next_of(two)['id'] == 'check-2'
    assert two.act(withdrawn, 'answer', shapes=[]).status_code == 409
    assert two.act(withdrawn, 'release').json() == {'state': 'open'}
    assert two.act(withdrawn, 'claim').status_code == 409
    assert next_of(two, skipped=['check-2']) == {'id': None}


def test_keys_take_turns(service: InProcess, people: list[Caller]) -> None:
    put(service)
    one, two = people
    robots = [service.tenant(name) for name in ('a', 'b')]
    for robot in (*robots[:1] * 3, robots[1]):
        ask(robot)
        answer(one, next_of(one))
        service.clock.now += 1
    given = [next_of(two)]
    while given[-1]['id'] is not None:
        answer(two, given[-1])
        service.clock.now += 1
        given.append(next_of(two))
    # Of each key the oldest one first.
    assert [each.get('tenant') for each in given] == ['a', 'b', 'a', 'a', None]


def test_a_key_has_so_many_at_most_and_takes_none_from_others(
    service: InProcess, people: list[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, 'MOST_OPEN', 3)
    put(service)
    one, two = people
    robots = [service.tenant(name) for name in ('a', 'b')]
    ask(robots[1])
    answer(one, next_of(one))
    for _ in range(4):
        ask(robots[0])
        answer(one, next_of(one))
    assert [each.id for each in stored(service)] == [1, 3, 4, 5]
    for _ in range(2):
        ask(robots[1], content_location=[f'{URL}/1.jpg', f'{URL}/2.jpg'])
        asked = next_of(one)
        said = [{'id': each['id'], 'shapes': [KEPT]} for each in asked['images']]
        assert one.act(asked, 'answer-images', images=said).status_code == 200
    # Of several images, all or none.
    assert [each.id for each in stored(service)] == [3, 4, 5, 8, 9]
    assert next_of(two)['tenant'] == 'a'


def test_a_robot_that_waits_loses_no_second_opinion(
    service: InProcess, people: list[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, 'MOST_OPEN', 1)
    put(service, second_opinion_wait=True)
    (one, two), robot = people, service.tenant()
    tokens = [ask(robot) for _ in range(2)]
    for _ in tokens:
        answer(one, next_of(one))
    for _ in tokens:
        answer(two, next_of(two))
    assert [robot.engagement(token)['state'] for token in tokens] == ['closed'] * 2


def test_a_flag_is_named_once(service: InProcess, people: list[Caller]) -> None:
    put(service, second_opinion_wait=True)
    (one, two), robot = people, service.tenant()
    token = ask(robot)
    answer(one, next_of(one), flags=['interesting'])
    answer(two, next_of(two), shapes=[], flags=['interesting'])
    assert robot.engagement(token)['flags'] == ['interesting']
    said = json.loads(printed('check', 'list', '--data', str(service.settings.data)))
    assert said['flags'] == ['interesting']
