# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The data of the page of statistics."""

from __future__ import annotations

from typing import Any

import pytest
from service_harness import Caller, InProcess

from spark_ros.service.deliveries import MOST, Delivery, RecentDeliveries
from spark_ros.service.operators import statistics_api
from spark_ros.service.storage import statistics

HOUR_S = 3600


@pytest.fixture(autouse=True)
def read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_api, 'KEPT_S', 0.0)


@pytest.fixture
def robot(service: InProcess) -> Caller:
    return service.tenant()


@pytest.fixture
def person(service: InProcess) -> Caller:
    return service.operator()


def told(person: Caller, hours: int = 24) -> dict[str, Any]:
    answer = person.get(f'/console/api/statistics?hours={hours}')
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ask_and_answer(
    service: InProcess, robot: Caller, person: Caller, waiting_s: float, working_s: float,
    **body: Any,
) -> None:  # fmt: skip
    robot.ask(**body)
    service.clock.now += waiting_s
    asked = person.claim_first()
    service.clock.now += working_s
    assert person.act(asked, 'answer', shapes=[], response='a crate').status_code == 200


def test_the_parts_of_the_time_apart(service: InProcess, robot: Caller, person: Caller) -> None:
    cursor = robot.get('/v1/changes').json()['cursor']
    ask_and_answer(service, robot, person, 20, 5, program_name='crates')
    service.clock.now += 2
    robot.get(f'/v1/changes?cursor={cursor}')
    found = told(person)
    one = {
        phase: {'count': 1, 'p50': seconds, 'p95': seconds}
        for phase, seconds in (('waiting', 20), ('working', 5), ('delivery', 2))
    }
    assert found['total'] == one
    assert found['by_program'] == [{'program': 'crates', **one}]
    hour = service.clock.now // HOUR_S * HOUR_S
    assert found['by_hour'] == [{'at': hour, **one}]
    assert found['more_programs'] == 0
    assert found['since'] == found['now'] - 24 * HOUR_S


def test_waiting_ends_with_the_claim_that_led_to_the_answer(
    service: InProcess, robot: Caller, person: Caller
) -> None:
    robot.ask()
    service.clock.now += 10
    person.act(person.claim_first(), 'release')
    service.clock.now += 30
    asked = person.claim_first()
    service.clock.now += 4
    person.act(asked, 'answer', shapes=[], response='a crate')
    total = told(person)['total']
    assert (total['waiting']['p50'], total['working']['p50']) == (40, 4)
    assert total['delivery'] == {'count': 0}


def test_what_nobody_answered_is_left_out(
    service: InProcess, robot: Caller, person: Caller
) -> None:
    robot.ask()
    person.act(person.claim_first(), 'flag', reason='dark')
    robot.ask()
    assert told(person)['total']['waiting'] == {'count': 0}


def test_the_queue_over_time(service: InProcess, robot: Caller, person: Caller) -> None:
    service.clock.now = start = 1_700_002_800.0
    assert start % HOUR_S == 0
    # The last one a quarter of a second before the hour.
    for passed in (0.5, 0.5, 2 - 0.25 / HOUR_S):
        service.clock.now = start + passed * HOUR_S
        robot.ask()
    service.clock.now = start + 2.5 * HOUR_S
    person.act(person.claim_first(), 'flag', reason='dark')
    service.clock.now = start + 3.25 * HOUR_S
    waiting = [tuple(each) for each in told(person)['waiting']]
    assert waiting[-5:] == [
        (start, 0), (start + HOUR_S, 2), (start + 2 * HOUR_S, 3), (start + 3 * HOUR_S, 2),
        (start + 3.25 * HOUR_S, 2),
    ]  # fmt: skip
    assert len(waiting) == 25


def test_percentiles_and_ranges(service: InProcess, robot: Caller, person: Caller) -> None:
    ask_and_answer(service, robot, person, 500, 1)
    service.clock.now += 48 * HOUR_S
    for waiting_s in range(1, 20):
        ask_and_answer(service, robot, person, waiting_s, 1)
    day, week = told(person), told(person, 168)
    assert day['total']['waiting'] == {'count': 19, 'p50': 10, 'p95': 19}
    assert week['total']['waiting'] == {'count': 20, 'p50': 11, 'p95': 500}
    assert len(week['by_hour']) == 2


def test_the_work_is_bounded(
    service: InProcess, robot: Caller, person: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        service.clock.now += 10
        ask_and_answer(service, robot, person, 1, 1, program_name=f'p{number}')
    monkeypatch.setattr(statistics_api, 'MOST_PROGRAMS', 4)
    found = told(person)
    assert len(found['by_program']) == 4 and found['more_programs'] == 2
    monkeypatch.setattr(statistics, 'MOST_ANSWERED', 3)
    found = told(person)
    assert found['total']['waiting']['count'] == 3
    assert found['since'] == found['now'] - 24
    monkeypatch.setattr(statistics, 'MOST_ANSWERED', 10)
    monkeypatch.setattr(statistics, 'MOST_CHANGES', 6)
    found = told(person)
    assert found['total']['waiting']['count'] == 2
    assert found['since'] == found['now'] - 14
    assert found['waiting'][-1] == [found['now'], 0]


def test_many_pages_read_once(
    service: InProcess, robot: Caller, person: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics_api, 'KEPT_S', 20.0)
    first = told(person)
    ask_and_answer(service, robot, person, 5, 5)
    assert told(person) == first != told(person, 168)
    service.clock.now += 10
    assert told(person)['total']['waiting']['count'] == 1


def test_only_the_last_deliveries_are_remembered() -> None:
    recent = RecentDeliveries()
    for at in range(MOST + 3):
        recent.add(Delivery(None, at, 1.0))
    assert len(recent.since(0)) == MOST
    assert [each.at for each in recent.since(MOST + 1)] == [MOST + 2]


def test_an_empty_service_and_what_is_refused(service: InProcess, person: Caller) -> None:
    found = told(person, 168)
    assert found['by_hour'] == found['by_program'] == []
    assert {count for _, count in found['waiting']} == {0}
    for hours in ('1', '0', '1e9', 'x', '-24'):
        assert person.get(f'/console/api/statistics?hours={hours}').status_code == 400
    for path in ('/console/api/statistics', '/console/statistics'):
        assert service.send('GET', path).status_code == 401
    assert person.get('/console/statistics').headers['cache-control'] == 'no-store'
