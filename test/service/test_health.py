# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Background tasks that fail are logged, started again, and shown to whoever watches."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from s3_server import S3Server
from service_harness import DEADLINE_S, InProcess, served
from serving import command, free_port

from spark_ros.cli.service_arguments import service_parser
from spark_ros.service.background import BackgroundTasks
from spark_ros.service.monitoring import readiness
from spark_ros.service.storage.store import READERS

PAUSE_S = 0.02
LONGEST_S = 0.2


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing count as failing because this machine is busy."""
    monkeypatch.setattr(readiness, 'DATABASE_S', DEADLINE_S)
    monkeypatch.setattr(readiness, 'IMAGES_S', DEADLINE_S)


@pytest.mark.usefixtures('patient')
def test_all_is_well(service: InProcess) -> None:
    for answer in (service.send('GET', '/healthz'), service.monitor('/readyz')):
        assert (answer.status_code, answer.json()) == (200, {'status': 'ok'})


@pytest.mark.usefixtures('patient')
def test_only_the_metrics_port_says_what_fails(data: Path) -> None:
    port = free_port()
    with served(data, '--metrics-port', str(port)) as service:
        monitor = f'http://127.0.0.1:{port}'

        def get(url: str) -> httpx.Response:
            return httpx.get(url, timeout=DEADLINE_S)

        for url in (f'{service.url}/healthz', f'{monitor}/healthz', f'{monitor}/readyz'):
            assert get(url).json() == {'status': 'ok'}
        assert get(f'{monitor}/metrics').status_code == 200
        for path in ('/readyz', '/metrics', '/health'):
            assert get(service.url + path).status_code == 404
        assert get(f'{monitor}/v1/changes').status_code == 404


def test_the_metrics_port_is_off_by_default_and_only_for_this_machine() -> None:
    given = service_parser().parse_args(['serve'])
    assert (given.metrics_port, given.metrics_host) == (None, '127.0.0.1')


def test_a_taken_metrics_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])
        said = command(
            'serve', '--port', '0', '--metrics-port', port, '--data', str(tmp_path / 'data')
        )
    assert (said.returncode, said.stdout) == (1, '')
    assert said.stderr.splitlines() == [
        f'spark-service: cannot listen on 127.0.0.1 port {port}: Address already in use'
    ]


@pytest.mark.usefixtures('patient')
def test_images_that_cannot_be_written_are_shown(service: InProcess) -> None:
    incoming = service.settings.data / 'images' / 'incoming'
    incoming.rmdir()
    answer = service.monitor('/readyz')
    assert answer.status_code == 503
    assert answer.json()['message'] == 'failing: images since 2023-11-14T22:13:20.000Z'
    incoming.mkdir()
    assert service.monitor('/readyz').status_code == 200
    assert not [*incoming.iterdir()]


@pytest.mark.usefixtures('patient')
def test_a_full_disk_is_shown(make_service: Callable[..., InProcess]) -> None:
    full = make_service(min_free=2**62)
    assert full.monitor('/readyz').json()['message'].startswith('failing: images since')


def test_a_bucket_that_is_away_is_shown(
    bucket: S3Server, make_service: Callable[..., InProcess]
) -> None:
    service = make_service(images=bucket.url('ready'))
    assert service.monitor('/readyz').status_code == 200
    bucket.stop()
    try:
        assert 'images since' in service.monitor('/readyz').json()['message']
    finally:
        bucket.start()


@pytest.mark.usefixtures('patient')
def test_a_task_that_fails_is_logged_and_shown_with_its_time(
    service: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    fail, failed = threading.Event(), threading.Event()

    async def broken() -> None:
        if failed.is_set():
            # A second failure would have a line of its own.
            await asyncio.Event().wait()
        await asyncio.to_thread(fail.wait, DEADLINE_S)
        failed.set()
        raise RuntimeError('secret details')

    async def start() -> None:
        service._app.state.background.start('digging', broken)

    service.do(start())
    assert service.monitor('/readyz').status_code == 200
    with caplog.at_level(logging.ERROR, 'spark_ros.service'):
        fail.set()
        end = time.monotonic() + DEADLINE_S
        while (answer := service.monitor('/readyz')).status_code == 200:
            assert time.monotonic() < end
    assert answer.json() == {
        'statusCode': 503, 'message': 'failing: digging since 2023-11-14T22:13:20.000Z',
    }  # fmt: skip
    [record] = caplog.records
    assert record.getMessage() == 'digging failed; restarting it'
    assert record.exc_info is not None and 'secret details' in str(record.exc_info[1])


def test_a_task_that_raises_or_ends_is_started_again_after_a_growing_pause() -> None:
    starts: list[float] = []

    async def run() -> dict[str, float]:
        enough = asyncio.Event()

        async def broken() -> None:
            starts.append(asyncio.get_running_loop().time())
            if len(starts) == 7:
                enough.set()
            if len(starts) % 2:
                raise ValueError

        tasks = BackgroundTasks(lambda: 5.0, PAUSE_S, LONGEST_S)
        tasks.start('digging', broken)
        await enough.wait()
        failing = tasks.failing
        await tasks.stop()
        return failing

    assert asyncio.run(run()) == {'digging': 5.0}
    pauses = [after - before for before, after in itertools.pairwise(starts)]
    for pause, least in zip(pauses, [0.02, 0.04, 0.08, 0.16, 0.2, 0.2], strict=True):
        assert pause >= least * 0.9


def test_a_task_that_runs_long_enough_is_well_again() -> None:
    starts: list[float] = []

    async def run() -> None:
        loop, steady = asyncio.get_running_loop(), asyncio.Event()

        async def broken_twice() -> None:
            starts.append(loop.time())
            if len(starts) < 3:
                raise ValueError
            assert list(tasks.failing) == ['digging']
            loop.call_later(1.5 * LONGEST_S, steady.set)
            await asyncio.Event().wait()

        tasks = BackgroundTasks(time.time, PAUSE_S, LONGEST_S)
        tasks.start('digging', broken_twice)
        await steady.wait()
        assert not tasks.failing
        await tasks.stop()

    asyncio.run(run())
    assert len(starts) == 3


def test_stopping_ends_a_task_that_swallows_its_cancellation_once() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    async def run() -> None:
        tasks = BackgroundTasks()
        running = tasks.start('digging', stubborn)
        await asyncio.sleep(0)
        await tasks.stop()
        assert running.cancelled()

    asyncio.run(asyncio.wait_for(run(), DEADLINE_S))


def test_a_database_that_does_not_answer_is_shown(service: InProcess) -> None:
    """Its readers are all held up, as by a disk that hangs."""
    over = threading.Event()
    held: list[asyncio.Future[bool]] = []

    async def hold_up() -> None:
        held.extend(
            asyncio.ensure_future(service.context.store.read(lambda _: over.wait(DEADLINE_S)))
            for _ in range(2 * READERS)
        )

    service.do(hold_up())
    try:
        answer = service.monitor('/readyz')
        assert answer.status_code == 503
        assert answer.json()['message'] == 'failing: database since 2023-11-14T22:13:20.000Z'
        assert not any(each.done() for each in held)
        service.clock.now += 60
        assert service.monitor('/readyz').json() == answer.json()
    finally:
        over.set()
    end = time.monotonic() + DEADLINE_S
    while service.monitor('/readyz').status_code != 200:
        assert time.monotonic() < end
