# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The service's log has a line for each step of a question, after the commit."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from heat_harness import ask, asker
from service_harness import DEADLINE_S, Caller, InProcess, log_in, question, served_by_process
from serving import free_port
from webhook_receiver import Receiver

LOGGER = 'spark_ros.service.questions'


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, LOGGER)
    return caplog


def asked_by(robot: Caller, id: str, **body: Any) -> str:
    """Ask under an id, and return the token."""
    answer = robot.post(
        '/v1/engagement', json=question(**body),
        headers={'Idempotency-Key': id, 'Spark-Robot-Id': 'rover'},
    )  # fmt: skip
    assert answer.status_code == 200
    return str(answer.json()['token'])


def test_a_life(service: InProcess, told: pytest.LogCaptureFixture) -> None:
    robot, person = service.tenant(), service.operator()
    cursor = robot.get('/v1/changes').json()['cursor']
    token = asked_by(robot, 'a-1', program_name='crates')
    assert asked_by(robot, 'a-1', program_name='crates') == token
    person.act(person.claim_first(), 'release')
    person.act(person.claim_first(), 'answer', shapes=[], response='a crate')
    robot.get(f'/v1/changes?cursor={cursor}')
    head = f'question=a-1 token={token} robot=rover state='
    assert lines(told) == [
        f'{head}created number=1 program=crates',
        f'{head}claimed number=1 program=crates',
        f'{head}released number=1 program=crates',
        f'{head}claimed number=1 program=crates',
        f'{head}answered number=1 program=crates',
        f'{head}delivered number=1 by=feed told=closed',
    ]


def test_a_flagged_one_and_a_heat_one(service: InProcess, told: pytest.LogCaptureFixture) -> None:
    person = service.operator()
    asked_by(service.tenant(), 'a-1')
    person.act(person.claim_first(), 'flag', reason='dark')
    heat = asker(service, 'heat')
    made = ask(heat, 'free-text')
    heat.post(f'/v1/tasks/abort/{made["id"]}')
    states = [re.search(r'state=(\w+)', line)[1] for line in lines(told)]
    assert states == ['created', 'claimed', 'flagged', 'created', 'aborted']
    assert lines(told)[-1].startswith(f'question=- token={made["id"]} robot=- state=aborted')


def test_webhooks(
    make_service: Callable[..., InProcess], told: pytest.LogCaptureFixture
) -> None:
    service = make_service(
        allow_nets=('127.0.0.0/8',), refused_ports=(), webhook_schedule_s=(0.0, 0.01)
    )
    robot, person = service.tenant(), service.operator()
    with Receiver() as receiver:
        token = asked_by(robot, 'a-1', webhook_url=receiver.url())
        receiver.wait_count(1)
        person.act(person.claim_first(), 'answer', shapes=[], response='a crate')
        receiver.wait(lambda got: [each.body['state'] for each in got][-1:] == ['closed'])
        until(service, told, 'state=delivered')
    head = f'question=a-1 token={token} robot=rover state='
    assert f'{head}pushed number=1 by=webhook told=open' in lines(told)
    assert f'{head}delivered number=1 by=webhook told=closed' in lines(told)
    asked_by(robot, 'a-2', webhook_url=f'http://127.0.0.1:{free_port()}/hook')
    until(service, told, 'state=not_pushed')
    service.clock.now += 1
    until(service, told, 'state=given_up')
    assert 'error="ConnectError' in lines(told)[-1]


def until(service: InProcess, told: pytest.LogCaptureFixture, text: str) -> None:
    """Call the service until its log has a text."""
    end = time.monotonic() + DEADLINE_S
    while not any(text in line for line in lines(told)):
        assert time.monotonic() < end, lines(told)
        service.send('GET', '/healthz')


def test_nobody_writes_lines_into_the_log(
    service: InProcess, told: pytest.LogCaptureFixture
) -> None:
    asked_by(service.tenant(), 'a state=answered', program_name='x\nforged=1 \x1b[31m\u202e')
    [line] = lines(told)
    assert line.startswith('question="a state=answered" token=')
    assert line.endswith(r'program="x\nforged=1 \u001b[31m\u202e"')


def test_json(data: Path, key: str) -> None:
    with served_by_process(data, '--log-format', 'json', '--verbose', key=key) as service:
        with httpx.Client(base_url=service.url) as console:
            log_in(console, service.login)
        asked = httpx.post(
            f'{service.url}/v1/engagement', json=question(program_name='a\nb'),
            headers={**service.headers, 'Idempotency-Key': 'a-1', 'Spark-Robot-Id': 'rover'},
        )  # fmt: skip
        assert service.serving.stop() == 0
        log = service.log.read_text()
    records = [json.loads(line) for line in log.splitlines()]
    assert records and all(
        {'time', 'level', 'logger', 'message'} <= record.keys() for record in records
    )
    [created] = [record for record in records if record['logger'] == LOGGER]
    token = asked.json()['token']
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', created.pop('time'))
    assert created == {
        'level': 'INFO', 'logger': LOGGER, 'question': 'a-1', 'token': token, 'robot': 'rover',
        'state': 'created', 'number': 1, 'program': 'a\nb',
        'message': f'question=a-1 token={token} robot=rover state=created number=1 '
        r'program="a\nb"',
    }  # fmt: skip
    assert key not in log and service.login.split('=')[1] not in log


def test_an_exception_is_one_line_of_json() -> None:
    script = (
        'import logging\nfrom spark_ros.cli.service_log import set_up_log\n'
        'set_up_log("json", False)\n'
        'try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception("no")\n'
    )
    said = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, timeout=DEADLINE_S,
        check=True,
    )  # fmt: skip
    [line] = said.stderr.splitlines()
    record = json.loads(line)
    assert record['level'] == 'ERROR' and 'ZeroDivisionError' in record['exception']
