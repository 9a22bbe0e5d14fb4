# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's rules at their edges: keys, tenants, statuses, aborting, idempotency, limits."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest
from heat_harness import ANSWERS, ask, asker, body, is_error, post, seen
from service_harness import Caller, InProcess, picture, question

from spark_ros.wire.heat import TYPES

ID = '44647b6f-b033-4788-9ee2-9d7aa5cb0158'
DAY_S = 86_400


def basic(user: str, password: str = '') -> str:
    return 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()


# `K` stands for the key, `O` for another one of the Heat API, `S` for one of SparkAI.
@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ({'X-Heat-API-Key': 'K'}, 200),
        ({'x-heat-api-key': ' K '}, 200),
        ({'X-Crunch-API-Key': 'K'}, 200),
        ({'Authorization': 'basic K'}, 200),
        ({'X-Heat-API-Key': 'K', 'X-Crunch-API-Key': 'K', 'Authorization': 'basic K'}, 200),
        ({'X-Heat-API-Key': '', 'X-Crunch-API-Key': 'K'}, 200),
        ({}, 401),
        ({'X-Heat-API-Key': ''}, 401),
        ({'X-Heat-API-Key': 'wrong'}, 401),
        ({'X-Heat-API-Key': 'S'}, 401),
        ({'Authorization': 'Bearer K'}, 401),
        ({'Authorization': 'Basic !'}, 401),
        ({'Authorization': 'Basic'}, 401),
        ({'Authorization': 'Basic /w=='}, 401),
        ({'X-Heat-API-Key': 'K', 'X-Crunch-API-Key': 'O'}, 401),
        ({'X-Heat-API-Key': 'K', 'X-Crunch-API-Key': 'wrong'}, 401),
        ({'X-Heat-API-Key': 'K', 'Authorization': 'basic O'}, 401),
        ({'X-Crunch-API-Key': 'O', 'Authorization': 'basic K'}, 401),
    ],
)
def test_keys(service: InProcess, headers: dict[str, str], status: int) -> None:
    keys = {
        'K': service.key('robot', api='heat'),
        'O': service.key('other', api='heat'),
        'S': service.key('spark'),
    }

    def said(value: str) -> str:
        if value.startswith('basic '):
            return basic(keys[value[-1]], 'ignored')
        return value.replace(value.strip(), keys.get(value.strip(), value.strip()))

    answer = service.send(
        'POST', '/v1/requests/free-text', json=body('free-text'),
        headers={name: said(value) for name, value in headers.items()},
    )
    assert answer.status_code == status, answer.text
    if status == 401:
        assert is_error(answer, 401)
        # A browser that did not send Basic must not be made to ask for a password.
        sent = headers.get('Authorization', '').lower().startswith('basic')
        said = answer.headers['www-authenticate']
        assert said == ('Basic realm="heat", charset="UTF-8"' if sent else 'Bearer')


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        *(('POST', f'/v1/requests/{kind}') for kind in TYPES),
        ('GET', f'/v1/requests/{ID}'), ('DELETE', f'/v1/requests/{ID}'),
        ('POST', f'/v1/tasks/abort/{ID}'),
    ],
)  # fmt: skip
def test_each_endpoint_wants_a_key(service: InProcess, method: str, path: str) -> None:
    assert is_error(service.send(method, path), 401)
    spark = {'X-Heat-API-Key': service.key('spark')}
    assert is_error(service.send(method, path, headers=spark), 401)


def test_a_heat_key_hosts_images_but_asks_nothing_of_sparkai(service: InProcess) -> None:
    key, other = service.key('robot', api='heat'), asker(service, 'other')
    for headers in (
        {'Authorization': f'Bearer {key}'}, {'X-Heat-API-Key': key},
        {'X-Crunch-API-Key': key}, {'Authorization': basic(key)},
    ):  # fmt: skip
        hosting = Caller(service, headers)
        url = hosting.upload()['url']
        assert hosting.get(url).content == picture()
        assert is_error(hosting.post('/v1/engagement', json=question()), 401)
        assert is_error(hosting.get('/v1/engagement'), 401)
        assert service.send('GET', url).status_code == 401
        assert other.get(url).status_code == 404


