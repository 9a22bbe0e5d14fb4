# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Large JSON: what is taken, what it costs everybody else, and answers that come in parts."""

from __future__ import annotations

import asyncio
import json
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from heat_harness import ask, asker, is_error
from service_harness import URL, Caller, InProcess, prior, question

from spark_ros.clients import HeatClient, SparkClient
from spark_ros.service.storage import jobs, leases
from spark_ros.service.web.body import parse_json
from spark_ros.wire.spark import METADATA_LIMIT

pytestmark = [
    pytest.mark.slow('reads megabytes while others ask'),
    pytest.mark.sqlite('about reading, not about what is stored'),
]

MEBIBYTE = 2**20
BLOCKED_S = 0.25
TICK_S = 0.01
IMAGES = [f'http://images.test/{at}.jpg' for at in range(50)]
PRIOR = prior('crate', 0.123456, 0.2, 0.87654321, 0.9, metadata={'score': 0.5})


async def longest_block(stop: asyncio.Event) -> float:
    """Return for how long nothing else could run on the event loop, at the longest, in seconds."""
    loop, longest = asyncio.get_running_loop(), 0.0
    while not stop.is_set():
        begun = loop.time()
        await asyncio.sleep(TICK_S)
        longest = max(longest, loop.time() - begun - TICK_S)
    return longest


async def watched(work: Any) -> tuple[Any, float]:
    """Return what some work gives, and for how long it blocked the event loop at the longest."""
    stop = asyncio.Event()
    watcher = asyncio.create_task(longest_block(stop))
    try:
        result = await work
    finally:
        stop.set()
        longest = await watcher
    return result, longest


def expect_no_block(measure: Callable[[], float]) -> None:
    """Something else on the machine may take the processor away; it has to be good once."""
    blocked = []
    while len(blocked) < 3 and (not blocked or min(blocked) >= BLOCKED_S):
        blocked.append(measure())
    assert min(blocked) < BLOCKED_S, blocked


