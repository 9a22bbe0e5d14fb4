# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Killed at random points under load: what it said 200 to is there, and every push arrives."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from postgres_server import PostgresServer, running_postgres
from psycopg import sql
from service_harness import DEADLINE_S, Served, question, served_by_process
from serving import ServingProcess, free_port, printed
from sqlalchemy import create_engine, text
from webhook_receiver import Received, Receiver

ROBOTS = 4
KILLS = 2
MOST = 60
PAUSE_S = 0.2
ENDED_TWICE = """
    SELECT question_id FROM changes WHERE state = 'closed' GROUP BY question_id HAVING COUNT(*) > 1
"""
TIMEOUT = httpx.Timeout(DEADLINE_S)
ARGUMENTS = ('--operator', 'scripted', '--allow-net', '127.0.0.0/8')


@dataclass
class Load:
    """Robots that ask without a pause, and what they were told.

    Attributes:
        accepted: tokens of both APIs that a 200 brought.
    """

    hook: str
    spark: dict[str, str]
    heat: dict[str, str]
    accepted: list[str] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)

    def ask(self, url: str, heat: bool) -> None:
        """Ask until the service is gone."""
        with httpx.Client(base_url=url, timeout=TIMEOUT) as http:
            while True:
                try:
                    self._ask(http, heat)
                except (httpx.HTTPError, ValueError):
                    return

    def keep_asking(self, url: str, heat: bool, over: threading.Event) -> None:
        """Ask until told, whatever becomes of the service in between."""
        while not over.is_set():
            with (
                # Also where a 503 comes.
                suppress(httpx.HTTPError, ValueError, KeyError),
                httpx.Client(base_url=url, timeout=TIMEOUT) as http,
            ):
                while not over.wait(PAUSE_S):
                    self._ask(http, heat)

    def _ask(self, http: httpx.Client, heat: bool) -> None:
        if heat:
            body = {'instruction': 'What is it?', 'hook_url': self.hook}
            answer = http.post('/v1/requests/free-text', json=body, headers=self.heat)
        else:
            body = question(webhook_url=self.hook)
            answer = http.post('/v1/engagement', json=body, headers=self.spark)
        token = answer.json()['id' if heat else 'token']
        with self._more:
            self.accepted.append(token)
            self._more.notify_all()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.accepted) >= count, DEADLINE_S)

    @contextmanager
    def on(self, service: Served) -> Iterator[None]:
        with ThreadPoolExecutor(ROBOTS) as robots:
            for number in range(ROBOTS):
                robots.submit(self.ask, service.url, number % 2 == 1)
            yield
            service.serving.kill()


@pytest.mark.slow('kills services by chance')
@pytest.mark.parametrize('seed', [1, 2])
def test_nothing_accepted_is_lost_and_every_push_arrives(data: Path, seed: int) -> None:
    chance = random.Random(seed)
    spark = printed('key', 'create', 'robot', '--data', str(data))
    heat = printed('key', 'create', 'heat', '--heat', '--data', str(data))
    as_spark, as_heat = {'Authorization': f'Bearer {spark}'}, {'X-Heat-API-Key': heat}
    with Receiver() as receiver:
        load = Load(receiver.url(), as_spark, as_heat)
        cursors: dict[str, str] = {}
        for _ in range(KILLS):
            with served_by_process(data, *ARGUMENTS) as service:
                if not cursors:
                    for name, headers in (('spark', as_spark), ('heat', as_heat)):
                        cursors[name] = _feed(service, headers, None)['cursor']
                with load.on(service):
                    # Wherever in its work the service is when this many were accepted.
                    load.wait_for(len(load.accepted) + chance.randint(1, MOST))
        with served_by_process(data, *ARGUMENTS) as service:
            _are_there(service, load.accepted, as_spark, as_heat)
            expected = set(load.accepted)
            received = receiver.wait(lambda got: expected <= _ended(got))
            _never_went_back(received)
            found = _followed(service, as_spark, cursors['spark'])
            found |= _followed(service, as_heat, cursors['heat'])
            assert expected <= found.keys()


