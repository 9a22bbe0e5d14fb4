# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The next question: claimed in the queue's order, by one operator, within their filter."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from heat_harness import ask, asker
from service_harness import URL, Caller, InProcess, log_in, served
from serving import printed
from test_live_queue import Robot

TWO = [f'{URL}/1.jpg', f'{URL}/2.jpg']


def next_of(operator: Caller, **asked: Any) -> Any:
    answer = operator.post('/console/api/next', json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids_of(operator: Caller, **asked: Any) -> list[int]:
    """Return what an operator is given until there is nothing more."""
    given, skipped = [], []
    while (id := next_of(operator, skipped=skipped, **asked)['id']) is not None:
        given.append(id)
        skipped.append(id)
    return given


def test_the_next_is_the_first_of_the_queue_that_is_free(service: InProcess) -> None:
    robot, one, two = service.tenant(), service.operator(), service.operator()
    for priority in ('0', '9', '5'):
        robot.send('POST', '/v1/engagement', headers={'Spark-Priority': priority}, json={
            'content_location': 'http://192.0.2.1/1.jpg', 'instructions': priority,
        })  # fmt: skip
    found = next_of(one)
    assert (found['instructions'], found['mine'], found['state']) == ('9', True, 'assigned')
    assert next_of(one)['id'] == found['id'], 'what one still has comes back first'
    assert next_of(two)['instructions'] == '5'
    assert next_of(one, skipped=[found['id']])['instructions'] == '0'
    assert next_of(two, skipped=[3]) == {'id': None}


def test_what_an_asker_keeps_from_an_operator_is_never_their_next(service: InProcess) -> None:
    heat, one, two = asker(service, 'heat'), service.operator(), service.operator()
    ask(heat, 'free-text')
    one.act(one.claim_first(), 'answer', response='x')
    [name] = heat.get('/v1/requests').json()[0]['crunchers']
    ask(heat, 'free-text', exclude_crunchers=[name])
    assert next_of(one) == {'id': None}
    assert next_of(two)['id'] == 2


def test_a_filter_holds_for_the_queue_its_counts_and_the_next(service: InProcess) -> None:
    robot, other, operator = service.tenant(), service.tenant('other'), service.operator()
    hostile = '<img src=x onerror=alert(1)>\'"; --'
    robot.ask(metadata={'robot_id': 'r1', 'camera': 'front'})
    robot.ask(metadata={'robot_id': 'r2'}, program_name=hostile)
    other.ask(content_location=TWO)
    lines = operator.get('/console/api/queue').json()['questions']
    assert {(line['robot'], line['camera'], line['image_count']) for line in lines} == {
        ('r1', 'front', 1), ('r2', '', 1), ('other', '', 2),
    }  # fmt: skip
    assert operator.get('/console/api/queue/groups').json() == {
        'programs': [{'name': '', 'waiting': 2}, {'name': hostile, 'waiting': 1}],
        'robots': [{'name': name, 'waiting': 1} for name in ('other', 'r1', 'r2')],
    }
    for asked, wanted in (
        ({'program': hostile}, [2]), ({'program': ''}, [1, 3]), ({'robot': 'other'}, [3]),
        ({'robot': 'r1', 'program': hostile}, []), ({'robot': 'r'}, []), ({}, [1, 2, 3]),
    ):  # fmt: skip
        seen = operator.get('/console/api/queue', params=asked).json()
        assert sorted(line['id'] for line in seen['questions']) == wanted
        assert (seen['waiting'], seen['all']) == (len(wanted), 3)
        assert sorted(ids_of(operator, **asked)) == wanted


@pytest.mark.parametrize('body', [
    {'skipped': ['1']}, {'skipped': [0]}, {'skipped': [True]}, {'skipped': 1},
    {'skipped': [1] * 1001}, {'program': 7}, {'robot': 'x' * 501}, {'robot': 'r\0'}, [],
])  # fmt: skip
def test_what_is_no_wish_for_a_next_question_is_refused(service: InProcess, body: Any) -> None:
    operator = service.operator()
    assert operator.post('/console/api/next', json=body).status_code == 400


def test_all_images_of_a_question_are_one_operators(service: InProcess) -> None:
    robot, one, two = service.tenant(), service.operator(), service.operator()
    token = robot.ask(content_location=TWO)

    def states() -> list[str]:
        [job] = robot.get(f'/v1/job/{token}').json()
        return [each['state'] for each in job['engagements']]

    question = next_of(one)
    second = {'id': question['images'][1]['id']}
    assert two.act(second, 'claim').status_code == 409
    assert next_of(two) == {'id': None}
    service.clock.now += 20
    assert one.act(question, 'heartbeat').status_code == 200
    service.clock.now += 20
    assert two.act(second, 'claim').status_code == 409, 'each image has its lease renewed'
    assert one.act(question, 'release').status_code == 200
    assert states() == ['open', 'open']
    assert next_of(two)['id'] == question['id']
    assert one.act(question, 'flag', reason='dark').status_code == 409
    assert two.act(question, 'flag', reason='dark').status_code == 200
    assert states() == ['closed', 'closed']
    assert robot.engagement(token)['feedback'] == 'dark'


def test_a_lease_that_is_over_frees_all_images(service: InProcess) -> None:
    robot, one, two = service.tenant(), service.operator(), service.operator()
    robot.ask(content_location=TWO)
    question = next_of(one)
    service.clock.now += 31
    assert two.act(question, 'claim').status_code == 200
    answers = [{'id': image['id'], 'shapes': []} for image in question['images']]
    assert one.act(question, 'answer-images', images=answers).status_code == 409
    assert two.act(question, 'answer-images', images=answers).status_code == 200


@pytest.mark.slow('answers hundreds of questions')
@pytest.mark.postgresql('two at a time is what its row locks are for')
def test_two_who_race_for_200_questions_never_get_the_same(database: str, tmp_path: Path) -> None:
    with served(tmp_path) as service:
        robot = Robot(service, tmp_path)
        for number in range(200):
            robot.ask(f'question {number}')
        answered: list[list[int]] = [[], []]

        def work(which: int, console: httpx.Client) -> None:
            while True:
                found = console.post('/console/api/next', json={}).raise_for_status().json()
                if found['id'] is None:
                    return
                path = f'/console/api/questions/{found["id"]}/answer'
                body = {'shapes': [], 'response': 'yes'}
                console.post(path, json=body).raise_for_status()
                answered[which].append(found['id'])

        headers = {'X-Requested-With': 'console'}
        operators = [httpx.Client(base_url=service.url, headers=headers) for _ in range(2)]
        for each in operators:
            log_in(each, printed('login-link', '--data', str(tmp_path)))
        threads = [
            threading.Thread(target=work, args=each) for each in enumerate(operators)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert Counter(answered[0] + answered[1]) == Counter(range(1, 201))
        assert all(answered)
        seen = operators[0].get('/console/api/queue').json()
        assert (seen['waiting'], seen['answered']) == (0, len(answered[0]))
