# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`key create --rate N`: how much one key creates a minute is limited, and no other's."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
from heat_harness import ask, asker, post
from service_harness import DEADLINE_S, Caller, InProcess, picture, question, served
from serving import command, printed


def create(caller: Caller) -> httpx.Response:
    return caller.post('/v1/engagement', json=question())


def test_more_than_its_rate_is_answered_429(service: InProcess) -> None:
    robot = service.tenant(rate=30)
    statuses = [create(robot).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    refused = create(robot)
    assert refused.headers['retry-after'] == '2'
    assert 'may create 30 questions and uploads a minute' in refused.json()['message']
    service.clock.now += 2
    assert [create(robot).status_code for _ in range(2)] == [200, 429]
    # At most a minute's worth is saved up.
    service.clock.now += 3600
    assert [create(robot).status_code for _ in range(31)] == [200] * 30 + [429]


def test_another_key_is_not_touched(service: InProcess) -> None:
    robot, other, unlimited = (
        service.tenant('robot', rate=1), service.tenant('other', rate=2), service.tenant('third')
    )
    assert [create(robot).status_code for _ in range(3)] == [200, 429, 429]
    assert [create(other).status_code for _ in range(2)] == [200, 200]
    assert [create(unlimited).status_code for _ in range(5)] == [200] * 5


def test_uploads_count_and_reading_does_not(service: InProcess) -> None:
    robot = service.tenant(rate=2)
    token = robot.ask()
    robot.upload()
    files = {'image_file': ('a.jpg', picture())}
    for path in ('/v1/image', '/v1/video'):
        assert robot.post(path, files=files).status_code == 429
    for path in ('/v1/engagement', f'/v1/engagement/{token}', '/v1/changes'):
        assert robot.get(path).status_code == 200


def test_the_heat_api_has_it_too(service: InProcess) -> None:
    robot = Caller(service, {'X-Heat-API-Key': service.key('heat', api='heat', rate=1)})
    asked = ask(robot, 'free-text')
    assert post(robot, 'rating').status_code == 429
    assert robot.get(f'/v1/requests/{asked["id"]}').status_code == 200
    assert robot.post(f'/v1/tasks/abort/{asked["id"]}').status_code == 200
    assert ask(asker(service, 'another'), 'free-text')['status'] == 'pending'


def test_a_clock_that_is_set_back_locks_nobody_out(service: InProcess) -> None:
    robot = service.tenant(rate=60)
    for _ in range(60):
        create(robot)
    service.clock.now -= 7200
    assert create(robot).status_code == 429
    service.clock.now += 1
    assert create(robot).status_code == 200


def test_it_is_set_on_the_command_line_and_reaches_a_running_service(data: Path) -> None:
    place = ('--data', str(data))
    key = printed('key', 'create', 'robot', '--rate', '1', *place)
    assert printed('key', 'list', *place).endswith('\t1 a minute')
    with (
        served(data, key=key) as service,
        httpx.Client(base_url=service.url, headers=service.headers, timeout=DEADLINE_S) as http,
    ):
        def statuses() -> list[int]:
            return [
                http.post('/v1/engagement', json=question()).status_code for _ in range(2)
            ]

        assert statuses() == [200, 429]
        assert printed('key', 'rate', 'robot', '0', *place) == 'robot: no limit'
        # A running service looks at its keys once a second.
        end = time.monotonic() + DEADLINE_S
        while statuses() != [200, 200]:
            assert time.monotonic() < end
    assert printed('key', 'list', *place).endswith('\tno limit')
    assert printed('key', 'rate', 'robot', '90', *place) == 'robot: 90 a minute'
    assert command('key', 'rate', 'robot', 'x', *place).returncode == 2
    assert command('key', 'rate', 'nobody', '1', *place).returncode == 1
