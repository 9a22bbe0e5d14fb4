# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""More connections than there is room for: who gives way, and who is served all the same."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from heat_harness import body
from raw_http import connect, crowd, one_answer, rest, send, status_of, was_reset
from service_harness import DEADLINE_S, Served, log_in, served, served_by_process
from serving import printed

from spark_ros.service.web.connections import DEFAULT_LIMITS, ConnectionLimits

pytestmark = pytest.mark.sqlite('about connections, not about what is stored')

MOST = 8
FEW = ConnectionLimits(most=MOST, head_s=DEADLINE_S)
GET = b'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
DRIP = b'GET /healthz HTTP/1.1\r\nX: '
# Its body is waited for.
LOGIN = (
    b'POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'
    b'Content-Length: 9\r\n\r\n'
)


@pytest.fixture
def key(data: Path) -> str:
    return printed('key', 'create', 'robot', '--heat', '--data', str(data))


@pytest.fixture
def small(data: Path, key: str) -> Iterator[Served]:
    """A service with room for a few connections."""
    with served(data, key=key, limits=FEW) as service:
        yield service


def test_who_waits_longest_gives_way(small: Served) -> None:
    with crowd(small.url, MOST, DRIP) as waiting, contextlib.ExitStack() as later:
        for number, each in enumerate(waiting):
            assert not was_reset(each, 0)
            later.enter_context(connect(small.url))
            assert was_reset(each, DEADLINE_S)
            assert not any(was_reset(other, 0) for other in waiting[number + 1 :])


def test_how_many_there_may_be_is_an_option(data: Path) -> None:
    with (
        served(data, '--max-connections', str(MOST)) as service,
        crowd(service.url, MOST, DRIP) as waiting,
        connect(service.url),
    ):
        assert was_reset(waiting[0], DEADLINE_S) and not was_reset(waiting[1], 0)


def test_whoever_has_a_request_under_way_is_kept(small: Served) -> None:
    """A long poll, an event stream and an upload; strangers' requests are not."""
    call = f'Host: x\r\nX-Heat-API-Key: {small.key}\r\n'
    with (
        httpx.Client(
            base_url=small.url, headers={'X-Heat-API-Key': small.key}, timeout=DEADLINE_S
        ) as robot,
        httpx.Client(base_url=small.url, timeout=DEADLINE_S) as console,
        connect(small.url) as polling,
        connect(small.url) as uploading,
    ):
        id = robot.post('/v1/requests/free-text', json=body('free-text')).json()['id']
        log_in(console, small.login)
        polling.sendall(f'GET /v1/requests/{id}?block=60 HTTP/1.1\r\n{call}\r\n'.encode())
        uploading.sendall(
            f'POST /v1/image HTTP/1.1\r\n{call}Content-Length: 10\r\nConnection: close\r\n'
            'Content-Type: multipart/form-data; boundary=b\r\n\r\n'.encode()
        )
        wait_until_kept(small, 2)
        with console.stream('GET', '/console/api/events') as events:
            lines = events.iter_lines()
            assert next(lines) == 'event: queue'
            with (
                crowd(small.url, 3 * MOST),
                crowd(small.url, 3 * MOST, DRIP),
                contextlib.ExitStack() as strangers,
            ):
                for _ in range(2 * MOST):
                    strangers.enter_context(crowd(small.url, 1, LOGIN))
                    assert b'200 OK' in send(small.url, [GET + b'\r\n'])
                assert not was_reset(polling, 0) and not was_reset(uploading, 0)
                robot.post(f'/v1/tasks/abort/{id}').raise_for_status()
                assert b'"aborted"' in one_answer(polling)
                uploading.sendall(b'0123456789')
                assert rest(uploading).startswith(b'HTTP/1.1 400 ')
            # After a line that says that it is still there, too.
            assert 'event: queue' in lines


def wait_until_kept(service: Served, count: int) -> None:
    """Wait until so many connections are known to be a caller's, and have a request under way."""
    kept = service.serving._server._connections._callers
    end = time.monotonic() + DEADLINE_S
    while len(kept) < count:
        assert time.monotonic() < end


def poll(service: Served, key: str) -> bytes:
    """Return a call of a key that waits for a minute."""
    headers = {'X-Heat-API-Key': key}
    answer = httpx.get(f'{service.url}/v1/changes', headers=headers, timeout=DEADLINE_S)
    cursor = answer.json()['cursor']
    return (
        f'GET /v1/changes?block=60&cursor={cursor} HTTP/1.1\r\nHost: x\r\n'
        f'X-Heat-API-Key: {key}\r\n\r\n'
    ).encode()


def wait_for_polls(service: Served, count: int) -> None:
    waiting = service.serving._server._app.state.context.blocked_calls._held
    end = time.monotonic() + DEADLINE_S
    while waiting.total() < count:
        assert time.monotonic() < end


