# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A second operator answers some questions, too, and knows nothing of the first answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from heat_harness import ask as ask_heat
from heat_harness import asker
from service_harness import DEADLINE_S, URL, Caller, InProcess, held, prior, until
from sqlalchemy import select
from test_next_question import next_of

from spark_ros.service.spark import programs
from spark_ros.service.storage import schema
from spark_ros.service.storage.second_opinions import LONGEST_WAIT_S

CAT = prior('cat', 0.1, 0.1, 0.4, 0.4)
KEPT = {'prior': 0, 'label': 'cat', 'vertices': CAT['vertices']}
SECRET = 'the first answer'


@pytest.fixture
def people(service: InProcess) -> Iterator[list[Caller]]:
    """Two operators who have the console open."""
    with ExitStack() as stack:
        found = [service.operator(), service.operator()]
        for name in operators(service):
            stack.enter_context(held(service, name))
        yield found


def operators(service: InProcess) -> list[str]:
    query = select(schema.sessions.c.operator)
    return [*service.context.store.read_now(lambda each: each.execute(query).scalars().all())]


def put(service: InProcess, **fields: Any) -> None:
    program = programs.Program('Find cats', **{'second_opinion_share': 1.0, **fields})
    service.context.store.write_now(programs.put, 'cats', program, service.clock())


def ask(robot: Caller, deadline: str = '', **more: Any) -> str:
    body = {
        'content_location': f'{URL}/1.jpg', 'instructions': 'What is there?',
        'program_name': 'cats', 'priors': {'annotations': [CAT]}, **more,
    }  # fmt: skip
    headers = {'Spark-Deadline': deadline} if deadline else {}
    answer = robot.post('/v1/engagement', json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()['token'])


def answer(person: Caller, asked: dict[str, Any], **body: Any) -> dict[str, Any]:
    given = person.act(asked, 'answer', **({'shapes': [KEPT], 'response': SECRET} | body))
    assert given.status_code == 200, given.text
    said: dict[str, Any] = given.json()
    return said


def stored(service: InProcess) -> list[Any]:
    query = select(schema.checks).order_by(schema.checks.c.id)
    return [*service.context.store.read_now(lambda each: each.execute(query).all())]


def test_another_operator_gets_it_blind_and_the_robot_has_the_first_answer(
    service: InProcess, people: list[Caller]
) -> None:
    put(service)
    (one, two), robot = people, service.tenant()
    token = ask(robot, content_location=robot.upload()['url'])
    first = next_of(one)
    assert answer(one, first) == {'state': 'closed', 'held_s': 0}
    engagement = robot.engagement(token)
    assert (engagement['state'], engagement['response']) == ('closed', SECRET)
    assert next_of(one) == {'id': None} and next_of(one, again=True) == {'id': None}
    queue = two.get('/console/api/queue').json()
    assert (queue['questions'], queue['waiting'], queue['check']) == ([], 0, True)
    assert one.get('/console/api/queue').json()['check'] is False

    service.clock.now += 5
    second = next_of(two)
    assert second == {
        **first, 'id': 'check-1', 'created': second['created'], 'skips': [],
        'holder': second['holder'],
    }  # fmt: skip
    seen = two.get('/console/api/questions/check-1').json()
    assert SECRET not in json.dumps([seen, second, queue])
    service.clock.now += 7
    assert answer(two, second, shapes=[], response='nothing') == {'state': 'closed', 'held_s': 0}

    assert robot.engagement(token) == engagement
    [check] = stored(service)
    assert (check.kind, check.state, check.agreement) == ('second', 'closed', 0.0)
    assert check.answered - check.claimed == 7 and check.operator != operators(service)[0]
    assert json.loads(check.answer)['removed_annotations'] == [CAT]
    assert json.loads(check.flags) == ['interesting']
    assert two.get('/console/api/queue').json()['answered'] == 1
    assert next_of(two) == {'id': None}


