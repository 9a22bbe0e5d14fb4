# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The operators' queue and the lists: what they read, and that they find it without searching."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from heat_harness import ask, asker
from service_harness import InProcess, prior
from sqlalchemy import event

from spark_ros.service.operators import live_queue
from spark_ros.service.storage import next_check, prepared, queue_depth
from spark_ros.service.storage.database import execute_plain
from spark_ros.service.storage.waiting import ALL, LINE_TEXT

ON_SQLITE = pytest.mark.sqlite('reads how SQLite finds it')
Statement = tuple[str, Any]


@contextmanager
def statements(service: InProcess, thread: int | None = None) -> Iterator[list[Statement]]:
    """Note what the service asks its database, in one thread or in any."""
    noted: list[Statement] = []

    def note(connection: Any, cursor: Any, statement: str, given: Any, *rest: Any) -> None:
        if thread in (None, threading.get_ident()):
            noted.append((statement, given))

    def note_plain(connection: Any, statement: str, values: Any = ()) -> Any:
        if thread in (None, threading.get_ident()):
            noted.append((statement, tuple(values)))
        return execute_plain(connection, statement, values)

    engine = service.context.store._engine
    event.listen(engine, 'before_cursor_execute', note)
    try:
        with mock.patch.object(prepared, 'execute_plain', note_plain):
            yield noted
    finally:
        event.remove(engine, 'before_cursor_execute', note)


def plan(service: InProcess, statement: Statement) -> list[str]:
    """Return how SQLite looks for what a statement wants."""
    query, given = statement
    with service.context.store._engine.connect() as connection:
        return [row[3] for row in connection.exec_driver_sql('EXPLAIN QUERY PLAN ' + query, given)]


@ON_SQLITE
@pytest.mark.parametrize(
    'path',
    [
        '/v1/engagement', '/v1/engagement?state=open',
        '/v1/engagement?cursor=5', '/v1/engagement?count=true',
        '/v1/engagement?count=true&state=closed', '/v1/engagement/{token}',
        '/v1/engagement/{token}?state=open', '/v1/job/{token}', '/v1/changes?cursor={cursor}',
        '/v1/changes?cursor={cursor}&robot_id=r',
    ],
)  # fmt: skip
def test_an_index_finds_it_and_nothing_is_sorted(service: InProcess, path: str) -> None:
    robot = service.tenant()
    cursor = robot.get('/v1/changes').json()['cursor']
    path = path.format(token=robot.ask(), cursor=cursor)
    with statements(service) as noted:
        assert robot.get(path).status_code == 200
    # The newest change is looked for from the end, which counts as a scan and is none.
    asked = [
        each for each in noted if each[0].startswith('SELECT') and 'FROM meta' not in each[0]
    ]
    lines = [line for each in asked for line in plan(service, each)]
    assert any('questions' in line for line in lines)
    for line in lines:
        assert 'USE TEMP B-TREE' not in line, lines
        assert not line.startswith('SCAN ') or line.startswith(('SCAN anon_', 'SCAN CONST')), lines


@ON_SQLITE
def test_the_queue_reads_an_index_of_what_waits_and_no_more(service: InProcess) -> None:
    """What is sorted are some numbers of each, never whole rows."""
    robot, operator = service.tenant(), service.operator()
    robot.ask()
    with statements(service) as noted:
        assert operator.get('/console/api/queue').status_code == 200
    asked = [each for each in noted if each[0].startswith('SELECT') and 'questions' in each[0]]
    lines = [line for each in asked for line in plan(service, each)]
    scans = [line for line in lines if line.startswith('SCAN questions')]
    assert len(scans) == 3
    assert all('COVERING INDEX questions_waiting' in line for line in scans), scans


@ON_SQLITE
def test_the_metrics_read_what_waits_and_no_question_that_is_over(service: InProcess) -> None:
    service.tenant().ask()
    # Only this thread's: what expires is looked for meanwhile in another.
    with statements(service, threading.get_ident()) as noted:
        service.context.store.read_now(queue_depth.read)
    asked = [each for each in noted if 'FROM questions' in each[0]]
    lines = [line for each in asked for line in plan(service, each) if ' questions' in line]
    assert len(lines) == 2
    assert all('questions_waiting' in line for line in lines), lines