@pytest.mark.slow('kills processes by chance')
@pytest.mark.timeout(300)
def test_two_processes_their_supervisor_and_the_database_may_be_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, data, over = random.Random(3), tmp_path / 'data', threading.Event()
    with ExitStack() as stack:
        database, standby = _replicated(stack)
        # One of both takes writes.
        name = database.create()
        url = f'{database.url(name)}&host={standby.folder}&target_session_attrs=primary'
        monkeypatch.setenv('SPARK_SERVICE_DATABASE', url)
        spark = printed('key', 'create', 'robot', '--data', str(data))
        heat = printed('key', 'create', 'heat', '--heat', '--data', str(data))
        as_spark, as_heat = {'Authorization': f'Bearer {spark}'}, {'X-Heat-API-Key': heat}
        receiver = stack.enter_context(Receiver())
        load = Load(receiver.url(), as_spark, as_heat)
        arguments = (*ARGUMENTS, '--workers', '2', '--port', str(free_port()))
        robots = stack.enter_context(ThreadPoolExecutor(ROBOTS))
        stack.callback(over.set)
        with served_by_process(data, *arguments) as service:
            serving = service.serving
            assert isinstance(serving, ServingProcess)
            cursors = [_feed(service, each, None)['cursor'] for each in (as_spark, as_heat)]
            for number in range(ROBOTS):
                robots.submit(load.keep_asking, service.url, number % 2 == 1, over)
            for kill in ('process', 'database', 'process', 'database for good', 'supervisor'):
                load.wait_for(len(load.accepted) + chance.randint(5, 20))
                if kill == 'process':
                    os.kill(chance.choice(serving.children), signal.SIGKILL)
                elif kill == 'database':
                    database.kill()
                    database.start()
                elif kill == 'database for good':
                    database.kill()
                    standby.promote()
                else:
                    serving.kill()
        over.set()
        robots.shutdown()
        service = stack.enter_context(served_by_process(data, *arguments))
        _are_there(service, load.accepted, as_spark, as_heat)
        expected = set(load.accepted)
        received = receiver.wait(lambda got: expected <= _ended(got), 4 * DEADLINE_S)
        _never_went_back(received)
        found = _followed(service, as_spark, cursors[0])
        found |= _followed(service, as_heat, cursors[1])
        assert expected <= found.keys()
        engine = create_engine(url)
        stack.callback(engine.dispose)
        with engine.connect() as connection:
            assert connection.execute(text(ENDED_TWICE)).all() == []


def _replicated(stack: ExitStack) -> tuple[PostgresServer, PostgresServer]:
    """Start a server, and a standby that has each commit before it is acknowledged."""
    options = {'wal_retrieve_retry_interval': '100ms'}
    database = stack.enter_context(running_postgres(**options))
    standby = stack.enter_context(running_postgres(database, **options))
    database.execute(sql.SQL("ALTER SYSTEM SET synchronous_standby_names = '*'"))
    database.execute(sql.SQL('SELECT pg_reload_conf()'))
    return database, standby


def _are_there(
    service: Served, accepted: list[str], spark: dict[str, str], heat: dict[str, str]
) -> None:
    with httpx.Client(base_url=service.url, timeout=TIMEOUT) as http:
        for token in accepted:
            found = [
                http.get(f'/v1/engagement/{token}', headers=spark).status_code,
                http.get(f'/v1/requests/{token}', headers=heat).status_code,
            ]
            assert sorted(found) == [200, 404], token


def _ended(pushes: list[Received]) -> set[str]:
    """Return the tokens whose last state was pushed."""
    return {
        push.body.get('id') or push.body['token']
        for push in pushes
        if push.body.get('state') == 'closed' or push.body.get('status') == 'complete'
    }


def _never_went_back(pushes: list[Received]) -> None:
    """A push may come twice, when the kill fell between its 2xx and the note of it."""
    newest: dict[str, int] = {}
    for push in pushes:
        token, sequence = push.body.get('id') or push.body['token'], push.body['sequence']
        assert sequence >= newest.get(token, 0)
        newest[token] = sequence


def _followed(service: Served, headers: dict[str, str], cursor: str) -> dict[str, Any]:
    """Follow the feed from before the kills until everything in it is over."""
    found: dict[str, Any] = {}
    until = time.monotonic() + DEADLINE_S
    more = True
    while more or not all(
        'closed' in each.values() or 'complete' in each.values() for each in found.values()
    ):
        assert time.monotonic() < until
        page = _feed(service, headers, cursor)
        cursor, more = page['cursor'], page['more']
        for change in page['changes']:
            said = change.get('engagement') or change['request']
            found[said.get('token') or said['id']] = {
                name: said[name] for name in ('state', 'status') if name in said
            }
    return found


def _feed(service: Served, headers: dict[str, str], cursor: str | None) -> dict[str, Any]:
    params = {'block': '1'} if cursor is None else {'block': '1', 'cursor': cursor}
    answer = httpx.get(
        f'{service.url}/v1/changes', params=params, headers=headers, timeout=TIMEOUT
    )
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page
