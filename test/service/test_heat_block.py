# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`block`: answered as soon as there is an answer, and nothing left when nobody listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from heat_harness import ask, asker, body, is_error, post, seen
from service_harness import DEADLINE_S, Caller, InProcess, served_by_process
from serving import printed
from starlette.requests import Request

from spark_ros.service.storage import jobs, leases
from spark_ros.service.web.long_poll import block_s

WAITERS = 100


@pytest.mark.parametrize('block', ['-1', '-0.001', 'x', '', 'nan', 'inf', '1s', '0x1', '1,5'])
def test_what_is_no_number_of_seconds_is_400(service: InProcess, block: str) -> None:
    robot = asker(service)
    id = ask(robot, 'free-text')['id']
    for answer in (
        post(robot, 'free-text', f'?block={block}'),
        robot.get(f'/v1/requests/{id}?block={block}'),
        robot.post(f'/v1/tasks/abort/{id}?block={block}'),
    ):
        assert is_error(answer, 400)
        assert 'block' in answer.json()['message']


@pytest.mark.parametrize(
    ('block', 'longest_s'),
    [('0', 0), ('-0', 0), ('0.25', 0.25), ('1e-1', 0.1), ('60', 60), ('61', 60), ('1e999', 60)],
)
def test_it_waits_so_many_seconds(block: str, longest_s: float) -> None:
    scope = {'type': 'http', 'query_string': f'block={block}'.encode()}
    assert block_s(Request(scope)) == longest_s


def test_when_the_time_is_up_it_is_pending(service: InProcess) -> None:
    robot = asker(service)
    begun = time.monotonic()
    made = ask(robot, 'free-text', '?block=0.2')
    again = robot.get(f'/v1/requests/{made["id"]}?block=0.2').json()
    assert 0.4 <= time.monotonic() - begun < DEADLINE_S
    assert made['status'] == again['status'] == 'pending'


@pytest.mark.parametrize('end', ['answer', 'flag', 'abort'])
@pytest.mark.parametrize('asking', [True, False], ids=['post', 'get'])
def test_it_answers_when_the_question_is_over(
    service: InProcess, end: str, asking: bool
) -> None:
    robot, operator = asker(service), service.operator()

    async def wait(caller: Caller, method: str, path: str, **more: Any) -> httpx.Response:
        async with service.client(headers=caller.headers) as http:
            return await http.request(method, f'{path}?block=60', **more)

    if asking:
        waiting = service.start(
            wait(robot, 'POST', '/v1/requests/free-text', json=body('free-text'))
        )
    else:
        id = ask(robot, 'free-text')['id']
        waiting = service.start(wait(robot, 'GET', f'/v1/requests/{id}'))
    until_waiting(service, 1)
    shown = operator.claim_first()
    # Claiming and releasing are changes too, but none that ends the wait.
    operator.act(shown, 'release')
    operator.act(shown, 'claim')
    assert not waiting.done()
    if end == 'abort':
        robot.post(f'/v1/tasks/abort/{shown["token"]}')
    else:
        operator.act(shown, end, response='x', reason='y')
    said = {'answer': 'complete', 'flag': 'flagged', 'abort': 'aborted'}[end]
    assert waiting.result(DEADLINE_S).json()['status'] == said
    until_waiting(service, 0)


def test_what_is_over_is_answered_at_once(service: InProcess) -> None:
    robot, operator = asker(service), service.operator()
    id = ask(robot, 'free-text')['id']
    operator.act(operator.claim_first(), 'answer', response='x')
    assert robot.get(f'/v1/requests/{id}?block=60').json()['status'] == 'complete'


