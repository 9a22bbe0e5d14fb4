# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Priority, deadline and withdrawal: who is answered first, and what nobody has to answer."""

from __future__ import annotations

from typing import Any

import pytest
from heat_harness import asker
from service_harness import Caller, InProcess, until

EXPIRED = {'Spark-Deadline': '10'}


def queue(service: InProcess, operator: Caller | None = None) -> list[dict[str, Any]]:
    """Return the lines of the queue."""
    seen = (operator or service.operator()).get('/console/api/queue').json()
    lines: list[dict[str, Any]] = seen['questions']
    return lines


def asked(caller: Caller, name: str, priority: int = 0, deadline_s: float | None = None) -> str:
    """Ask a question that can be told by its instructions; return its token."""
    headers = {'Spark-Priority': str(priority)}
    if deadline_s is not None:
        headers['Spark-Deadline'] = str(deadline_s)
    answer = caller.post('/v1/engagement', headers=headers, json={
        'content_location': 'https://images.invalid/a.jpg', 'instructions': name,
    })  # fmt: skip
    assert answer.status_code == 200, answer.text
    return str(answer.json()['token'])


def names(service: InProcess, operator: Caller | None = None) -> list[str]:
    return [line['instructions'] for line in queue(service, operator)]


def engagement(caller: Caller, token: str) -> dict[str, Any]:
    result: dict[str, Any] = caller.get(f'/v1/engagement/{token}').json()[0]
    return result


def test_priority_then_keys_in_turn_then_deadline_then_age(service: InProcess) -> None:
    one, other = service.tenant('one'), service.tenant('other')
    for number in range(3):
        asked(one, f'one {number}')
    asked(other, 'other, later', deadline_s=100)
    asked(other, 'other, sooner', deadline_s=50)
    asked(other, 'other, whenever')
    asked(one, 'urgent', priority=7)
    assert names(service) == [
        'urgent', 'other, sooner', 'one 0', 'other, later', 'one 1', 'one 2', 'other, whenever',
    ]  # fmt: skip


def test_a_key_that_was_served_waits_for_the_others(service: InProcess) -> None:
    """However old its questions are, and however young theirs."""
    one, other, operator = service.tenant('one'), service.tenant('other'), service.operator()
    for number in range(4):
        asked(one, f'one {number}')
    done = []
    for number in range(3):
        service.clock.now += 1
        asked(other, f'other {number}')
        first = queue(service, operator)[0]
        done.append(first['instructions'])
        service.clock.now += 1
        path = f'/console/api/questions/{first["id"]}'
        assert operator.post(f'{path}/claim').status_code == 200
        assert operator.post(f'{path}/answer', json={'shapes': []}).status_code == 200
    assert done == ['one 0', 'other 0', 'one 1']


def test_what_an_operator_has_counts_as_its_keys_turn(service: InProcess) -> None:
    one, other, operator = service.tenant('one'), service.tenant('other'), service.operator()
    for caller, name in ((one, 'one'), (other, 'other')):
        for number in range(2):
            asked(caller, f'{name} {number}')
    operator.post(f'/console/api/questions/{queue(service)[0]["id"]}/claim')
    free = [line['instructions'] for line in queue(service) if line['state'] == 'open']
    assert free == ['other 0', 'one 1', 'other 1'] or free == ['other 0', 'other 1', 'one 1']


def test_a_key_has_a_highest_priority(service: InProcess) -> None:
    modest, free = service.tenant('modest', max_priority=3), service.tenant('free')
    asked(modest, 'modest', priority=255)
    asked(free, 'free', priority=4)
    assert [(line['instructions'], line['priority']) for line in queue(service)] == [
        ('free', 4), ('modest', 3),
    ]  # fmt: skip


@pytest.mark.parametrize('name, value', [
    ('Spark-Priority', '256'), ('Spark-Priority', '-1'), ('Spark-Priority', '1.5'),
    ('Spark-Priority', ''), ('Spark-Priority', '00000000000256'), ('Spark-Priority', '٣'.encode()),
    ('Spark-Deadline', '0'), ('Spark-Deadline', '-1'), ('Spark-Deadline', 'nan'),
    ('Spark-Deadline', 'inf'), ('Spark-Deadline', '1e999'), ('Spark-Deadline', '2592001'),
    ('Spark-Deadline', 'soon'), ('Spark-Deadline', ''),
])  # fmt: skip
def test_what_is_no_priority_and_no_deadline_is_refused(
    service: InProcess, name: str, value: Any
) -> None:
    body = {'content_location': 'https://images.invalid/a.jpg', 'instructions': 'Look.'}
    refused = service.tenant('spark').post('/v1/engagement', headers={name: value}, json=body)
    assert refused.status_code == 400 and name in refused.json()['message']
    heat = asker(service).post(
        '/v1/requests/free-text', headers={name: value}, json={'instruction': 'Look.'}
    )
    assert heat.status_code == 400 and name in heat.json()['message']
    assert queue(service) == []