@pytest.mark.parametrize('kind', TYPES)
def test_from_pending_to_complete(service: InProcess, kind: str) -> None:
    robot, operator = asker(service), service.operator()
    given = body(
        kind, hook_url='http://192.0.2.1/hook', exclude_crunchers=['0' * 16], own={'any': [1]},
        id='mine', status='complete', response='mine', crunchers=['mine'], type='mine',
    )  # fmt: skip
    made = robot.post(f'/v1/requests/{kind}', json=given).json()
    kept = set(given) - {'id', 'status', 'response', 'crunchers', 'type'}
    assert made == {
        **{name: given[name] for name in kept},
        'id': made['id'], 'status': 'pending', 'type': kind, 'crunchers': [], 'sequence': 1,
        'date_created': '2023-11-14T22:13:20.000Z',
    }  # fmt: skip
    shown = operator.claim_first()
    assert seen(robot, made['id'])['status'] == 'pending'
    service.clock.now += 60
    operator.act(shown, 'claim')
    answered = operator.act(shown, 'answer', response=ANSWERS[kind])
    assert answered.status_code == 200, answered.text
    over = seen(robot, made['id'])
    assert (over['status'], over['response']) == ('complete', ANSWERS[kind])
    assert over['sequence'] > made['sequence']
    assert over['date_closed'] == '2023-11-14T22:14:20.000Z'
    assert len(over['crunchers']) == 1
    assert {name: over[name] for name in kept} == {name: given[name] for name in kept}


def test_flagged_with_the_reason(service: InProcess) -> None:
    robot, operator = asker(service), service.operator()
    made = ask(robot, 'rating')
    operator.act(operator.claim_first(), 'flag', reason=' too dark ')
    over = seen(robot, made['id'])
    assert (over['status'], over['cruncher_feedback']) == ('flagged', 'too dark')
    assert 'response' not in over
    assert len(over['crunchers']) == 1
    assert is_error(robot.post(f'/v1/tasks/abort/{made["id"]}'), 400)


@pytest.mark.parametrize(
    ('kind', 'wrong', 'said'),
    [
        ('free-text', {'instruction': None}, 'instruction'),
        ('free-text', {'instruction': ' '}, 'instruction'),
        ('free-text', {'validation': 'date'}, 'validation'),
        ('free-text', {'attachments_type': 'smell'}, 'attachments_type'),
        ('free-text', {'attachments_type': 'image', 'attachments': ['x.jpg']}, 'attachments[0]'),
        ('free-text', {'hook_url': 'ftp://a'}, 'hook_url'),
        ('free-text', {'exclude_crunchers': 'x'}, 'exclude_crunchers'),
        ('multiple-choice', {'choices': None}, 'choices'),
        ('multiple-choice', {'choices': ['a', 'a']}, 'choices'),
        ('multiple-choice', {'min_answers': 4}, 'min_answers'),
        ('multiple-choice', {'min_answers': 2, 'max_answers': 1}, 'min_answers'),
        ('rating', {'rating_max': 0}, 'rating_max'),
        ('rating', {'rating_step': 0}, 'rating_step'),
        ('annotations', {'attachments': None}, 'attachments'),
        ('annotations', {'annotations_type': 'circle'}, 'annotations_type'),
        ('annotations', {'max_annotations': -1}, 'max_annotations'),
        ('annotations-with-rating', {'per_annotation': None}, 'per_annotation'),
        ('annotations-with-free-text', {'per_annotation': {}}, 'per_annotation.instruction'),
    ],
)
@pytest.mark.parametrize('test', [False, True], ids=['real', 'staging'])
def test_a_request_that_makes_no_sense_is_400(
    service: InProcess, kind: str, wrong: dict[str, Any], said: str, test: bool
) -> None:
    answer = post(asker(service, test=test), kind, **wrong)
    assert is_error(answer, 400)
    assert said in answer.json()['message']


@pytest.mark.parametrize('content', [b'', b'[', b'[]', b'"a"', b'{"instruction": NaN}'])
def test_a_body_that_is_no_object_is_400(service: InProcess, content: bytes) -> None:
    assert is_error(asker(service).post('/v1/requests/free-text', content=content), 400)


def test_limits(make_service: Callable[..., InProcess]) -> None:
    service = make_service(json_limit=2000, open_limit=2)
    robot, staging = asker(service), asker(service, 'staging', test=True)
    assert is_error(post(robot, 'free-text', instruction='x' * 3000), 413)
    for _ in range(2):
        ask(robot, 'free-text')
    for _ in range(4):
        ask(staging, 'free-text')
    refused = post(robot, 'free-text')
    assert is_error(refused, 429)
    assert int(refused.headers['retry-after']) > 0
    assert ask(asker(service, 'other'), 'free-text')['status'] == 'pending'