def test_agreement_is_not_interesting(service: InProcess, people: list[Caller]) -> None:
    put(service)
    one, two = people
    ask(service.tenant())
    answer(one, next_of(one))
    answer(two, next_of(two))
    [check] = stored(service)
    assert (check.agreement, check.flags) == (1.0, '[]')


@pytest.mark.parametrize(
    ('said', 'flags'), [([], ['interesting']), ([KEPT], [])], ids=['differs', 'agrees']
)
def test_a_robot_that_waits_for_both_gets_the_first_answer(
    service: InProcess, people: list[Caller], said: list[Any], flags: list[str]
) -> None:
    put(service, second_opinion_wait=True)
    (one, two), robot = people, service.tenant()
    token = ask(robot)
    first = next_of(one)
    assert answer(one, first) == {'state': 'assigned', 'held_s': 0}
    assert robot.engagement(token)['state'] == 'assigned'
    assert one.act(first, 'undo').status_code == 409
    assert one.get('/console/api/queue').json()['held'] == []
    assert one.get('/console/api/queue').json()['answered'] == 1
    answer(two, next_of(two), shapes=said)
    found = robot.engagement(token)
    assert (found['state'], found['response'], found['flags']) == ('closed', SECRET, flags)
    assert found['confirmed_annotations'] == [CAT]


def test_nobody_blocks_a_robot_that_waits(service: InProcess, people: list[Caller]) -> None:
    put(service, second_opinion_wait=True)
    (one, two), robot = people, service.tenant()
    # The second one takes it and says nothing.
    token = ask(robot)
    answer(one, next_of(one))
    second = next_of(two)
    service.clock.now += LONGEST_WAIT_S - 1
    assert two.act(second, 'heartbeat').status_code == 200
    assert robot.engagement(token)['state'] == 'assigned'
    service.clock.now += 1
    until(robot, lambda: robot.engagement(token)['state'] == 'closed')
    assert robot.engagement(token)['flags'] == []
    answer(two, second, shapes=[])
    assert robot.engagement(token)['flags'] == []
    # The deadline is near.
    token = ask(robot, deadline='10')
    answer(one, next_of(one))
    service.clock.now += 9
    until(robot, lambda: robot.engagement(token)['state'] == 'closed')
    assert robot.engagement(token)['response'] == SECRET


def test_where_there_is_only_one_nothing_waits(service: InProcess) -> None:
    put(service, second_opinion_wait=True)
    robot, one = service.tenant(), service.operator()
    with held(service, operators(service)[0]):
        token = ask(robot)
        answer(one, next_of(one))
        assert robot.engagement(token)['state'] == 'closed'
        # Whoever comes later may still say what they see.
        assert next_of(service.operator())['id'] == 'check-1'


def test_a_withdrawal_wins(service: InProcess, people: list[Caller]) -> None:
    put(service, second_opinion_wait=True)
    (one, two), robot = people, service.tenant()
    token = ask(robot)
    answer(one, next_of(one))
    second = next_of(two)
    assert robot.send('DELETE', f'/v1/engagement/{token}').status_code == 200
    for call, body in (('heartbeat', {}), ('answer', {'shapes': []}), ('flag', {'reason': 'x'})):
        refused = two.act(second, call, **body)
        assert refused.status_code == 409 and 'withdrawn' in refused.json()['message'], call
    assert robot.engagement(token)['flags'] == ['flagged', 'canceled']
    assert next_of(service.operator()) == {'id': None}


def test_it_is_asked_for_when_the_answer_cannot_be_taken_back_any_more(
    service: InProcess, people: list[Caller]
) -> None:
    put(service, second_opinion_wait=True, grace_s=5.0)
    (one, two), robot = people, service.tenant()
    token = ask(robot)
    assert answer(one, next_of(one))['held_s'] == 5
    assert next_of(two) == {'id': None} and stored(service) == []
    service.clock.now += 5
    wait_for_check(two)
    assert robot.engagement(token)['state'] == 'assigned'
    answer(two, next_of(two), shapes=[])
    assert robot.engagement(token)['flags'] == ['interesting']


