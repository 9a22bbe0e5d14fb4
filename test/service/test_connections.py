# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What one connection may send, how long it may take, and what happens to who does not read."""

from __future__ import annotations

import asyncio
import itertools
import resource
import socket
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from raw_http import (
    connect,
    drip,
    drip_on,
    one_answer,
    resident,
    rest,
    send,
    status_of,
    was_reset,
)
from service_harness import DEADLINE_S, Served, picture, served, served_by_process

from spark_ros.service.web.connections import DEFAULT_LIMITS, ConnectionLimits, client_network
from spark_ros.service.web.http_connection import PROGRESS, HttpConnection

pytestmark = [
    pytest.mark.slow('holds connections for seconds'),
    pytest.mark.sqlite('about connections, not about what is stored'),
]

MEBIBYTE = 1024 * 1024
SHORT = ConnectionLimits(
    head_s=0.4, keep_alive_s=0.4, body_s=0.4, stalled_s=0.4, sweep_s=0.05
)
# Seconds pass when the test says so.
UNHURRIED = replace(DEFAULT_LIMITS, sweep_s=3600.0)
GET = b'GET /healthz HTTP/1.1\r\nHost: x\r\n'
CHUNKED = b'POST /v1/engagement HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n'
WARNING_LINES = 3
T = TypeVar('T')


@pytest.fixture
def quick(data: Path, key: str) -> Iterator[Served]:
    """A service that waits for nobody for long."""
    with served(data, key=key, limits=SHORT) as service:
        yield service


@pytest.fixture
def unhurried(data: Path, key: str) -> Iterator[Served]:
    """A service whose connections have no clock but `let_pass`."""
    with served(data, key=key, limits=UNHURRIED) as service:
        yield service


def let_pass(service: Served, seconds: float) -> None:
    """Let seconds pass for the connections of a service."""
    in_its_loop(service, service.serving._server._connections.check_all(seconds))


def at_the_service(service: Served, client: socket.socket) -> HttpConnection:
    """Return the service's side of a connection."""

    async def look() -> list[HttpConnection]:
        return [each for each in connections._all if each.client == client.getsockname()]

    connections, until = service.serving._server._connections, time.monotonic() + DEADLINE_S
    while not (found := in_its_loop(service, look())):
        assert time.monotonic() < until
    return found[0]


