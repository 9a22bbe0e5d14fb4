# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who is checked finds out neither who answered first nor of which kind the check is."""

from __future__ import annotations

from typing import Any

import pytest
from service_harness import Caller, InProcess
from test_known_answers import earn, make_known
from test_next_question import next_of
from test_second_opinions import answer, ask, people, put

__all__ = ['people']


def queue_of(person: Caller, **wanted: str) -> dict[str, Any]:
    found: dict[str, Any] = person.get('/console/api/queue', params=wanted).json()
    return found


@pytest.mark.parametrize('program', [
    {'second_opinion_wait': True}, {'grace_s': 9.0, 'second_opinion_share': 0.0},
], ids=['waits', 'grace'])  # fmt: skip
def test_a_held_answer_is_in_nobody_elses_queue(
    service: InProcess, people: list[Caller], program: dict[str, Any]
) -> None:
    put(service, **program)
    (one, two), robot = people, service.tenant()
    ask(robot)
    first = next_of(one)
    taken = queue_of(two)['questions'][0]
    assert (taken['state'], taken['holder']) == ('assigned', first['holder'])
    assert answer(one, first)['state'] == 'assigned'

    seen = queue_of(two)
    assert (seen['questions'], seen['waiting'], seen['all']) == ([], 0, 0)
    assert queue_of(two, program='cats')['waiting'] == 0
    groups = two.get('/console/api/queue/groups').json()
    assert groups == {'programs': [], 'robots': []}
    by_id = two.get(f'/console/api/questions/{first["id"]}').json()
    assert (by_id['state'], by_id['holder']) == ('assigned', None)

    [own] = queue_of(one)['questions']
    assert (own['id'], own['state'], own['mine']) == (first['id'], 'assigned', False)
    assert own['holder'] == first['holder'] and queue_of(one)['waiting'] == 1
    groups = one.get('/console/api/queue/groups').json()
    assert groups['programs'] == [{'name': 'cats', 'waiting': 1}]
    ask(robot)
    assert [each['id'] for each in queue_of(one)['questions']] == [1, 2]
    assert [each['id'] for each in queue_of(two)['questions']] == [2]
    assert queue_of(two)['waiting'] == 1


def test_given_back_both_kinds_look_the_same(service: InProcess, people: list[Caller]) -> None:
    one, two = people
    robot = service.tenant()
    put(service, second_opinion_share=0.0, known_answers_share=0.5)
    make_known(service, robot)
    earn(service, robot, two)
    known = looks(two, service)
    put(service)
    ask(robot)
    answer(one, next_of(one))
    assert looks(two, service) == known


def looks(person: Caller, service: InProcess) -> list[Any]:
    """Have a person give a check back, and return what they are told of it meanwhile."""
    check = next_of(person)
    path = f'/console/api/questions/{check["id"]}'
    told: list[Any] = [person.get(path).status_code, service.operator().get(path).status_code]
    told.append(person.act(check, 'release').json())
    told += [person.get(path).json(), queue_of(person)['check']]
    for call in ('heartbeat', 'release', 'answer', 'upload'):
        refused = person.act(check, call, shapes=[])
        told += [refused.status_code, refused.json()['message']]
    told.append(next_of(person) == check)
    person.act(check, 'release')
    told.append(person.act(check, 'claim').json() == check)
    told.append(answer(person, check))
    told.append(person.get(path).json()['state'])
    assert told[:2] == [200, 404] and told[-3:-1] == [True, {'state': 'closed', 'held_s': 0}]
    return told