def wait_for_check(person: Caller) -> None:
    end = time.monotonic() + DEADLINE_S
    while not person.get('/console/api/queue').json()['check']:
        assert time.monotonic() < end


def test_given_back_skipped_and_left_alone_it_goes_to_others(
    service: InProcess, people: list[Caller]
) -> None:
    put(service)
    one, two = people
    three = service.operator()
    ask(service.tenant())
    answer(one, next_of(one))
    second = next_of(two)
    assert next_of(two)['id'] == second['id'], 'what one still has comes back first'
    assert next_of(three) == {'id': None}
    assert three.act(second, 'claim').status_code == 409
    assert three.act(second, 'answer', shapes=[]).status_code == 409
    assert two.act(second, 'release').json() == {'state': 'open'}
    assert one.act(second, 'claim').status_code == 409, 'who answered it'
    assert two.act(second, 'heartbeat').status_code == 409
    assert two.act(second, 'claim').json()['mine'] is True
    assert two.act(second, 'skip', reason='dark').json() == {'state': 'open'}
    assert next_of(two) == {'id': None}
    assert next_of(three, skipped=['check-1']) == {'id': None}
    third = next_of(three)
    service.clock.now += service.settings.lease_s + 1
    four = service.operator()
    wait_for_check(four)
    assert three.act(third, 'answer', shapes=[]).status_code == 409
    assert four.act(next_of(four), 'flag', reason='fog', flags=['dark']).status_code == 200
    [check] = stored(service)
    assert json.loads(check.flags) == ['flagged', 'dark', 'interesting']
    assert (check.feedback, check.answer, check.agreement) == ('fog', '{}', 0.0)


def test_a_question_that_nobody_could_answer_gets_none(
    service: InProcess, people: list[Caller]
) -> None:
    put(service)
    one, two = people
    ask(service.tenant())
    assert one.act(next_of(one), 'flag', reason='fog').status_code == 200
    assert next_of(two) == {'id': None}


def test_who_is_excluded_never_gets_it(service: InProcess, people: list[Caller]) -> None:
    put(service)
    heat, (one, two) = asker(service, program='cats'), people
    ask_heat(heat, 'free-text')
    one.act(next_of(one), 'answer', response='x')
    two.act(next_of(two), 'answer', response='x')
    [name] = heat.get('/v1/requests').json()[0]['crunchers']
    ask_heat(heat, 'free-text', exclude_crunchers=[name])
    assert next_of(one) == {'id': None}
    two.act(next_of(two), 'answer', response='x')
    assert next_of(one) == {'id': None}
    assert one.act({'id': 'check-2'}, 'claim').status_code == 409
    assert next_of(service.operator())['id'] == 'check-2'


def test_waiting_questions_come_first(service: InProcess, people: list[Caller]) -> None:
    put(service)
    (one, two), robot = people, service.tenant()
    ask(robot)
    answer(one, next_of(one))
    ask(robot)
    assert next_of(two)['id'] == 2
    assert two.get('/console/api/queue').json()['waiting'] == 1
    assert next_of(service.operator())['id'] == 'check-1'


