# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pushes on the robot: believed when signed, looked into when not, bounded always."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from spark_ros.escalation.answers.webhook_receiver import (
    MAX_AGE_S,
    MAX_BODY_BYTES,
    WebhookReceiver,
    WebhookSettings,
)
from spark_ros.escalation.small_server import MAX_OF_PEER, SmallHandler, SmallServer
from spark_ros.wire.signing import webhook_signature

SECRET = 'shared secret'
DEADLINE_S = 60.0
BODY = b'{"token":"t","state":"closed"}'


@dataclass
class Robot:
    """Who is behind the receiver."""

    settles: bool = True
    fails: Exception | None = None
    taken: list[Any] = field(default_factory=list)
    looks: int = 0

    def read(self, body: Any) -> Any:
        if isinstance(self.fails, ValueError):
            raise self.fails
        return body

    def take_in(self, report: Any) -> Future[bool]:
        settled: Future[bool] = Future()
        if self.fails is not None:
            settled.set_exception(self.fails)
        else:
            self.taken.append(report)
            settled.set_result(self.settles)
        return settled

    def look(self) -> None:
        self.looks += 1


def settings(secret: str) -> WebhookSettings:
    return WebhookSettings('127.0.0.1', 0, secret)


@pytest.fixture
def robot() -> Robot:
    return Robot()


@pytest.fixture
def receiver(robot: Robot) -> Iterator[WebhookReceiver]:
    one = WebhookReceiver(settings(SECRET), robot.read, robot.take_in, robot.look)
    yield one
    one.close()


def push(
    receiver: WebhookReceiver, body: bytes = BODY, secret: str = SECRET, age_s: float = 0.0
) -> int:
    time_ms = int((time.time() - age_s) * 1000)
    return httpx.post(
        f'http://127.0.0.1:{receiver.port}/anything',
        content=body,
        headers={'Spark-Signature': webhook_signature(secret, body, time_ms)},
        trust_env=False,
        timeout=DEADLINE_S,
    ).status_code


def test_a_signed_push_is_taken_in(receiver: WebhookReceiver, robot: Robot) -> None:
    assert push(receiver) == 200
    assert robot.taken == [json.loads(BODY)] and robot.looks == 0


def test_what_is_not_settled_is_to_be_pushed_again(
    receiver: WebhookReceiver, robot: Robot
) -> None:
    robot.settles = False
    assert push(receiver) == 503
    robot.fails = OSError('the disk')
    assert push(receiver) == 503


@pytest.mark.parametrize(
    ('secret', 'age_s'), [('another', 0.0), (SECRET, MAX_AGE_S + 60), (SECRET, -MAX_AGE_S - 60)]
)
def test_a_push_that_cannot_be_verified_only_makes_it_look(
    receiver: WebhookReceiver, robot: Robot, secret: str, age_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('spark_ros.escalation.answers.webhook_receiver.POLL_EVERY_S', 3600.0)
    assert push(receiver, secret=secret, age_s=age_s) == 200
    assert robot.taken == [] and robot.looks == 1
    # A flood of them is no reason to look more often.
    assert [push(receiver, secret='x') for _ in range(5)] == [200] * 5
    assert robot.looks == 1


@pytest.mark.parametrize('header', ['', 't=1,v1=00', 'nonsense', f't=1,v1={"0" * 64}'])
def test_any_other_signature_is_none(
    receiver: WebhookReceiver, robot: Robot, header: str
) -> None:
    answer = httpx.post(
        f'http://127.0.0.1:{receiver.port}/', content=BODY, trust_env=False,
        timeout=DEADLINE_S, headers={'Spark-Signature': header},
    )  # fmt: skip
    assert answer.status_code == 200 and robot.taken == [] and robot.looks == 1


def test_without_a_secret_nothing_is_believed(robot: Robot) -> None:
    receiver = WebhookReceiver(settings(''), robot.read, robot.take_in, robot.look)
    try:
        assert push(receiver, secret='') == 200
        assert robot.taken == [] and robot.looks == 1
    finally:
        receiver.close()


def test_signed_garbage_is_refused(receiver: WebhookReceiver, robot: Robot) -> None:
    assert push(receiver, b'{"half": ') == 400
    assert push(receiver, b'[' * 100_000) == 400
    robot.fails = ValueError('the push has no token')
    assert push(receiver) == 400
    assert robot.taken == []


def test_a_body_is_bounded_before_it_is_read(receiver: WebhookReceiver, robot: Robot) -> None:
    for length in (str(MAX_BODY_BYTES + 1), '-1', 'many', '9' * 30):
        with socket.create_connection(('127.0.0.1', receiver.port), DEADLINE_S) as connection:
            connection.sendall(f'POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n'.encode())
            assert connection.recv(100).split()[1] in (b'411', b'413')
    assert robot.taken == [] and robot.looks == 0


def test_other_methods_are_no_pushes(receiver: WebhookReceiver, robot: Robot) -> None:
    answer = httpx.get(f'http://127.0.0.1:{receiver.port}/', trust_env=False, timeout=DEADLINE_S)
    assert answer.status_code == 501 and robot.looks == 0


def test_connections_that_only_drip_turn_no_push_away(
    receiver: WebhookReceiver, robot: Robot
) -> None:
    """The peer's oldest make room, and what takes too long is closed whatever else happens."""
    dripping = [
        socket.create_connection(('127.0.0.1', receiver.port), DEADLINE_S)
        for _ in range(2 * MAX_OF_PEER)
    ]
    for one in dripping:
        one.sendall(b'POST / HTTP/1.1\r\nContent-Length: 100\r\n')
    assert push(receiver) == 200 and len(robot.taken) == 1
    # Reset, where not even its header was read.
    with suppress(ConnectionResetError):
        assert dripping[0].recv(1) == b''
    for one in dripping:
        one.close()


def test_a_request_ends_in_time_however_it_drips() -> None:
    def slow(request: SmallHandler) -> None:
        request.rfile.read(10_000)

    server = SmallServer(('127.0.0.1', 0), 'POST', slow, 'slow', request_s=0.5)
    try:
        begun = time.monotonic()
        with socket.create_connection(('127.0.0.1', server.port), 0.05) as connection:
            connection.sendall(b'POST / HTTP/1.1\r\n\r\n')
            with suppress(OSError):
                while time.monotonic() < begun + DEADLINE_S:
                    connection.sendall(b'x')
                    with suppress(TimeoutError):
                        if connection.recv(1) == b'':
                            break
        assert 0.4 < time.monotonic() - begun < DEADLINE_S
    finally:
        server.stop()