def in_its_loop(service: Served, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop of a service."""
    loop = service.serving._server._loop
    return asyncio.run_coroutine_threadsafe(work, loop).result(DEADLINE_S)


def repeated(part: bytes, size: int) -> Iterator[bytes]:
    for _ in range(size // len(part)):
        yield part


def test_too_large_a_head_is_431_and_nothing_of_it_is_held(data: Path, key: str) -> None:
    letters = b'a' * MEBIBYTE
    authorized = CHUNKED + f'Authorization: Bearer {key}\r\n\r\n'.encode()
    with served_by_process(data) as service:
        pid = service.serving.pid
        alive = httpx.get(f'{service.url}/healthz', timeout=DEADLINE_S)
        assert alive.json() == {'status': 'ok'}
        before = resident(pid)
        for begun, endless in (
            (b'GET /', repeated(letters, 100 * MEBIBYTE)),
            (GET + b'X: ', repeated(letters, 600 * MEBIBYTE)),
            (GET, repeated(b'X: ' + letters[:1000] + b'\r\n', 100 * MEBIBYTE)),
            (GET, repeated(b'a:b\r\n', MEBIBYTE)),
            (b'', repeated(b'\r\n' * 1000, MEBIBYTE)),
            (authorized + b'1;', repeated(letters, 100 * MEBIBYTE)),
            (authorized + b'0\r\n', repeated(b'X: ' + letters[:1000] + b'\r\n', 100 * MEBIBYTE)),
        ):
            assert status_of(send(service.url, itertools.chain([begun], endless))) == 431
            assert resident(pid) - before < 20 * MEBIBYTE
        log = service.log.read_text()
    assert len(log.splitlines()) < WARNING_LINES, log


@pytest.mark.parametrize(('longer', 'status'), [(0, 200), (1, 431)])
@pytest.mark.parametrize('name', ['url', 'header', 'trickled'])
def test_the_limit_is_sharp(
    data: Path, key: str, name: str, longer: int, status: int
) -> None:
    end = b'Connection: close\r\n\r\n'
    size = DEFAULT_LIMITS.head_bytes + longer
    size -= len(b'/healthz?') + len('Host: x\r\nConnection: close\r\n')
    if name == 'url':
        sent = [GET.replace(b'/healthz', b'/healthz?' + b'a' * size), end]
    else:
        header = b'X: ' + b'a' * (size + len(b'?') - len(b'X: \r\n')) + b'\r\n'
        sent = [GET, header, end]
    if name == 'trickled':
        whole = b''.join(sent)
        sent = [whole[at : at + 999] for at in range(0, len(whole), 999)]
    # Not `quick`: all of it has to be there in time.
    with served(data, key=key) as service:
        answer = send(service.url, sent)
    assert int(answer.split(b' ', 2)[1]) == status


def test_a_trailer_is_not_taken_for_a_header(quick: Served) -> None:
    trailer = f'Authorization: Bearer {quick.key}\r\n\r\n'
    with connect(quick.url) as connection:
        connection.sendall(CHUNKED + b'\r\n2\r\n{}\r\n0\r\n' + trailer.encode())
        assert connection.recv(65_536).startswith(b'HTTP/1.1 401 ')


def test_who_sends_too_many_requests_ahead_is_cut_off(quick: Served) -> None:
    assert send(quick.url, [(GET + b'\r\n') * 5]).count(b'{"status":"ok"}') == 5
    assert send(quick.url, [(GET + b'\r\n') * 50]) == b''


@pytest.mark.parametrize(
    ('begun', 'status'),
    [(b'', None), (b'G', 408), (GET, 408), (GET + b'X: a', 408), (b'\r\n', None)],
)
def test_a_head_has_a_deadline(quick: Served, begun: bytes, status: int | None) -> None:
    answer = send(quick.url, [begun])
    assert answer == b'' if status is None else status_of(answer) == status


def test_a_dripping_head_has_the_same_deadline(quick: Served) -> None:
    assert status_of(drip(quick.url, b'GET /', [b'a'] * 1000, 0.01)) == 408


def test_a_connection_is_kept_for_the_next_request_but_not_for_long(unhurried: Served) -> None:
    with connect(unhurried.url) as connection:
        for _ in range(3):
            connection.sendall(GET + b'\r\n')
            assert one_answer(connection).endswith(b'{"status":"ok"}')
            let_pass(unhurried, UNHURRIED.keep_alive_s - 1)
            assert not was_reset(connection, 0)
        let_pass(unhurried, 2)
        assert rest(connection) == b''


def test_empty_lines_are_no_next_request(quick: Served) -> None:
    with connect(quick.url) as connection:
        connection.sendall(GET + b'\r\n')
        assert one_answer(connection).endswith(b'{"status":"ok"}')
        assert drip_on(connection, [b'\r\n'] * 1000, 0.01) == b''


def test_a_long_poll_may_take_longer_than_a_head(quick: Served) -> None:
    with httpx.Client(
        base_url=quick.url, headers=quick.headers, timeout=DEADLINE_S,
        # A connection that is kept would end at any moment.
        limits=httpx.Limits(max_keepalive_connections=0),
    ) as robot:  # fmt: skip
        cursor = robot.get('/v1/changes').json()['cursor']
        begun = time.monotonic()
        answer = robot.get(f'/v1/changes?block=1&cursor={cursor}')
        assert (answer.status_code, answer.json()['changes']) == (200, [])
        assert time.monotonic() - begun >= 1 > 2 * SHORT.head_s


def test_a_slow_body_is_408(quick: Served) -> None:
    head = f'POST /v1/engagement HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {quick.key}\r\n'
    begun = f'{head}Content-Length: 900\r\n\r\n'.encode()
    assert status_of(send(quick.url, [begun])) == 408
    assert status_of(drip(quick.url, begun, [b' '] * 800, 0.01)) == 408


def test_the_rest_of_a_refused_request_has_a_deadline(quick: Served) -> None:
    with connect(quick.url) as connection:
        connection.sendall(CHUNKED + b'\r\n1\r\na\r\n')
        assert one_answer(connection).startswith(b'HTTP/1.1 401 ')
        assert drip_on(connection, [b'1\r\na\r\n'] * 1000, 0.01) == b''


@pytest.mark.parametrize(('more', 'status'), [(0, 200), (-1, 408)])
def test_a_body_comes_at_the_least_rate_or_is_cut_off(
    unhurried: Served, more: int, status: int
) -> None:
    """It takes several intervals; in each the rate is what is asked for, or a byte less."""
    each_time = round(UNHURRIED.body_rate * UNHURRIED.body_s) + more
    content = b'{"content_location": "http://192.0.2.1/", "instructions": "x", "metadata": {"x": "'
    content += b'x' * (3 * each_time - len(content) - 3) + b'"}}'
    head = f'POST /v1/engagement HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {unhurried.key}\r\n'
    begun = f'{head}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n'.encode()
    with connect(unhurried.url) as client:
        client.sendall(begun)
        there = at_the_service(unhurried, client)
        for at in range(0, 2 * each_time, each_time):
            client.sendall(content[at : at + each_time])
            until = time.monotonic() + DEADLINE_S
            while there._body_bytes < each_time:
                assert time.monotonic() < until
            let_pass(unhurried, UNHURRIED.body_s)
            if status != 200:
                break
        else:
            client.sendall(content[2 * each_time :])
        assert rest(client).startswith(f'HTTP/1.1 {status} '.encode())


def test_who_does_not_read_is_dropped_and_who_reads_slowly_is_not(unhurried: Served) -> None:
    content = picture((2400, 2400), 'BMP')
    image = httpx.post(
        f'{unhurried.url}/v1/image', files={'image_file': ('a.bmp', content)},
        headers=unhurried.headers, timeout=DEADLINE_S,
    ).json()['url']  # fmt: skip
    call = (
        f'GET {httpx.URL(image).path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
        f'Authorization: Bearer {unhurried.key}\r\n\r\n'
    )
    with connect(unhurried.url, 4096) as idle, connect(unhurried.url, 65_536) as reading:
        for each in (idle, reading):
            each.sendall(call.encode())
        there, got, until = at_the_service(unhurried, reading), b'', time.monotonic() + DEADLINE_S
        while not (there._unsent_bytes() and at_the_service(unhurried, idle)._unsent_bytes()):
            assert time.monotonic() < until
        let_pass(unhurried, 0)
        for _ in range(3):
            let_pass(unhurried, UNHURRIED.stalled_s * 0.6)
            assert not was_reset(reading, 0)
            while there._sent_at != there._all.now:
                got += reading.recv(PROGRESS)
                let_pass(unhurried, 0)
        assert was_reset(idle, DEADLINE_S)
        assert (got + rest(reading)).endswith(content)


def test_it_takes_the_files_it_may_have_and_leaves_no_core(data: Path) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with served_by_process(data) as service:
        pid = service.serving.pid
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] == min(hard, 65_536)


@pytest.mark.parametrize(
    ('host', 'network'),
    [
        ('192.0.2.7', '192.0.2.7'),
        ('::ffff:192.0.2.7', '192.0.2.7'),
        ('2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'),
        ('fe80::1%eth0', 'fe80::/64'),
    ],
)
def test_whose_connections_count_together(host: str, network: str) -> None:
    assert client_network(host) == network


@pytest.mark.slow('waits for longer than clients keep a connection')
def test_a_connection_outlives_what_clients_keep_it_for(data: Path, key: str) -> None:
    """Else it is closed in the moment in which a client that keeps it for 5 s uses it again."""
    with served(data, key=key) as service, connect(service.url) as client:
        client.sendall(GET + b'\r\n')
        assert b'200 OK' in one_answer(client)
        client.settimeout(6.0)
        with pytest.raises(TimeoutError):
            client.recv(1)
