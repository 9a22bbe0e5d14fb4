# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""From the queue to the answer: claims, leases, and what an answer says of the priors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from service_harness import URL, InProcess, box, picture, prior

from spark_ros.model import CorrectionKind
from spark_ros.wire.annotations import parse_annotation
from spark_ros.wire.spark import parse_engagement

CAT = prior('cat', 0.1, 0.1, 0.4, 0.4, metadata={'score': 0.4, 'deep': {'ä': [1]}}, image_idx=0)
DOG = {'label': 'dog', 'type': 'bounding_box', 'vertices': [
    {'x': '0.9', 'y': '0.9'}, {'x': '0.5', 'y': '0.5'},
]}  # fmt: skip
OWL = prior('owl', 0.6, 0.1, 0.9, 0.3)


def test_the_final_shapes_say_what_became_of_each_prior(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    token = robot.ask(priors={'annotations': [CAT, DOG, OWL]}, metadata={'robot_id': 'r1'})
    question = operator.claim_first()
    assert [each['index'] for each in question['priors']] == [0, 1, 2]
    assert question['priors'][1]['vertices'] == box(0.5, 0.5, 0.9, 0.9)
    answered = operator.act(
        question,
        'answer',
        response='one is a fox',
        flags=['interesting'],
        shapes=[
            {'prior': 0, 'label': 'fox', 'vertices': box(0.1, 0.1, 0.4, 0.4)},
            {'prior': 1, 'label': 'dog', 'vertices': box(0.5, 0.5, 0.9, 0.9)},
            {'prior': None, 'label': 'ant', 'type': 'dot', 'vertices': [{'x': 0.5, 'y': 0.2}]},
        ],
    )
    assert answered.status_code == 200, answered.text
    found = robot.engagement(token)
    assert found['state'] == 'closed'
    assert found['response'] == 'one is a fox'
    assert found['flags'] == ['interesting']
    assert found['metadata'] == {'robot_id': 'r1'}
    assert found['annotations'] == [
        {
            'original_annotation': CAT,
            'label': 'fox',
            'type': 'bounding_box',
            'vertices': box(0.1, 0.1, 0.4, 0.4),
            'metadata': CAT['metadata'],
            'image_idx': 0,
        },
        {'label': 'ant', 'type': 'dot', 'vertices': [{'x': 0.5, 'y': 0.2}]},
    ]
    assert found['confirmed_annotations'] == [DOG]
    assert found['removed_annotations'] == [OWL]
    asked = [parse_annotation(each, 'prior') for each in (CAT, DOG, OWL)]
    kinds = [each.kind for each in parse_engagement(found).answer(asked).corrections]
    assert kinds == [
        CorrectionKind.MODIFIED, CorrectionKind.CONFIRMED, CorrectionKind.REMOVED,
        CorrectionKind.ADDED,
    ]


@pytest.mark.parametrize(
    ('body', 'said'),
    [
        ({}, 'shapes'),
        ({'shapes': {}}, 'shapes'),
        ({'shapes': [7]}, 'shapes[0]'),
        ({'shapes': [{'prior': 1, 'label': 'a', 'vertices': box(0, 0, 1, 1)}]}, 'shapes[0].prior'),
        ({'shapes': [{'prior': True, 'label': 'a', 'vertices': box(0, 0, 1, 1)}]}, '.prior'),
        ({'shapes': [{'prior': 0, 'label': 'a', 'vertices': box(0, 0, 1, 1)}] * 2}, 'twice'),
        ({'shapes': [{'prior': 0, 'label': 'a', 'vertices': box(0, 0, 2, 1)}]}, 'vertices'),
        ({'shapes': [{'label': 7, 'vertices': box(0, 0, 1, 1)}]}, 'label'),
        ({'shapes': [], 'response': 7}, 'response'),
        ({'shapes': [], 'flags': 'x'}, 'flags'),
        ({'shapes': [], 'flags': ['flagged']}, 'reserved'),
        ({'shapes': [], 'flags': ['x'] * 21}, 'flags'),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(
    service: InProcess, body: dict[str, Any], said: str
) -> None:
    robot, operator = service.tenant(), service.operator()
    token = robot.ask(priors={'annotations': [CAT]})
    question = operator.claim_first()
    answer = operator.act(question, 'answer', **body)
    assert answer.status_code == 400
    assert said in answer.json()['message']
    assert robot.engagement(token)['state'] == 'assigned'


def test_each_image_has_its_own_priors_and_answer(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    first, second, both = (
        prior('first', 0, 0, 0.5, 0.5, image_idx=0),
        prior('second', 0, 0, 0.5, 0.5, image_idx=1),
        prior('both', 0, 0, 0.5, 0.5),
    )
    token = robot.ask(
        content_location=[f'{URL}/1.jpg', f'{URL}/2.jpg'],
        priors={'annotations': [first, second, both]},
    )
    assert [
        each['priors'] for each in operator.get('/console/api/queue').json()['questions']
    ] == [4]
    question = operator.claim_first()
    assert question['image_count'] == 2
    assert [image['image']['source'] for image in question['images']] == [
        f'{URL}/1.jpg', f'{URL}/2.jpg',
    ]
    assert [[each['index'] for each in image['priors']] for image in question['images']] == [
        [0, 2], [1, 2],
    ]
    [job] = robot.get(f'/v1/job/{token}').json()
    assert [each['state'] for each in job['engagements']] == ['assigned'] * 2
    new = {'prior': None, 'label': 'x', 'type': 'dot', 'vertices': [{'x': 0, 'y': 0}]}
    ids = [image['id'] for image in question['images']]
    images = [{'id': ids[1], 'shapes': [new]}, {'id': ids[0], 'shapes': []}]
    for wrong in ([], images[:1], [*images, {'id': 99, 'shapes': []}], [7]):
        assert operator.act(question, 'answer-images', images=wrong).status_code == 400
    assert operator.act(question, 'answer', shapes=[]).status_code == 400
    answered = operator.act(question, 'answer-images', images=images, response='both')
    assert answered.status_code == 200, answered.text
    [job] = robot.get(f'/v1/job/{token}').json()
    assert job['state'] == 'closed'
    assert job['date_closed']
    one, two = job['engagements']
    assert [one['response'], two['response']] == ['both', 'both']
    assert one['removed_annotations'] == [first, both]
    assert two['removed_annotations'] == [second, both]
    assert two['annotations'][0]['image_idx'] == 1
    queue = operator.get('/console/api/queue').json()
    assert queue['questions'] == [] and queue['held'] == []
    counts = [queue[name] for name in ('waiting', 'all', 'excluded', 'answered')]
    assert counts == [0, 0, 0, 1]


def test_states_and_sequence(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    token = robot.ask()
    seen = [robot.engagement(token)]
    question = operator.claim_first()
    seen.append(robot.engagement(token))
    operator.act(question, 'release')
    seen.append(robot.engagement(token))
    operator.claim_first()
    assert operator.act(question, 'flag', reason='too dark').status_code == 200
    seen.append(robot.engagement(token))
    assert [each['state'] for each in seen] == ['open', 'assigned', 'open', 'closed']
    sequences = [each['sequence'] for each in seen]
    assert sequences == sorted(set(sequences))
    assert seen[-1]['flags'] == ['flagged']
    assert seen[-1]['feedback'] == 'too dark'
    assert seen[-1]['confirmed_annotations'] == seen[-1]['removed_annotations'] == []
    for action, body in (
        ('claim', {}), ('heartbeat', {}), ('release', {}),
        ('answer', {'shapes': []}), ('flag', {'reason': 'again'}),
    ):  # fmt: skip
        assert operator.act(question, action, **body).status_code == 409
    assert robot.engagement(token) == seen[-1]


def test_a_flag_needs_a_reason(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    robot.ask()
    question = operator.claim_first()
    for reason in (None, '', '  ', 7):
        assert operator.act(question, 'flag', reason=reason).status_code == 400


def test_one_question_has_one_operator(service: InProcess) -> None:
    robot, one, two = service.tenant(), service.operator(), service.operator()
    robot.ask()
    question = one.claim_first()
    assert two.act(question, 'claim').status_code == 409
    assert two.act(question, 'answer', shapes=[]).status_code == 409
    assert one.act(question, 'claim').status_code == 200
    mine = [
        caller.get('/console/api/queue').json()['questions'][0]['mine'] for caller in (one, two)
    ]
    assert mine == [True, False]


def test_many_claim_at_once_and_one_gets_it(service: InProcess) -> None:
    service.tenant().ask()
    operators = [service.operator() for _ in range(8)]
    path = '/console/api/questions/1/claim'

    async def all_at_once() -> list[int]:
        async with service.client() as http:
            answers = await asyncio.gather(
                *(http.post(path, headers=operator.headers) for operator in operators)
            )
        return sorted(answer.status_code for answer in answers)

    assert service.do(all_at_once()) == [200] + [409] * 7


def test_a_lease_ends_without_a_heartbeat(service: InProcess) -> None:
    robot, one, two = service.tenant(), service.operator(), service.operator()
    token = robot.ask()
    question = one.claim_first()
    assert 0 < question['lease_s'] <= 30
    service.clock.now += 29
    assert one.act(question, 'heartbeat').json() == {'lease_s': 30}
    service.clock.now += 29
    assert two.act(question, 'claim').status_code == 409
    service.clock.now += 2
    assert two.act(question, 'claim').status_code == 200
    assert one.act(question, 'answer', shapes=[]).status_code == 409
    assert two.act(question, 'answer', shapes=[]).status_code == 200
    assert robot.engagement(token)['state'] == 'closed'


def test_an_expired_lease_goes_back_to_open_by_itself(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    token = robot.ask()
    operator.claim_first()

    async def next_change() -> str:
        with service.context.bus.subscribe() as changes:
            service.clock.now += 31
            change = await changes.next()
            assert change is not None
            return change.state

    assert service.do(next_change()) == 'open'
    assert robot.engagement(token)['state'] == 'open'


def test_the_console_is_for_operators_only(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    robot.ask()
    for path in ('queue', 'questions/1', 'events'):
        assert robot.get(f'/console/api/{path}').status_code == 401
    claim = '/console/api/questions/1/claim'
    cookie = {'Cookie': operator.headers['Cookie']}
    assert service.send('POST', claim, headers=cookie).status_code == 403
    elsewhere = operator.post(claim, headers={'Origin': 'https://evil.test'})
    assert elsewhere.status_code == 403
    assert operator.post(claim, headers={'Origin': 'null'}).status_code == 403
    assert operator.post(claim, headers={'Origin': URL}).status_code == 200
    assert operator.get('/console/api/questions/99').status_code == 404
    assert operator.get('/console/api/questions/x').status_code == 404
    assert operator.get('/console/api/questions/99999999999999999999999').status_code == 404


def test_the_console_loads_own_images_and_no_others(service: InProcess) -> None:
    robot, other, operator = service.tenant(), service.tenant('other'), service.operator()
    own = robot.upload(picture())['url']
    robot.ask(content_location=[own, 'http://elsewhere.test/a.jpg?x=1'])
    other.ask(content_location=own)
    lines = operator.get('/console/api/queue').json()['questions']
    second = operator.act(lines[0], 'claim').json()['images'][1]
    shown = [each['image'] for each in (*lines, second)]
    assert [each['source'] for each in shown[1:]] == [own, 'http://elsewhere.test/a.jpg?x=1']
    assert [each['url'] for each in shown[1:]] == [None, None]
    assert own == URL + shown[0]['url']
    assert operator.get(shown[0]['url']).content == picture()
    assert service.send('GET', shown[0]['url']).status_code == 401


def test_labels_and_instructions_come_from_the_program(
    make_service: Callable[..., InProcess],
) -> None:
    from spark_ros.service.spark import programs

    service = make_service()
    service.context.store.write_now(
        lambda transaction: programs.put(
            transaction, 'crates', programs.Program('Find crates', ('crate',), ()), 1.0
        )
    )
    robot, operator = service.tenant(), service.operator()
    robot.ask(program_name='crates', instructions=None)
    robot.ask(program_name='crates', instructions='Other', priors={'label_set': ['box']})
    robot.ask(program_name='unknown')
    seen = []
    for _ in range(3):
        question = operator.claim_first()
        shown = ('program_known', 'instructions', 'label_options')
        seen.append([question[name] for name in shown])
    assert seen == [
        [True, 'Find crates', ['crate']], [True, 'Other', ['box']],
        [False, 'What is there?', []],
    ]  # fmt: skip
