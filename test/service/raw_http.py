# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Sockets that send a service bytes of the test's choice, and say what comes back."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service_harness import DEADLINE_S

ANSWER = re.compile(rb'(?is)HTTP/1\.1 .*?\r\ncontent-length: (\d+)\r\n.*?(?<=\r\n)\r\n')


def connect(url: str, receive_buffer: int | None = None) -> socket.socket:
    """Connect to a service."""
    parts = urlsplit(url)
    made = socket.socket()
    made.settimeout(DEADLINE_S)
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.connect((parts.hostname, parts.port))
    return made


@contextmanager
def crowd(url: str, count: int, said: bytes = b'') -> Iterator[list[socket.socket]]:
    """Open many connections, say the same on each, and keep them, whatever becomes of them."""
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(stack.enter_context(connect(url)))
            with contextlib.suppress(ConnectionError):
                made[-1].sendall(said)
        yield made


def send(url: str, parts: Iterable[bytes]) -> bytes:
    """Send what may be refused before its end; return what came back until it was closed."""
    with connect(url) as connection:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        return rest(connection)


def one_answer(connection: socket.socket) -> bytes:
    """Return an answer of known length, whose head may come alone; the connection stays open."""
    got = b''
    while not (found := ANSWER.match(got)) or len(got) < found.end() + int(found[1]):
        part = connection.recv(65_536)
        assert part, got
        got += part
    return got


def rest(connection: socket.socket) -> bytes:
    """Return what comes until the connection is closed."""
    got = b''
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            got += part
    return got


def status_of(answer: bytes) -> int:
    """Return the status of an answer in this service's form for errors."""
    head, _, body = answer.partition(b'\r\n\r\n')
    status = int(head.split(b' ', 2)[1])
    said: dict[str, Any] = json.loads(body)
    assert said['statusCode'] == status and said['message'], said
    return status


def drip(url: str, begun: bytes, pieces: Iterable[bytes], every_s: float) -> bytes:
    """Begin a request and go on a bit at a time; return what came back until it was closed."""
    with connect(url) as connection:
        connection.sendall(begun)
        return drip_on(connection, pieces, every_s)


def drip_on(connection: socket.socket, pieces: Iterable[bytes], every_s: float) -> bytes:
    """Send a bit at a time, until something comes back; return that, until it was closed."""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            if select.select([connection], [], [], every_s)[0]:
                break
            connection.sendall(piece)
    return rest(connection)


def was_reset(connection: socket.socket, within_s: float) -> bool:
    """Whether the other side throws a connection away in this time; reads nothing."""
    poll = select.poll()
    poll.register(connection, 0)
    return bool(poll.poll(within_s * 1000))


def resident(pid: int) -> int:
    """Return how much memory a process has, in bytes."""
    status = Path(f'/proc/{pid}/status').read_text()
    return 1024 * int(re.search(r'VmRSS:\s+(\d+) kB', status)[1])
