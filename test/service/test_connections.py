# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What one connection may send, how long it may take, and what happens to who does not read."""

from __future__ import annotations

import itertools
import resource
import time
from collections.abc import Iterator
from pathlib import Path

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

pytestmark = [
    pytest.mark.slow('holds connections for seconds'),
    pytest.mark.sqlite('about connections, not about what is stored'),
]

MEBIBYTE = 1024 * 1024
SHORT = ConnectionLimits(
    head_s=0.4, keep_alive_s=0.4, body_s=0.4, stalled_s=0.4, sweep_s=0.05
)
GET = b'GET /healthz HTTP/1.1\r\nHost: x\r\n'
CHUNKED = b'POST /v1/engagement HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n'
WARNING_LINES = 3


@pytest.fixture
def quick(data: Path, key: str) -> Iterator[Served]:
    """A service that waits for nobody for long."""
    with served(data, key=key, limits=SHORT) as service:
        yield service


def repeated(part: bytes, size: int) -> Iterator[bytes]:
    for _ in range(size // len(part)):
        yield part


def test_too_large_a_head_is_431_and_nothing_of_it_is_held(data: Path, key: str) -> None:
    letters = b'a' * MEBIBYTE
    authorized = CHUNKED + f'Authorization: Bearer {key}\r\n\r\n'.encode()
    with served_by_process(data) as service:
        pid = service.serving.pid
        assert httpx.get(f'{service.url}/healthz').json() == {'status': 'ok'}
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
    before = time.monotonic()
    answer = send(quick.url, [begun])
    assert time.monotonic() - before < 5
    assert answer == b'' if status is None else status_of(answer) == status


def test_a_dripping_head_has_the_same_deadline(quick: Served) -> None:
    assert status_of(drip(quick.url, b'GET /', [b'a'] * 1000, 0.01)) == 408


def test_a_connection_is_kept_for_the_next_request_but_not_for_long(quick: Served) -> None:
    with connect(quick.url) as connection:
        for _ in range(3):
            connection.sendall(GET + b'\r\n')
            assert one_answer(connection).endswith(b'{"status":"ok"}')
        # Not even empty lines prolong that.
        assert drip_on(connection, [b'\r\n'] * 1000, 0.01) == b''


def test_a_long_poll_may_take_longer_than_a_head(quick: Served) -> None:
    with httpx.Client(base_url=quick.url, headers=quick.headers) as robot:
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


def test_a_body_in_time_is_not_cut_off(quick: Served) -> None:
    """It takes several intervals, at a bit more than the least rate."""
    content = b'{"content_location": "http://192.0.2.1/", "instructions": "' + b'x' * 3000 + b'"}'
    head = f'POST /v1/engagement HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {quick.key}\r\n'
    begun = f'{head}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n'.encode()
    pieces = [content[at : at + 128] for at in range(0, len(content), 128)]
    assert drip(quick.url, begun, pieces, 0.05).startswith(b'HTTP/1.1 200 ')


def test_who_does_not_read_is_dropped_and_who_reads_slowly_is_not(quick: Served) -> None:
    content = picture((2400, 2400), 'BMP')
    files = {'image_file': ('a.bmp', content)}
    image = httpx.post(f'{quick.url}/v1/image', files=files, headers=quick.headers).json()['url']
    call = (
        f'GET {httpx.URL(image).path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
        f'Authorization: Bearer {quick.key}\r\n\r\n'
    )
    with connect(quick.url, 4096) as idle, connect(quick.url, 65_536) as reading:
        for each in (idle, reading):
            each.sendall(call.encode())
        got = b''
        for _ in range(30):
            assert not was_reset(reading, 0.05)
            got += reading.recv(32_768)
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