def test_past_its_deadline_an_engagement_is_closed_without_an_answer(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    cursor = robot.get('/v1/changes').json()['cursor']
    token, other = asked(robot, 'in time', deadline_s=10), asked(robot, 'whenever')
    assert queue(service)[0]['left_s'] == 10
    changes = robot.get('/v1/changes', params={'cursor': cursor, 'block': 0}).json()
    service.clock.now += 10
    until(robot, lambda: engagement(robot, token)['state'] == 'closed')
    closed = engagement(robot, token)
    assert closed['flags'] == ['flagged', 'expired']
    assert closed['response'] == '' and closed['annotations'] == []
    assert closed['confirmed_annotations'] == closed['removed_annotations'] == []
    assert names(service) == ['whenever'] and engagement(robot, other)['state'] == 'open'
    changes = robot.get('/v1/changes', params={'cursor': changes['cursor'], 'block': 5}).json()
    seen = [each['engagement'] for each in changes['changes']]
    assert [each['flags'] for each in seen if each['token'] == token] == [['flagged', 'expired']]
    refused = operator.post('/console/api/questions/1/claim')
    assert refused.status_code == 409 and 'in time' in refused.json()['message']


def test_past_its_deadline_a_heat_request_is_flagged(service: InProcess) -> None:
    robot = asker(service)
    made = robot.post(
        '/v1/requests/free-text', headers=EXPIRED, json={'instruction': 'Look.'}
    ).json()
    service.clock.now += 11
    over = robot.get(f'/v1/requests/{made["id"]}', params={'block': 20}).json()
    assert over['status'] == 'flagged' and over['crunchers'] == []
    assert over['cruncher_feedback'] == 'nobody answered in time'
    assert 'response' not in over


def test_who_has_it_open_is_told(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    asked(robot, 'late', deadline_s=10)
    withdrawn = asked(robot, 'withdrawn')
    for number, why in ((1, 'in time'), (2, 'withdrawn')):
        path = f'/console/api/questions/{number}'
        assert operator.post(f'{path}/claim').status_code == 200
        if number == 1:
            service.clock.now += 10
            until(robot, lambda: len(queue(service)) == 1)
        else:
            assert robot.send('DELETE', f'/v1/engagement/{withdrawn}').status_code == 200
        for call, body in (('heartbeat', {}), ('answer', {'shapes': []}), ('release', {})):
            refused = operator.post(f'{path}/{call}', json=body)
            assert refused.status_code == 409 and why in refused.json()['message']


def test_an_answer_in_time_stays_though_the_deadline_passes(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    token = asked(robot, 'quick', deadline_s=10)
    assert operator.post('/console/api/questions/1/claim').status_code == 200
    answer = {'shapes': [], 'response': 'yes'}
    assert operator.post('/console/api/questions/1/answer', json=answer).status_code == 200
    later = asked(robot, 'later', deadline_s=10)
    service.clock.now += 11
    until(robot, lambda: engagement(robot, later)['state'] == 'closed')
    closed = engagement(robot, token)
    assert closed['response'] == 'yes' and closed['flags'] == []
    withdrawn = robot.send('DELETE', f'/v1/engagement/{token}')
    assert withdrawn.json() == {'token': token, 'state': 'closed'}
    assert engagement(robot, token) == closed


def test_withdrawing(service: InProcess) -> None:
    """As often as one likes; each question of it; nobody else's."""
    robot, other = service.tenant('robot'), service.tenant('other')
    token = robot.ask(content_location=['https://images.invalid/a.jpg'] * 2)
    assert service.operator().post('/console/api/questions/1/claim').status_code == 200
    assert other.send('DELETE', f'/v1/engagement/{token}').status_code == 404
    assert robot.send('DELETE', '/v1/engagement/nothing').status_code == 404
    assert len(queue(service)) == 1
    for _ in range(2):
        withdrawn = robot.send('DELETE', f'/v1/engagement/{token}')
        assert withdrawn.json() == {'token': token, 'state': 'closed'}
    assert queue(service) == []
    for each in robot.get(f'/v1/engagement/{token}').json():
        assert each['state'] == 'closed' and each['flags'] == ['flagged', 'canceled']
        assert each['response'] == '' and each['annotations'] == [] and each['sequence'] <= 3


def test_no_person_can_say_that_nobody_answered(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    asked(robot, 'a question')
    operator.post('/console/api/questions/1/claim')
    for word in ('expired', 'canceled'):
        for call, body in (('flag', {'reason': 'so'}), ('answer', {'shapes': []})):
            path = f'/console/api/questions/1/{call}'
            assert operator.post(path, json={**body, 'flags': [word]}).status_code == 400


def test_a_repeated_request_may_have_less_time_left(service: InProcess) -> None:
    """What is left of a robot's time is no part of what it asks."""
    robot = service.tenant()
    body = {'content_location': 'https://images.invalid/a.jpg', 'instructions': 'Look.'}
    tokens = [
        robot.post('/v1/engagement', json=body, headers={
            'Idempotency-Key': 'k', 'Spark-Deadline': seconds,
        }).json()['token']
        for seconds in ('10', '5.5')
    ]  # fmt: skip
    assert tokens[0] == tokens[1] and queue(service)[0]['left_s'] == 10


def test_the_scripted_operator_takes_the_most_urgent_first(make_service: Any) -> None:
    """Also of what comes while it answers."""
    service = make_service(operator='scripted', operator_delay_s=0.3)
    robot = service.tenant()
    cursor = robot.get('/v1/changes').json()['cursor']
    for number in range(4):
        asked(robot, f'low {number}')
    urgent = asked(robot, 'urgent', priority=9)
    closed: list[str] = []

    def read(block: int) -> None:
        nonlocal cursor
        found = robot.get('/v1/changes', params={'cursor': cursor, 'block': block}).json()
        cursor = found['cursor']
        seen = [each['engagement'] for each in found['changes']]
        closed.extend(each['token'] for each in seen if each['state'] == 'closed')

    read(block=0)
    # That many were answered before the urgent one was there, and one was being answered.
    before = len(closed)
    while len(closed) < 5:
        read(block=20)
    assert urgent in closed[: before + 2]
