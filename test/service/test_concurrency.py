# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many calls of a key may wait, and how many consoles of one session may listen."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from heat_harness import ask, asker, post
from service_harness import DEADLINE_S, InProcess, log_in, served

from spark_ros.service.context import MOST_BLOCKED, MOST_STREAMS


async def total(held: Counter[Hashable]) -> int:
    return held.total()


def is_too_many(answer: httpx.Response) -> bool:
    return answer.status_code == 429 and int(answer.headers['retry-after']) > 0


@pytest.mark.slow('waits for calls that hang')
def test_so_many_calls_of_a_key_wait_and_no_more(service: InProcess) -> None:
    robot, other = asker(service), asker(service, 'other')
    id, others_id = ask(robot, 'free-text')['id'], ask(other, 'free-text')['id']
    cursor = robot.get('/v1/changes').json()['cursor']
    others_cursor = other.get('/v1/changes').json()['cursor']

    async def waits(path: str) -> httpx.Response:
        async with service.client(headers=robot.headers) as http:
            return await http.get(path)

    async def all_wait() -> list[httpx.Response]:
        calls = [waits(f'/v1/changes?cursor={cursor}&block=60') for _ in range(MOST_BLOCKED - 1)]
        return await asyncio.gather(*calls, waits(f'/v1/requests/{id}?block=60'))

    waiting = service.start(all_wait())
    held = service.context.blocked_calls._held
    while service.do(total(held)) < MOST_BLOCKED:
        assert not waiting.done()
    assert is_too_many(robot.get(f'/v1/changes?cursor={cursor}&block=60'))
    assert is_too_many(robot.get(f'/v1/requests/{id}?block=1'))
    # What is refused has asked nothing.
    assert is_too_many(post(robot, 'free-text', '?block=1'))
    assert [each['id'] for each in robot.get('/v1/requests').json()] == [id]
    # Who does not wait, or has another key, is not concerned.
    assert robot.get(f'/v1/changes?cursor={cursor}').status_code == 200
    assert robot.get(f'/v1/requests/{id}').status_code == 200
    assert other.get(f'/v1/changes?cursor={others_cursor}&block=0.01').status_code == 200
    assert other.get(f'/v1/requests/{others_id}?block=0.01').status_code == 200
    robot.post(f'/v1/tasks/abort/{id}')
    assert {each.status_code for each in waiting.result(DEADLINE_S)} == {200}
    assert not held
    assert robot.get(f'/v1/changes?cursor={cursor}&block=60').json()['changes']


def test_so_many_streams_of_a_session_and_no_more(data: Path) -> None:
    with served(data) as service, ExitStack() as stack:
        console = stack.enter_context(httpx.Client(base_url=service.url, timeout=DEADLINE_S))
        log_in(console, service.login)

        def stream() -> httpx.Response:
            return stack.enter_context(console.stream('GET', '/console/api/events'))

        streams = [stream() for _ in range(MOST_STREAMS)]
        lines = [each.iter_lines() for each in streams]
        assert {next(each) for each in lines} == {'event: queue'}
        assert is_too_many(stream())
        streams[0].close()
        # The service notices soon.
        while (again := stream()).status_code == 429:
            pass
        assert next(again.iter_lines()) == 'event: queue'