def test_one_caller_does_not_keep_others_out(small: Served) -> None:
    with crowd(small.url, MOST, poll(small, small.key)) as polling:
        wait_for_polls(small, MOST)
        for _ in range(MOST):
            assert b'200 OK' in send(small.url, [GET + b'\r\n'])
        assert [was_reset(each, 0) for each in polling].count(True) == 1


def test_when_all_are_in_use_by_callers_another_is_told(small: Served) -> None:
    place = ('--heat', '--data', str(small.data))
    keys = [small.key, *(printed('key', 'create', f'robot {n}', *place) for n in range(3))]
    with contextlib.ExitStack() as stack:
        for key in keys:
            stack.enter_context(crowd(small.url, MOST // 4, poll(small, key)))
        wait_for_polls(small, MOST)
        answer = send(small.url, [GET + b'\r\n'])
        assert status_of(answer) == 503
        assert b'Retry-After' in answer


def test_handshakes_that_never_end_keep_nobody_out(data: Path, tmp_path: Path) -> None:
    chain, key = tmp_path / 'chain.pem', tmp_path / 'key.pem'
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
         '-nodes', '-days', '2', '-subj', '/CN=x', '-addext', 'subjectAltName=IP:127.0.0.1',
         '-out', str(chain), '-keyout', str(key)],
        check=True, capture_output=True, timeout=DEADLINE_S,
    )  # fmt: skip
    trust = ssl.create_default_context(cafile=chain)
    client_options: dict[str, Any] = {'verify': trust, 'timeout': DEADLINE_S}
    tls = ('--tls-cert', str(chain), '--tls-key', str(key))
    with served(data, *tls, limits=FEW) as service:
        with crowd(service.url, 3 * MOST) as silent, httpx.Client(**client_options) as client:
            assert client.get(f'{service.url}/healthz').status_code == 200
            # All of those are left for which there is room beside it.
            assert [was_reset(each, 0) for each in silent[-MOST + 1 :]] == [False] * (MOST - 1)
        assert service.log.read_text() == ''
    limits = ConnectionLimits(most=MOST, head_s=2.0, sweep_s=0.1)
    with served(data, *tls, limits=limits) as service:
        with crowd(service.url, 3 * MOST) as silent, httpx.Client(**client_options) as client:
            # Also the last of them is closed in the end.
            assert [rest(each) for each in silent] == [b''] * len(silent)
            assert client.get(f'{service.url}/healthz').status_code == 200
        assert service.log.read_text() == ''


@pytest.mark.slow('starts a service without files')
def test_when_there_are_no_files_left_it_goes_on_and_says_so_once(data: Path) -> None:
    """So few files that what else the service needs leaves too few for its connections."""
    with served_by_process(data, files=40) as service:
        for _ in range(3):
            with crowd(service.url, 60, DRIP):
                assert b'200 OK' in send(service.url, [GET + b'\r\n'])
        possible, line = service.log.read_text().splitlines()
        assert 'there are files for 20 connections, not for 2048' in possible
        assert 'Too many open files' in line


@pytest.mark.slow('opens 800 connections')
def test_400_idle_and_400_dripping_connections_keep_nobody_out(data: Path, key: str) -> None:
    """With `ulimit -n 256`: a bystander is served, quickly, and the log stays small."""
    over = threading.Event()

    def drip(connections: list[socket.socket]) -> None:
        while not over.wait(0.2):
            for each in connections:
                with contextlib.suppress(OSError):
                    each.send(b'x')

    took = []
    with served_by_process(data, key=key, files=256) as service:
        with crowd(service.url, 400) as idle, crowd(service.url, 400, DRIP) as dripping:
            dripper = threading.Thread(target=drip, args=[dripping])
            dripper.start()
            try:
                headers = {'X-Heat-API-Key': key}
                for _ in range(50):
                    begun = time.monotonic()
                    httpx.post(
                        f'{service.url}/v1/requests/free-text', json=body('free-text'),
                        headers=headers, timeout=DEADLINE_S,
                    ).raise_for_status()
                    took.append(time.monotonic() - begun)
                    with contextlib.suppress(OSError):
                        # The crowd comes back.
                        idle.append(connect(service.url))
            finally:
                over.set()
                dripper.join()
                for each in idle[400:]:
                    each.close()
            files = len(list(Path(f'/proc/{service.serving.pid}/fd').iterdir()))
        # Not only when one of the crowd is closed for its age.
        assert sorted(took)[-2] < DEFAULT_LIMITS.head_s / 2, took
        assert files < 200
        said = service.log.read_text().splitlines()
        # Besides a line for each question.
        assert len([line for line in said if 'state=created' not in line]) < 10