@ON_SQLITE
def test_what_is_to_be_checked_is_found_by_an_index(service: InProcess) -> None:
    with statements(service, threading.get_ident()) as noted:
        found = service.context.store.read_now(next_check.is_there, 'one', 'pseudonym', ALL)
    assert found is False
    tables = tuple(f'SCAN {name}' for name in ('checks', 'jobs', 'questions', 'skips'))
    lines = [line for each in noted for line in plan(service, each) if line.startswith(tables)]
    # Whether something is open is seen in what waits; of second opinions, the newest are read.
    assert {line.rpartition(' ')[2] for line in lines} == {'questions_waiting', 'checks_open'}


def test_a_line_of_the_queue_is_cut_and_the_question_is_not(service: InProcess) -> None:
    robot, heat, operator = service.tenant(), asker(service, 'heat'), service.operator()
    said = 'ü' * 20_000
    robot.ask(instructions=said)
    ask(heat, 'free-text', instruction=said)
    lines = operator.get('/console/api/queue').json()['questions']
    assert [line['instructions'] for line in lines] == ['ü' * LINE_TEXT] * 2
    assert [operator.claim_first()['instructions'] for _ in lines] == [said] * 2


def test_the_line_of_several_images_counts_the_shapes_of_all(service: InProcess) -> None:
    robot = service.tenant()
    given = [{**prior('cat', 0.1, 0.1, 0.4, 0.4), 'image_idx': at} for at in (0, 1, 1)]
    robot.ask(
        content_location=[robot.upload()['signedUrl'] for _ in range(2)],
        priors={'annotations': given},
    )
    [line] = service.operator().get('/console/api/queue').json()['questions']
    assert (line['image_count'], line['priors']) == (2, 3)


def test_the_queue_reads_nothing_that_it_does_not_show(service: InProcess) -> None:
    heat, operator = asker(service), service.operator()
    for _ in range(12):
        ask(heat, 'free-text', more='x' * 2**20)
    tracemalloc.start()
    try:
        lines = operator.get('/console/api/queue').json()['questions']
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(lines) == 12
    assert peak < 2 * 2**20


def test_the_oldest_of_both_states_come_first(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    for _ in range(5):
        robot.ask()
    for id in (2, 4):
        assert operator.post(f'/console/api/questions/{id}/claim').status_code == 200
    lines = operator.get('/console/api/queue').json()['questions']
    assert [(line['id'], line['state']) for line in lines] == [
        (1, 'open'), (2, 'assigned'), (3, 'open'), (4, 'assigned'), (5, 'open'),
    ]  # fmt: skip


def test_only_who_is_excluded_is_told_so(service: InProcess) -> None:
    heat = asker(service)
    one, other = service.operator(), service.operator()
    ask(heat, 'free-text')
    one.act(one.claim_first(), 'answer', response='x')
    [name] = heat.get('/v1/requests').json()[0]['crunchers']
    unknown = [' ', '%', '_' * 16, name.upper(), name[:8]]
    ask(heat, 'free-text', exclude_crunchers=[*unknown, name, name])
    ask(heat, 'free-text', exclude_crunchers=unknown)
    for operator, excluded in ((one, [False, True]), (other, [False, False])):
        lines = operator.get('/console/api/queue').json()['questions']
        assert [line['excluded'] for line in lines] == excluded
    assert one.post('/console/api/questions/2/claim').status_code == 409
    assert other.post('/console/api/questions/2/claim').status_code == 200


def test_questions_that_exclude_an_operator_do_not_hide_the_others(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_queue, 'QUEUE_LENGTH', 3)
    heat, robot = asker(service, 'heat'), service.tenant()
    one, other = service.operator(), service.operator()
    ask(heat, 'free-text')
    one.act(one.claim_first(), 'answer', response='x')
    [name] = heat.get('/v1/requests').json()[0]['crunchers']
    for _ in range(4):
        ask(heat, 'free-text', exclude_crunchers=[name])
    # The robot's turn is before that of a key that was served.
    for ids in ([6, 2, 3], [6, 7, 2], [6, 7, 8], [6, 7, 8]):
        robot.ask()
        seen = one.get('/console/api/queue').json()
        assert [line['id'] for line in seen['questions']] == ids
        assert seen['excluded'] == 4
    seen = other.get('/console/api/queue').json()
    assert [line['id'] for line in seen['questions']] == [6, 2, 7]
    assert (seen['waiting'], seen['excluded']) == (8, 0)
