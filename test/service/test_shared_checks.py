# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Processes that share checks: one of several images is given, and taken back, as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from postgres_server import PostgresServer
from service_harness import URL, InProcess
from test_known_answers import earn, truth
from test_next_question import next_of
from test_second_opinions import ask, put, stored

from spark_ros.service.settings import Settings
from spark_ros.service.storage import checks

pytestmark = pytest.mark.slow('runs a service on PostgreSQL')

TWO = [f'{URL}/1.jpg', f'{URL}/2.jpg']


@pytest.fixture
def name(server: PostgresServer) -> Iterator[str]:
    made = server.create()
    yield made
    server.drop(made)


@pytest.fixture
def service(
    server: PostgresServer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InProcess]:
    monkeypatch.setenv('SPARK_SERVICE_DATABASE', server.url(name))
    started = InProcess(Settings(tmp_path / 'data', server.url(name), min_free=0))
    yield started
    started.close()


@contextmanager
def locked(server: PostgresServer, name: str, table: str, id: int) -> Iterator[None]:
    """Have another transaction change a row."""
    with psycopg.connect(f'host={server.folder} user=postgres dbname={name}') as other:
        other.execute(f'SELECT id FROM {table} WHERE id = %s FOR NO KEY UPDATE', (id,))
        yield
        other.rollback()


@pytest.mark.parametrize('image', [0, 1])
def test_a_known_answer_is_given_with_all_images(
    service: InProcess, server: PostgresServer, name: str, image: int
) -> None:
    put(service, second_opinion_share=0.0, known_answers_share=1.0)
    robot, teacher, person = service.tenant(), service.operator(), service.operator()
    token = ask(robot, content_location=TWO, priors={'annotations': []})
    asked = next_of(teacher)
    ids = [each['id'] for each in asked['images']]
    said = [{'id': each, 'shapes': []} for each in ids]
    assert teacher.act(asked, 'answer-images', images=said).status_code == 200
    truth(service, 'add', token)
    earn(service, robot, person, 1)
    with locked(server, name, 'questions', ids[image]):
        assert next_of(person) == {'id': None}
    assert len(next_of(person)['images']) == 2


def test_a_check_is_taken_back_with_all_images(
    service: InProcess, server: PostgresServer, name: str
) -> None:
    put(service)
    robot, one, two = service.tenant(), service.operator(), service.operator()
    ask(robot, content_location=TWO, priors={'annotations': []})
    asked = next_of(one)
    said = [{'id': each['id'], 'shapes': []} for each in asked['images']]
    assert one.act(asked, 'answer-images', images=said).status_code == 200
    assert len(next_of(two)['images']) == 2
    late = service.clock() + service.settings.lease_s
    # Somebody renews the lease.
    with locked(server, name, 'checks', 1):
        service.context.store.write_now(checks.expire, late)
        assert [each.state for each in stored(service)] == ['assigned'] * 2
    service.context.store.write_now(checks.expire, late)
    assert [each.state for each in stored(service)] == ['open'] * 2
