# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What consoles are told of the queue: all lines once, then what is new, and not too often."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_harness import DEADLINE_S, Served, log_in, served
from serving import printed
from spark_command import Operator, new_key

from spark_ros.service.operators import live_queue
from spark_ros.service.operators.live_queue import EVERY_S


class Robot:
    """Asks by one key."""

    def __init__(self, service: Served, data: Path, api: str = 'spark') -> None:
        key = new_key(data, api)
        self._headers = {'Authorization': f'Bearer {key}'} if api == 'spark' else {
            'X-Heat-API-Key': key
        }
        self._http = httpx.Client(base_url=service.url, timeout=DEADLINE_S)

    def post(self, path: str, body: dict[str, Any]) -> None:
        self._http.post(path, json=body, headers=self._headers).raise_for_status()

    def get(self, path: str) -> Any:
        return self._http.get(path, headers=self._headers).json()

    def ask(self, name: str = 'Look.') -> None:
        location = 'http://192.0.2.1/a.jpg'
        self.post('/v1/engagement', {'content_location': location, 'instructions': name})


@contextmanager
def listening(
    service: Served, console: httpx.Client | None = None
) -> Iterator[Iterator[dict[str, Any]]]:
    """Follow the queue as another operator, who has logged in if given; give what is told."""
    with httpx.Client(base_url=service.url, timeout=DEADLINE_S) as new:
        if console is None:
            console = new
            log_in(console, printed('login-link', '--data', str(service.data)))
        with console.stream('GET', '/console/api/events') as events:
            yield (
                json.loads(line.removeprefix('data: '))
                for line in events.iter_lines()
                if line.startswith('data: ')
            )


@pytest.fixture
def service(database: str, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as service:
        yield service


def until(told: Iterator[dict[str, Any]], order: list[int]) -> dict[str, Any]:
    """Return the first message with this order."""
    return next(each for each in told if each.get('order') == order)


def test_all_lines_once_and_then_what_is_new(service: Served, tmp_path: Path) -> None:
    robot = Robot(service, tmp_path)
    robot.ask('first')
    with listening(service) as told:
        first = next(told)
        assert [line['instructions'] for line in first['lines']] == ['first']
        assert first['order'] == [1] and first['waiting'] == 1 and first['elapsed_s'] >= 0
        robot.ask('second')
        second = until(told, [1, 2])
        new = [line for line in second['lines'] if line['id'] == 2]
        assert [line['instructions'] for line in new] == ['second'] and second['waiting'] == 2


def test_what_others_take_is_told_and_what_is_answered_goes(
    service: Served, tmp_path: Path
) -> None:
    robot = Robot(service, tmp_path)
    robot.ask()
    with listening(service) as told:
        assert next(told)['order'] == [1]
        operator = Operator(service)
        claimed = operator.claim()
        taken = next(each for each in told if any(
            line['state'] == 'assigned' for line in each['lines']
        ))  # fmt: skip
        assert [line['mine'] for line in taken['lines']] == [False]
        operator.do(claimed, 'answer', shapes=[], response='yes')
        assert until(told, [])['lines'] == []


def test_many_changes_are_few_messages(service: Served, tmp_path: Path) -> None:
    """The first at once; all of them together no more often than promised."""
    robot = Robot(service, tmp_path)
    with listening(service) as told:
        assert next(told)['order'] == []
        began, messages = time.monotonic(), []
        for _ in range(40):
            robot.ask()
        seen: set[int] = set()
        while len(seen) < 40:
            messages.append(next(told))
            seen |= {line['id'] for line in messages[-1]['lines']}
        took_s = time.monotonic() - began
    assert len(messages) <= took_s / EVERY_S + 2
    # Each line once, or again because its picture could not be fetched.
    assert sum(len(each['lines']) for each in messages) <= 2 * 40


def test_where_an_operator_who_is_there_must_not_answer_consoles_read_by_themselves(
    service: Served, tmp_path: Path
) -> None:
    """Names of nobody, or of somebody who is not there, change nothing."""
    heat = Robot(service, tmp_path, 'heat')
    operator = Operator(service)
    heat.post('/v1/requests/free-text', {'instruction': 'Look.'})
    operator.do(operator.claim(), 'answer', response='yes')
    [name] = heat.get('/v1/requests')[0]['crunchers']
    with listening(service) as told:
        assert next(told)['order'] == []
        for excluded in (['0' * 16], [name]):
            heat.post(
                '/v1/requests/free-text', {'instruction': 'Look.', 'exclude_crunchers': excluded}
            )
        until(told, [2, 3])
        with listening(service, operator.http):
            while next(told) != {}:
                pass


def test_times_are_true_for_who_comes_later(service: Served, tmp_path: Path) -> None:
    robot = Robot(service, tmp_path)
    robot.ask()
    with listening(service) as told:
        assert next(told)['order'] == [1]
        began = time.monotonic()
        while time.monotonic() - began < 1.0:
            robot.post('/v1/engagement', {'content_location': 'http://192.0.2.1/b.jpg',
                                          'instructions': 'More.'})
        with listening(service) as later:
            message = next(later)
            [line] = [each for each in message['lines'] if each['id'] == 1]
            assert line['age_s'] + message['elapsed_s'] >= 1.0


def test_who_comes_is_told_nothing_older_than_what_was_there_already(
    service: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the queue was read for somebody else a moment before."""
    monkeypatch.setattr(live_queue, 'EVERY_S', 4 * EVERY_S)
    robot = Robot(service, tmp_path)
    with listening(service) as told:
        assert next(told)['order'] == []
        robot.ask()
        with listening(service) as later:
            assert next(later)['order'] == [1]


def test_an_answer_that_is_held_back_is_in_nobody_elses_queue(
    service: Served, tmp_path: Path
) -> None:
    file = tmp_path.with_name(f'{tmp_path.name}.yaml')
    file.write_text('{instructions: Look, grace_s: 60}')
    printed('program', 'set', 'slow', '--file', str(file), '--data', str(tmp_path))
    robot, operator = Robot(service, tmp_path), Operator(service)
    robot.post('/v1/engagement', {
        'content_location': 'http://192.0.2.1/a.jpg', 'program_name': 'slow',
    })  # fmt: skip
    with listening(service) as told, listening(service, operator.http) as own:
        assert next(told)['order'] == [1]
        operator.answer('yes')
        assert until(told, [])['waiting'] == 0
        robot.ask()
        assert until(told, [2])['waiting'] == 1
        seen = until(own, [1, 2])
        assert seen['waiting'] == 2
        # Who has just come is told so at once.
        with listening(service) as third:
            assert next(third)['order'] == [2]
