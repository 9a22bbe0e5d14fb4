# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Killed while questions expire and are withdrawn: each ends once, and everybody is told."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from kept_data import connected, count
from service_harness import DEADLINE_S, Served, question, served_by_process
from serving import printed
from webhook_receiver import Received, Receiver

pytestmark = [pytest.mark.slow('kills services by chance'), pytest.mark.timeout(300)]

ROBOTS = 4
KILLS = 3
MOST = 40
LATE = {'Spark-Deadline': '0.3'}
TIMEOUT = httpx.Timeout(DEADLINE_S)
FLAGS = {'expired': ['flagged', 'expired'], 'withdrawn': ['flagged', 'canceled']}


@dataclass
class Load:
    """Robots whose questions nobody answers, and what they were told.

    Attributes:
        asked: how each question is to end, by its token.
        withdrawn: the tokens whose withdrawal was answered with 200.
    """

    hook: str
    headers: dict[str, str]
    asked: dict[str, str] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    _more: threading.Condition = field(default_factory=threading.Condition)

    def ask(self, url: str) -> None:
        """Ask and withdraw until the service is gone."""
        with httpx.Client(base_url=url, timeout=TIMEOUT, headers=self.headers) as http:
            try:
                while True:
                    for end in FLAGS:
                        self._ask(http, end)
            except httpx.HTTPError:
                return

    def _ask(self, http: httpx.Client, end: str) -> None:
        body, headers = question(webhook_url=self.hook), LATE if end == 'expired' else {}
        answer = http.post('/v1/engagement', json=body, headers=headers)
        token = answer.raise_for_status().json()['token']
        with self._more:
            self.asked[token] = end
            self._more.notify_all()
        if end == 'withdrawn':
            http.delete(f'/v1/engagement/{token}').raise_for_status()
            self.withdrawn.add(token)

    @contextmanager
    def on(self, service: Served) -> Iterator[None]:
        with ThreadPoolExecutor(ROBOTS) as robots:
            for _ in range(ROBOTS):
                robots.submit(self.ask, service.url)
            yield
            service.serving.kill()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.asked) >= count, DEADLINE_S)


@pytest.mark.parametrize('seed', [1, 2])
def test_each_ends_once_and_all_are_told(data: Path, seed: int) -> None:
    chance = random.Random(seed)
    key = printed('key', 'create', 'robot', '--data', str(data))
    headers = {'Authorization': f'Bearer {key}'}
    arguments = ('--allow-net', '127.0.0.0/8')
    with Receiver() as receiver:
        load = Load(receiver.url(), headers)
        for _ in range(KILLS):
            with served_by_process(data, *arguments) as service, load.on(service):
                # Long enough for the first ones of this turn to expire.
                load.wait_for(len(load.asked) + MOST + chance.randint(1, MOST))
        with (
            served_by_process(data, *arguments) as service,
            httpx.Client(base_url=service.url, timeout=TIMEOUT, headers=headers) as http,
        ):
            for token, end in load.asked.items():
                if end == 'withdrawn' and token not in load.withdrawn:
                    # It was killed before it said so; a robot asks again.
                    http.delete(f'/v1/engagement/{token}').raise_for_status()
            told = _closed(receiver.wait(lambda got: load.asked.keys() <= _closed(got).keys()))
            assert {token: told[token] for token in load.asked} == {
                token: FLAGS[end] for token, end in load.asked.items()
            }
            for token, end in load.asked.items():
                [found] = http.get(f'/v1/engagement/{token}').raise_for_status().json()
                assert (found['state'], found['flags']) == ('closed', FLAGS[end])
                assert (found['response'], found['annotations']) == ('', [])
    _ended_once(data)


def _closed(pushes: list[Received]) -> dict[str, list[str]]:
    """Return with which flags each closed question was pushed, by its token."""
    return {
        push.body['token']: push.body['flags'] for push in pushes if push.body['state'] == 'closed'
    }


def _ended_once(data: Path) -> None:
    with connected(data) as connection:
        counts = connection.exec_driver_sql(
            "SELECT COUNT(*) FROM changes WHERE state = 'closed' GROUP BY question_id"
        ).scalars().all()
    assert {*counts} == {1} and len(counts) == count(data, 'questions', "state = 'closed'")