def test_several_images_are_one_check(service: InProcess, people: list[Caller]) -> None:
    put(service, second_opinion_wait=True)
    (one, two), robot = people, service.tenant()
    token = ask(robot, content_location=[f'{URL}/1.jpg', f'{URL}/2.jpg'])
    first = next_of(one)
    said = {
        'images': [{'id': each['id'], 'shapes': [KEPT]} for each in first['images']],
        'response': SECRET,
    }
    assert one.act(first, 'answer-images', **said).status_code == 200
    second = next_of(two)
    assert [each['id'] for each in second['images']] == ['check-1', 'check-2']
    assert [each['priors'] for each in second['images']] == [
        each['priors'] for each in first['images']
    ]
    assert two.act(second, 'answer-images', **said).status_code == 400
    for id in ([], {}, None, 'check-3'):
        wrong = [{'id': id, 'shapes': []}]
        assert two.act(second, 'answer-images', images=wrong).status_code == 400
    shapes = [[KEPT], []]
    images = [
        {'id': each['id'], 'shapes': shape}
        for each, shape in zip(second['images'], shapes, strict=True)
    ]
    given = two.act(second, 'answer-images', images=images)
    assert given.status_code == 200, given.text
    # Three shapes, of which two are a pair.
    assert [check.agreement for check in stored(service)] == [pytest.approx(2 / 3)] * 2
    found = robot.get(f'/v1/engagement/{token}').json()
    assert [each['state'] for each in found] == ['closed', 'closed']
    assert all(each['flags'] == ['interesting'] for each in found)


def test_what_is_written_of_all_images_does_not_count_where_one_has_shapes(
    service: InProcess, people: list[Caller]
) -> None:
    put(service)
    robot = service.tenant()
    priors = {'annotations': [{**CAT, 'image_idx': 0}]}
    ask(robot, content_location=[f'{URL}/1.jpg', f'{URL}/2.jpg'], priors=priors)
    for person, response in zip(people, ('a cat', ''), strict=True):
        asked = next_of(person)
        first, second = (each['id'] for each in asked['images'])
        given = person.act(asked, 'answer-images', response=response, images=[
            {'id': first, 'shapes': [KEPT]}, {'id': second, 'shapes': []},
        ])  # fmt: skip
        assert given.status_code == 200, given.text
    assert [(each.agreement, each.flags) for each in stored(service)] == [(1.0, '[]')] * 2


def test_a_comparison_does_not_wait_for_large_json(
    service: InProcess, people: list[Caller]
) -> None:
    put(service)
    one, two = people
    ask(service.tenant())
    answer(one, next_of(one))
    asked, compared = next_of(two), threading.Event()
    reading = service.start(
        service.context.large_json.run('robot', compared.wait, DEADLINE_S / 2)
    )
    answer(two, asked)
    compared.set()
    assert reading.result(DEADLINE_S)


@pytest.mark.parametrize(('kind', 'first', 'second', 'agreement'), [
    ('multiple-choice', ['a'], ['a', 'b'], 0.5), ('free-text', 'x', ' X ', 1.0),
    ('rating', 10, 5, 0.5),
])  # fmt: skip
def test_every_kind_of_question_can_be_checked(
    service: InProcess, people: list[Caller], kind: str, first: Any, second: Any, agreement: Any
) -> None:
    put(service)
    heat, (one, two) = asker(service, program='cats'), people
    more = {'choices': ['a', 'b'], 'max_answers': 2} if kind == 'multiple-choice' else {}
    ask_heat(heat, kind, **more)
    assert one.act(next_of(one), 'answer', response=first).status_code == 200
    check = next_of(two)
    assert (check['id'], check['prompt']['kind']) == ('check-1', kind)
    given = two.act(check, 'answer', response=second)
    assert given.status_code == 200, given.text
    [row] = stored(service)
    assert json.loads(row.answer)['response'] == second
    assert row.agreement == agreement
    assert heat.get('/v1/requests').json()[0]['response'] == first


@pytest.mark.parametrize('name', ['check-0', 'check-x', 'check-9999999999', 'check-7', 'check-'])
def test_no_check(service: InProcess, name: str) -> None:
    person = service.operator()
    assert person.get(f'/console/api/questions/{name}').status_code == 404
    for call in ('claim', 'heartbeat', 'release', 'undo'):
        assert person.act({'id': name}, call).status_code in (404, 409)
    wrong = person.post('/console/api/next', json={'skipped': [name]})
    assert wrong.status_code == (200 if name == 'check-7' else 400)