def test_what_is_not_there_is_404(service: InProcess) -> None:
    robot, other = asker(service), asker(service, 'other')
    id = ask(robot, 'free-text')['id']
    for caller, each in ((other, id), (robot, ID), (robot, 'free-text'), (robot, '%00')):
        assert is_error(caller.get(f'/v1/requests/{each}'), 404)
        assert is_error(caller.get(f'/v1/requests/{each}?block=1'), 404)
        assert is_error(caller.post(f'/v1/tasks/abort/{each}'), 404)
        assert is_error(caller.send('DELETE', f'/v1/requests/{each}'), 404)
    assert is_error(robot.post('/v1/requests/smell', json=body('free-text')), 404)
    assert is_error(robot.get('/v1/staged/other.png'), 404)
    assert seen(robot, id)['status'] == 'pending'


@pytest.mark.parametrize('method', ['POST', 'DELETE'])
def test_aborting(service: InProcess, method: str) -> None:
    robot, operator = asker(service), service.operator()

    def abort(id: str) -> Any:
        path = f'/v1/tasks/abort/{id}' if method == 'POST' else f'/v1/requests/{id}'
        return robot.send(method, f'{path}?block=30')

    waiting, claimed, complete = (ask(robot, 'free-text')['id'] for _ in range(3))
    shown = [operator.post(f'/console/api/questions/{at}/claim').json() for at in (2, 3)]
    operator.act(shown[1], 'answer', response='done')
    for _ in range(2):
        for id in (waiting, claimed):
            answer = abort(id)
            assert (answer.status_code, answer.json()) == (200, {'success': True})
            assert seen(robot, id)['status'] == 'aborted'
        assert is_error(abort(complete), 400)
    assert seen(robot, complete)['status'] == 'complete'
    assert seen(robot, waiting)['date_closed']
    assert operator.get('/console/api/queue').json()['questions'] == []
    for action, more in (
        ('answer', {'response': 'late'}), ('heartbeat', {}), ('flag', {'reason': 'late'}),
        ('claim', {}), ('release', {}),
    ):  # fmt: skip
        late = operator.act(shown[0], action, **more)
        assert is_error(late, 409)
        assert 'aborted' in late.json()['message']


def test_abort_and_answer_race_and_one_of_them_wins(service: InProcess) -> None:
    robot, operator = asker(service), service.operator()

    async def race(id: str, number: int) -> list[int]:
        async with service.client() as http:
            answers = await asyncio.gather(
                http.post(
                    f'/console/api/questions/{number}/answer', json={'response': 'x'},
                    headers=operator.headers,
                ),
                http.post(f'/v1/tasks/abort/{id}', headers=robot.headers),
            )
        return [answer.status_code for answer in answers]

    for _ in range(10):
        id = ask(robot, 'free-text')['id']
        number = operator.claim_first()['id']
        won = service.do(race(id, number))
        assert (won, seen(robot, id)['status']) in (
            ([200, 400], 'complete'), ([409, 200], 'aborted'),
        )  # fmt: skip


def test_the_same_request_twice_is_one(service: InProcess) -> None:
    robot, other, operator = asker(service), asker(service, 'other'), service.operator()
    said = {'Idempotency-Key': 'once'}
    first = ask(robot, 'free-text', headers=said)
    assert ask(robot, 'free-text', headers=said)['id'] == first['id']
    assert ask(other, 'free-text', headers=said)['id'] != first['id']
    assert is_error(post(robot, 'free-text', headers=said, validation='number'), 409)
    assert is_error(post(robot, 'image', headers=said), 409)
    assert is_error(post(robot, 'free-text', headers={'Idempotency-Key': ''}), 400)
    operator.act(operator.claim_first(), 'answer', response='done')
    again = ask(robot, 'free-text', '?block=1', headers=said)
    assert (again['id'], again['response']) == (first['id'], 'done')
    service.clock.now += 7 * DAY_S + 1
    assert ask(robot, 'free-text', headers=said)['id'] != first['id']


def test_aborts_have_idempotency_keys_too(service: InProcess) -> None:
    robot = asker(service)
    one, two = (ask(robot, 'free-text')['id'] for _ in range(2))
    said = {'Idempotency-Key': 'abort'}
    for _ in range(2):
        answer = robot.post(f'/v1/tasks/abort/{one}', headers=said)
        assert answer.json() == {'success': True}
    assert is_error(robot.post(f'/v1/tasks/abort/{two}', headers=said), 409)
    assert seen(robot, two)['status'] == 'pending'
