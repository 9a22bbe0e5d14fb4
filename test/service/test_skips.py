# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A skipped question goes to somebody else, with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from service_harness import Caller, InProcess, held
from test_next_question import next_of

from spark_ros.service.operators import statistics_api
from spark_ros.service.spark import programs
from spark_ros.service.storage.skips import SKIPPED_FOR_S

REASON = 'The lens is <b>wet</b>; ask who knows nets.'


def line(person: Caller) -> dict[str, Any]:
    [found] = person.get('/console/api/queue').json()['questions']
    assert isinstance(found, dict)
    return found


def test_who_skipped_it_is_not_given_it_next(service: InProcess) -> None:
    robot, one, other = service.tenant(), service.operator(), service.operator()
    token = robot.ask()
    asked = one.claim_first()
    assert other.act(asked, 'skip', reason='not mine').status_code == 409
    assert one.act(asked, 'skip', reason=f' {REASON} ').json() == {'state': 'open'}
    assert robot.engagement(token)['state'] == 'open'
    assert line(one)['skipped'] is True and line(other)['skipped'] is False
    # Nobody else is there: it comes back after a while.
    service.clock.now += SKIPPED_FOR_S
    assert line(one)['skipped'] is False
    with held(service, 'somebody who has not seen it'):
        assert line(one)['skipped'] is True
    # The next one sees why.
    [skip] = other.claim_first()['skips']
    assert (skip['reason'], skip['mine']) == (REASON, False)
    # An own choice is still possible.
    assert other.act(asked, 'release').status_code == 200
    assert one.claim_first()['skips'][0]['mine'] is True


def test_skipped_by_all_who_are_there_it_comes_back(service: InProcess) -> None:
    robot, one = service.tenant(), service.operator()
    robot.ask()
    [session] = one.get('/console/api/sessions').json()['sessions']
    assert session['this']
    assert one.act(one.claim_first(), 'skip').status_code == 200
    service.clock.now += SKIPPED_FOR_S
    assert line(one)['skipped'] is False


@pytest.mark.parametrize('reason', [7, ['x'], 'x' * 2001])
def test_a_reason_that_is_none_is_refused(service: InProcess, reason: Any) -> None:
    robot, one = service.tenant(), service.operator()
    token = robot.ask()
    refused = one.act(one.claim_first(), 'skip', reason=reason)
    assert refused.status_code == 400
    assert robot.engagement(token)['state'] == 'assigned'


def test_the_statistics_count_reasons(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics_api, 'KEPT_S', 0.0)
    robot, one, other = service.tenant(), service.operator(), service.operator()
    robot.ask(program_name='nets')
    for person in (one, other):
        assert person.act(person.claim_first(), 'skip', reason=REASON).status_code == 200
    found = one.get('/console/api/statistics?hours=24').json()['skipped']
    assert found == [{'program': 'nets', 'reason': REASON, 'count': 2}]


def test_a_skipped_check_is_no_reason(service: InProcess) -> None:
    program = programs.Program('?', second_opinion_share=1.0)
    service.context.store.write_now(programs.put, 'nets', program, service.clock())
    robot, *people = service.tenant(), *(service.operator() for _ in range(3))
    robot.ask(program_name='nets')
    for person, act in zip(people, ('skip', 'answer', 'skip'), strict=True):
        service.clock.now += 1
        given = {'shapes': [], 'response': 'no'} if act == 'answer' else {'reason': act}
        assert person.act(next_of(person), act, **given).status_code == 200
    found = people[0].get('/console/api/statistics?hours=24').json()['skipped']
    assert found == [{'program': 'nets', 'reason': 'skip', 'count': 1}]


def test_a_program_has_reasons_to_flag(service: InProcess) -> None:
    robot, one = service.tenant(), service.operator()
    program = programs.parse('instructions: x\nflag_reasons: [" fog ", night]')
    service.context.store.write_now(programs.put, 'nets', program, service.clock())
    robot.ask(program_name='nets')
    assert one.claim_first()['flag_reasons'] == ['fog', 'night']
    with pytest.raises(programs.ProgramError, match='flag_reasons'):
        programs.parse(f'instructions: x\nflag_reasons: {["x"] * 21}')
