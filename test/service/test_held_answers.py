# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An answer can be taken back for as long as its program says, and is then sent in any case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from service_harness import (
    DEADLINE_S,
    Caller,
    InProcess,
    box,
    log_in,
    prior,
    question,
    served_by_process,
    until,
)
from serving import printed

from spark_ros.service.spark import programs
from spark_ros.service.storage import schema

GRACE_S = 5.0
CAT = prior('cat', 0.1, 0.1, 0.4, 0.4)


@pytest.fixture
def robot(service: InProcess) -> Caller:
    program = programs.Program('Find cats', grace_s=GRACE_S)
    service.context.store.write_now(programs.put, 'cats', program, service.clock())
    return service.tenant()


@pytest.fixture
def person(service: InProcess) -> Caller:
    return service.operator()


def ask(robot: Caller, **more: Any) -> str:
    answer = robot.post(
        '/v1/engagement', json=question(program_name='cats', priors={'annotations': [CAT]}),
        **more,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return str(answer.json()['token'])


def hold(person: Caller) -> dict[str, Any]:
    """Answer the first question, and return it."""
    asked = person.claim_first()
    answer = person.act(asked, 'answer', shapes=[], response='no cat')
    assert answer.json() == {'state': 'assigned', 'held_s': GRACE_S}
    return asked


def test_it_is_sent_when_its_time_has_come(
    service: InProcess, robot: Caller, person: Caller
) -> None:
    token = ask(robot)
    cursor = robot.get('/v1/changes').json()['cursor']
    asked = hold(person)
    # For longer than a lease, which does not end meanwhile.
    assert robot.engagement(token)['state'] == 'assigned'
    found = person.get('/console/api/queue').json()
    assert found['held'] == [{'id': asked['id'], 'left_s': GRACE_S}]
    assert found['answered'] == 1 and found['questions'][0]['mine'] is False
    service.clock.now += GRACE_S
    until(robot, lambda: robot.engagement(token)['state'] == 'closed')
    assert robot.engagement(token)['response'] == 'no cat'
    changes = robot.get('/v1/changes', params={'cursor': cursor}).json()['changes']
    assert [each['engagement']['state'] for each in changes] == ['closed']
    found = person.get('/console/api/queue').json()
    assert found['held'] == [] and found['answered'] == 1
    late = person.act(asked, 'undo')
    assert late.status_code == 409 and 'is sent' in late.json()['message']


def test_taken_back_it_is_answered_anew(
    service: InProcess, robot: Caller, person: Caller
) -> None:
    token = ask(robot)
    asked = hold(person)
    assert service.operator().act(asked, 'undo').status_code == 409
    again = person.act(asked, 'undo')
    assert again.status_code == 200 and again.json()['mine'] is True
    assert again.json()['lease_s'] == service.settings.lease_s
    service.clock.now += GRACE_S
    assert person.act(asked, 'heartbeat').status_code == 200
    assert robot.engagement(token)['state'] == 'assigned'
    body = {'shapes': [{'prior': 0, 'label': 'cat', 'vertices': box(0.1, 0.1, 0.4, 0.4)}]}
    assert person.act(asked, 'answer', **body).json()['held_s'] == GRACE_S
    service.clock.now += GRACE_S
    until(robot, lambda: robot.engagement(token)['state'] == 'closed')
    assert robot.engagement(token)['confirmed_annotations'] == [CAT]


def test_nothing_but_undoing_touches_it(robot: Caller, person: Caller) -> None:
    ask(robot)
    asked = hold(person)
    for call in ('claim', 'heartbeat', 'release', 'skip'):
        refused = person.act(asked, call)
        assert refused.status_code == 409, call
        assert 'about to be sent' in refused.json()['message']
    again = person.act(asked, 'flag', reason='second thoughts')
    assert again.status_code == 409


def test_a_flag_is_held_back_too(service: InProcess, robot: Caller, person: Caller) -> None:
    token = ask(robot)
    asked = person.claim_first()
    assert person.act(asked, 'flag', reason='fog').json()['held_s'] == GRACE_S
    service.clock.now += GRACE_S
    until(robot, lambda: robot.engagement(token)['state'] == 'closed')
    assert robot.engagement(token)['feedback'] == 'fog'


def test_withdrawal_wins(service: InProcess, robot: Caller, person: Caller) -> None:
    token = ask(robot)
    asked = hold(person)
    assert robot.send('DELETE', f'/v1/engagement/{token}').status_code == 200
    other = ask(robot)
    service.clock.now += GRACE_S - 1
    hold(person)
    service.clock.now += GRACE_S
    until(robot, lambda: robot.engagement(other)['state'] == 'closed')
    assert robot.engagement(token)['flags'] == ['flagged', 'canceled']
    assert robot.engagement(token)['response'] == ''
    refused = person.act(asked, 'undo')
    assert refused.status_code == 409


def test_it_is_sent_before_the_deadline(
    service: InProcess, robot: Caller, person: Caller
) -> None:
    token = ask(robot, headers={'Spark-Deadline': '4'})
    asked = person.claim_first()
    held_s = person.act(asked, 'answer', shapes=[], response='none').json()['held_s']
    assert 0 < held_s < 4
    service.clock.now += held_s
    until(robot, lambda: robot.engagement(token)['state'] == 'closed')
    assert robot.engagement(token)['response'] == 'none'
    # With no time left it is sent at once.
    token = ask(robot, headers={'Spark-Deadline': '1'})
    asked = person.claim_first()
    assert person.act(asked, 'answer', shapes=[]).json() == {'state': 'closed', 'held_s': 0}
    assert robot.engagement(token)['state'] == 'closed'


def test_it_is_never_sent_past_the_deadline(
    service: InProcess, robot: Caller, person: Caller
) -> None:
    token = ask(robot, headers={'Spark-Deadline': '20'})
    hold(person)
    # As after a service was away for so long.
    service.clock.now += 21
    until(robot, lambda: robot.engagement(token)['state'] == 'closed')
    found = robot.engagement(token)
    assert found['flags'] == ['flagged', 'expired'] and found['response'] == ''


def test_a_question_without_grace_is_closed_at_once(
    service: InProcess, robot: Caller, person: Caller
) -> None:
    token = robot.ask()
    asked = person.claim_first()
    answer = person.act(asked, 'answer', shapes=[], response='x')
    assert answer.json() == {'state': 'closed', 'held_s': 0}
    assert robot.engagement(token)['state'] == 'closed'
    assert not service.context.store.read_now(
        lambda connection: connection.execute(schema.held_answers.select()).all()
    )


@pytest.mark.parametrize('grace', ['no', '-1', '61', 'true', '.nan'])
def test_a_grace_that_is_none_is_refused(grace: str) -> None:
    with pytest.raises(programs.ProgramError, match='grace_s'):
        programs.parse(f'instructions: x\ngrace_s: {grace}')


def test_killed_in_between_it_is_sent_by_the_next_process(data: Path) -> None:
    """The operator was told that it is stored, and nobody is there when it is due."""
    file = data.with_name('cats.yaml')
    file.write_text('instructions: Find cats\ngrace_s: 2\n')
    where = ('--data', str(data))
    printed('program', 'set', 'cats', '--file', str(file), *where)
    key = printed('key', 'create', 'killed', *where)
    with served_by_process(data, key=key) as service:
        token = _ask_and_hold(service.url, service.login, service.headers)
        service.serving.kill()
    with (
        served_by_process(data, key=key) as service,
        # A call of `until` may wait for longer than a client does by default.
        httpx.Client(base_url=service.url, headers=service.headers, timeout=DEADLINE_S) as http,
    ):
        path = f'/v1/engagement/{token}'
        until(http, lambda: http.get(path).json()[0]['state'] == 'closed')
        assert http.get(path).json()[0]['response'] == 'no cat'


def _ask_and_hold(url: str, login: str, headers: dict[str, str]) -> str:
    with httpx.Client(base_url=url, timeout=DEADLINE_S) as console:
        asked = console.post(
            '/v1/engagement', json=question(program_name='cats'), headers=headers
        )
        log_in(console, login)
        console.headers['X-Requested-With'] = 'console'
        [line] = console.get('/console/api/queue').json()['questions']
        path = f'/console/api/questions/{line["id"]}'
        assert console.post(f'{path}/claim').status_code == 200
        body = {'shapes': [], 'response': 'no cat'}
        answer = console.post(f'{path}/answer', json=body)
        assert answer.json() == {'state': 'assigned', 'held_s': 2}
    return str(asked.json()['token'])