@pytest.mark.parametrize(
    'priors',
    [
        pytest.param(PRIOR | {'metadata': {'note': 'x' * 2000}}, id='few large priors'),
        pytest.param(
            PRIOR, id='ten thousand priors',
            marks=pytest.mark.slow('it parses eight times ten thousand priors'),
        ),
    ],
)  # fmt: skip
def test_large_bodies_do_not_hold_up_the_event_loop(
    service: InProcess, priors: dict[str, Any]
) -> None:
    callers = [service.tenant(f'r{at}') for at in range(8)]
    number = min(10_000, 2 * MEBIBYTE // len(json.dumps(priors)) - 3)
    body = question(content_location=IMAGES, priors={'annotations': [priors] * number})
    raw = json.dumps(body).encode()
    assert 1.8 * MEBIBYTE < len(raw) <= 2 * MEBIBYTE

    async def all_at_once() -> list[int]:
        async with service.client() as http:
            answers = await asyncio.gather(*(
                http.post('/v1/engagement', content=raw, headers=caller.headers)
                for caller in callers
            ))
        return [answer.status_code for answer in answers]

    def block() -> float:
        statuses, longest = service.do(watched(all_at_once()))
        assert statuses == [200] * 8
        return longest

    expect_no_block(block)


def test_large_bodies_are_not_read_where_the_database_is(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []

    def noting(*given: Any) -> Any:
        names.append(threading.current_thread().name)
        return parse_json(*given)

    robot = service.tenant()
    heat = asker(service, 'heat')
    monkeypatch.setattr('spark_ros.service.web.body.parse_json', noting)
    robot.ask(instructions='x' * 10_000, metadata={'a': 'x' * 60_000})
    ask(heat, 'free-text', more='x' * 80_000)
    assert names == ['large-json_0'] * 2


def test_priors_are_counted_for_each_image(service: InProcess) -> None:
    operator = service.operator()
    box = (0.1, 0.1, 0.2, 0.2)
    sent = [prior('a', *box), *(prior('a', *box, image_idx=at) for at in (1, 1, 2))]
    service.tenant().ask(content_location=IMAGES[:3], priors={'annotations': sent})
    claimed = operator.claim_first()
    assert [len(image['priors']) for image in claimed['images']] == [1, 3, 2]


@pytest.mark.parametrize('size', [METADATA_LIMIT, METADATA_LIMIT + 1])
def test_metadata_has_a_limit(service: InProcess, size: int) -> None:
    robot = service.tenant()
    metadata = {'ü': 'x' * (size - len('{"ü":""}'.encode()))}
    shape = prior('a', 0.1, 0.1, 0.2, 0.2, metadata=metadata)
    for body, name in (
        (question(metadata=metadata), 'metadata'),
        (question(priors={'annotations': [shape]}), 'priors.annotations[0].metadata'),
    ):
        answer = robot.post('/v1/engagement', json=body)
        if size <= METADATA_LIMIT:
            assert answer.status_code == 200, answer.text
        else:
            assert is_error(answer, 413)
            assert answer.json()['message'].startswith(f'{name} has {size} bytes')


def test_the_limit_of_metadata_can_be_set(make_service: Callable[..., InProcess]) -> None:
    robot = make_service(metadata_limit=10).tenant()
    assert robot.post('/v1/engagement', json=question(metadata={'a': 1})).status_code == 200
    assert is_error(robot.post('/v1/engagement', json=question(metadata={'abcdef': 12})), 413)


@pytest.fixture
def generous(make_service: Callable[..., InProcess]) -> InProcess:
    """A service that takes as much metadata as a body holds."""
    return make_service(metadata_limit=3 * MEBIBYTE)


def follow(caller: Caller, path: str) -> list[list[Any]]:
    """Return the pages of a list."""
    pages = []
    while path:
        answer = caller.get(path)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        path = answer.links.get('next', {}).get('url')
    return pages


@pytest.mark.parametrize('path', ['/v1/engagement?limit=50', '/v1/engagement/{token}'])
def test_a_list_ends_when_it_is_large(generous: InProcess, path: str) -> None:
    robot = generous.tenant()
    token = robot.ask(content_location=IMAGES[:9], metadata={'a': 'x' * (15 * MEBIBYTE // 10)})
    pages = follow(robot, path.format(token=token))
    assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
    assert [each['image_location'] for page in pages for each in page] == IMAGES[:9]
    sequel = robot.get(path.format(token=token)).headers['link']
    assert 'limit=50&cursor=2' in sequel


def test_one_that_is_larger_than_a_page_is_a_page(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('spark_ros.service.storage.change_log.PAGE_SIZE', 100)
    robot, heat = service.tenant(), asker(service, 'heat')
    robot.ask(content_location=IMAGES[:3], metadata={'a': 'x' * 200})
    assert [len(page) for page in follow(robot, '/v1/engagement')] == [1, 1, 1]
    for _ in range(3):
        ask(heat, 'free-text', instruction='x' * 200)
    assert [len(page) for page in follow(heat, '/v1/requests')] == [1, 1, 1]


def test_a_job_is_cut_and_names_the_rest(generous: InProcess) -> None:
    robot, operator = generous.tenant(), generous.operator()
    token = robot.ask(content_location=IMAGES[:6], metadata={'a': 'x' * (15 * MEBIBYTE // 10)})
    answer = robot.get(f'/v1/job/{token}')
    [job] = answer.json()
    assert [each['image_location'] for each in job['engagements']] == IMAGES[:2]
    rest = follow(robot, answer.links['next']['url'])
    assert [each['image_location'] for page in rest for each in page] == IMAGES[2:6]
    claimed = operator.claim_first()
    assert robot.get(f'/v1/job/{token}').json()[0]['state'] == 'assigned'
    empty = [{'id': image['id'], 'shapes': []} for image in claimed['images']]
    assert operator.act(claimed, 'answer-images', images=empty).status_code == 200
    [job] = robot.get(f'/v1/job/{token}').json()
    assert (job['state'], len(job['engagements'])) == ('closed', 2)
    assert job['date_closed'] == robot.get(f'/v1/engagement/{token}').json()[0]['date_closed']
    assert robot.get(f'/v1/job/{token}?state=open').json() == []
    assert 'link' not in robot.get(f'/v1/job/{robot.ask()}').headers


def test_the_clients_fetch_the_rest(generous: InProcess) -> None:
    robot, heat = generous.tenant(), asker(generous, 'heat')
    token = robot.ask(content_location=IMAGES, metadata={'a': 'x' * (4 * MEBIBYTE // 10)})
    asked = [ask(heat, 'free-text', more='x' * MEBIBYTE)['id'] for _ in range(7)]
    transport = httpx.ASGITransport(generous._app)
    bearer = robot.headers['Authorization'].split()[1]

    async def read() -> None:
        async with SparkClient(URL, bearer, transport=transport) as client:
            found = [
                await client.get_engagement(token),
                (await client.get_job(token)).engagements,
                [each async for each in client.iter_engagements()],
            ]
            for each in found:
                assert [one.image_location for one in each] == IMAGES
        async with HeatClient(URL, heat.headers['X-Heat-API-Key'], transport=transport) as client:
            assert [each.id async for each in client.iter_requests()] == asked

    generous.do(read())


@pytest.mark.parametrize('path', ['/v1/engagement?limit=50', '/v1/engagement/{}', '/v1/job/{}'])
def test_large_answers_cost_a_page_and_no_more(generous: InProcess, path: str) -> None:
    """Neither memory nor the event loop: they are written where they were read."""
    robot = generous.tenant()
    token = robot.ask(content_location=IMAGES, metadata={'a': 'x' * (19 * MEBIBYTE // 10)})

    async def get() -> int:
        async with generous.client(headers=robot.headers) as http:
            # The check of each answer would cost more than the answer.
            http.event_hooks = {}
            return len((await http.get(path.format(token))).content)

    tracemalloc.start()
    try:
        size = generous.do(get())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert MEBIBYTE < size < 5 * MEBIBYTE
    assert peak < 60 * MEBIBYTE
    expect_no_block(lambda: generous.do(watched(get()))[1])


def test_the_feed_reads_a_page_and_no_more(generous: InProcess) -> None:
    robot = generous.tenant()
    cursor = robot.get('/v1/changes').json()['cursor']
    robot.ask(content_location=IMAGES, metadata={'a': 'x' * (19 * MEBIBYTE // 10)})
    tracemalloc.start()
    try:
        page = robot.get(f'/v1/changes?cursor={cursor}').json()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(page['changes']), page['more']) == (2, True)
    assert peak < 60 * MEBIBYTE


def test_a_claim_reads_neither_request_nor_priors(service: InProcess) -> None:
    """It is done by the one thread that writes; so is an abort."""
    heat = asker(service)
    [made] = [ask(heat, 'free-text', more='x' * MEBIBYTE, exclude_crunchers=['me'])]

    def read_at_most(transaction: Any) -> int:
        tracemalloc.start()
        try:
            [row] = jobs.states(transaction.connection, 1, made['id'])
            assert not jobs.excludes(transaction.connection, row.id, '0' * 16)
            leases.claim(transaction, row.id, 'me', service.clock(), 30)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert service.context.store.write_now(read_at_most) < MEBIBYTE // 2