def test_an_answer_between_the_look_and_the_wait_is_not_missed(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes in while the waiter reads, after what it reads was read."""
    robot, operator = asker(service), service.operator()
    id = ask(robot, 'free-text')['id']
    shown = operator.claim_first()
    reads = 0
    find = jobs.of_token

    def answered_meanwhile(*given: Any) -> Any:
        nonlocal reads
        row = find(*given)
        reads += 1
        # The first read finds out what to wait for, the second is the look.
        if reads == 2:
            service.context.store.write_now(
                lambda transaction: close(transaction, shown['id'], row)
            )
        return row

    def close(transaction: Any, question_id: int, row: Any) -> None:
        owner = jobs.question(transaction.connection, question_id).lease_owner
        leases.close(
            transaction, question_id, owner, service.clock(), answer='{"response":"just now"}'
        )

    monkeypatch.setattr(jobs, 'of_token', answered_meanwhile)
    begun = time.monotonic()
    assert robot.get(f'/v1/requests/{id}?block=60').json()['response'] == 'just now'
    assert time.monotonic() - begun < 30
    assert reads == 3


@pytest.mark.slow('hundreds wait')
def test_many_wait_and_each_hears_its_own(service: InProcess) -> None:
    robot, operator = asker(service), service.operator()
    ids = [ask(robot, 'free-text')['id'] for _ in range(WAITERS)]

    async def wait() -> list[dict[str, Any]]:
        async with service.client(headers=robot.headers) as http:
            answers = await asyncio.gather(
                *(http.get(f'/v1/requests/{id}?block=60') for id in ids)
            )
        return [answer.json() for answer in answers]

    waiting = service.start(wait())
    until_waiting(service, WAITERS)
    for number, id in enumerate(ids, 1):
        path = f'/console/api/questions/{number}'
        assert operator.post(f'{path}/claim').json()['token'] == id
        assert operator.post(f'{path}/answer', json={'response': id}).status_code == 200
    assert [each['response'] for each in waiting.result(DEADLINE_S)] == ids
    until_waiting(service, 0)


def test_shutting_down_frees_who_waits(make_service: Callable[..., InProcess]) -> None:
    service = make_service()
    robot = asker(service)
    id = ask(robot, 'free-text')['id']

    async def wait() -> httpx.Response:
        async with service.client(headers=robot.headers) as http:
            return await http.get(f'/v1/requests/{id}?block=60')

    async def stop() -> None:
        service.context.bus.close()

    waiting = service.start(wait())
    until_waiting(service, 1)
    service.do(stop())
    assert waiting.result(DEADLINE_S).json()['status'] == 'pending'
    begun = time.monotonic()
    assert service.do(wait()).json()['status'] == 'pending'
    assert time.monotonic() - begun < 30


@pytest.mark.slow('waits for a client that is away')
def test_a_client_that_goes_away_frees_its_waiter(tmp_path: Path) -> None:
    """Over real sockets: the service stops at once although all of them asked for a minute."""
    data = tmp_path / 'data'
    key = printed('key', 'create', 'robot', '--heat', '--data', str(data))
    with served_by_process(data, '--verbose', key=key) as service:
        headers = {'X-Heat-API-Key': key}
        with httpx.Client(base_url=service.url, headers=headers, timeout=DEADLINE_S) as http:
            id = http.post('/v1/requests/free-text', json=body('free-text')).json()['id']
            asyncio.run(_come_and_go(service.url, key, id))
            assert http.get(f'/v1/requests/{id}').json()['status'] == 'pending'
            # Each freed waiter has left its line in the log, long before its minute was over.
            until = time.monotonic() + DEADLINE_S
            while len(_waits(service.log)) < WAITERS + 1 and time.monotonic() < until:
                http.get('/openapi.json')
        assert max(_waits(service.log)) < 60_000
        assert len(_waits(service.log)) == WAITERS + 1
        assert service.serving.stop() == 0


async def _come_and_go(url: str, key: str, id: str) -> None:
    parts = urlsplit(url)
    call = f'GET /v1/requests/{id}?block=60 HTTP/1.1\r\nHost: x\r\nX-Heat-API-Key: {key}\r\n\r\n'
    writers = []
    for _ in range(WAITERS):
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(call.encode())
        await writer.drain()
        writers.append(writer)
    for at, writer in enumerate(writers):
        # Both ways to go: a reset, and an ordinary end.
        if at % 2:
            writer.transport.abort()
        else:
            writer.close()


def _waits(log: Path) -> list[int]:
    """Return how long each retrieval took, in ms, by the service's log."""
    lines = [line for line in log.read_text().splitlines() if ' GET /v1/requests/' in line]
    return [int(line.split()[-2]) for line in lines]


def until_waiting(service: InProcess, count: int) -> None:
    """Wait until so many blocked calls listen for changes."""

    async def listening() -> int:
        topics = service.context.bus._topics
        return sum(len(topics[topic]) for topic in topics if topic is not None)

    until = time.monotonic() + DEADLINE_S
    while (now := service.do(listening())) != count:
        assert time.monotonic() < until, f'{now} wait, not {count}'


def test_a_question_that_nobody_waits_for_leaves_nothing(service: InProcess) -> None:
    robot = asker(service)
    for _ in range(20):
        assert ask(robot, 'free-text', '?block=0.01')['status'] == 'pending'
    until_waiting(service, 0)
    assert service.context.bus._topics.keys() == {None}
    assert seen(robot, ask(robot, 'free-text')['id'])['status'] == 'pending'
