# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the Heat client does when a service misbehaves, and that its key is never seen."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import faults
import pytest
from faults import shown

from spark_ros.clients import (
    AuthenticationError,
    ClientError,
    ConnectionFailed,
    HeatClient,
    ProtocolError,
    RateLimitedError,
    RefusedError,
    RetryPolicy,
    ServerError,
)

KEY = 'open-sesame-4711'
ID = 'r-1'
PENDING = {'id': ID, 'status': 'pending'}
Call = Callable[[HeatClient], Awaitable[Any]]


async def create(client: HeatClient) -> Any:
    """Ask something."""
    return (await client.rating(instruction='How many?')).id


async def abort(client: HeatClient) -> Any:
    """Take it back."""
    return ID if await client.abort(ID) else None


async def look(client: HeatClient) -> Any:
    """Read something."""
    return (await client.get_request(ID)).id


def outcome(server: Any, call: Call = create, **options: Any) -> Any:
    """Make one call against a server; return its result or error."""
    return faults.outcome(server, lambda url: HeatClient(url, KEY, **options), call)


@pytest.fixture(
    params=['close', 'reset', 'half', 'garbage', 'empty', 'list', 'no id', 'odd status', '500',
            '503', '429']
)  # fmt: skip
def bad_act(request: pytest.FixtureRequest, fault_server: Any) -> Any:
    """One way to fail for a moment."""
    answer = fault_server.answer
    return {
        **faults.passing(fault_server),
        'list': answer([PENDING]),
        'no id': answer({'status': 'pending'}),
        'odd status': answer({'id': ID, 'status': 'thinking'}),
        '429': answer({'statusCode': 429, 'message': 'slow down'}, 429),
    }[request.param]


@pytest.mark.parametrize('call', [create, abort, look])
def test_a_passing_fault_is_outlived(
    fault_server: Any, bad_act: Any, naps: Any, call: Call
) -> None:
    """Twice bad, then good: one result; a POST keeps its idempotency key and its bytes."""
    server = fault_server(bad_act, bad_act, fault_server.answer({**PENDING, 'success': True}))
    assert outcome(server, call, sleep=naps, random=lambda: 0.0) == ID
    assert naps.taken == [0.25, 0.5]
    sent = {(r.headers.get('idempotency-key'), r.target, r.body) for r in server.received}
    assert len(server.received) == 3 and len(sent) == 1
    assert (None in sent.pop()) == (call is look)


def test_a_lasting_fault_is_reported(fault_server: Any, bad_act: Any, naps: Any) -> None:
    """After as many attempts as the policy has; another time it may work."""
    server = fault_server(bad_act)
    error = outcome(server, sleep=naps, retry=RetryPolicy(attempts=3))
    assert isinstance(error, ConnectionFailed | ProtocolError | ServerError | RateLimitedError)
    assert error.transient and not error.final
    assert error.may_have_arrived == (not isinstance(error, RateLimitedError))
    assert len(server.received) == 3


@pytest.mark.parametrize(
    ('status', 'kind'),
    [(400, RefusedError), (401, AuthenticationError), (409, RefusedError), (449, RefusedError)],
)
def test_a_refusal_is_not_repeated(
    fault_server: Any, naps: Any, status: int, kind: type[ClientError]
) -> None:
    """It comes at once, with the service's words."""
    server = fault_server(fault_server.answer({'statusCode': status, 'message': 'no!'}, status))
    error = outcome(server, sleep=naps)
    assert type(error) is kind and 'no!' in str(error)
    assert len(server.received) == 1 and not naps.taken


def test_slow_down(fault_server: Any, naps: Any) -> None:
    """429 with Retry-After: so long, and then again."""
    busy = fault_server.answer({'message': 'slow down'}, 429, Retry_After='7')
    assert outcome(fault_server(busy, fault_server.answer(PENDING)), sleep=naps) == ID
    assert naps.taken == [7]


@pytest.mark.parametrize(
    ('block_s', 'options'),
    [(0.3, {'timeout_s': 0.1}), (0.3, {'timeout_s': 20, 'deadline_s': 0.1})],
)
@pytest.mark.parametrize('how', ['ask', 'look'])
def test_who_blocks_is_waited_for(
    fault_server: Any, block_s: float, options: dict[str, float], how: str
) -> None:
    """Timeout and deadline begin to count where the blocking ends."""

    async def call(client: HeatClient) -> Any:
        if how == 'ask':
            return await client.free_text(instruction='Look.', block_s=block_s)
        return await client.get_request(ID, block_s=block_s)

    began = time.monotonic()
    error = outcome(fault_server(fault_server.hang), call, retry=RetryPolicy.none(), **options)
    assert isinstance(error, ConnectionFailed) and error.timed_out and error.may_have_arrived
    assert time.monotonic() - began >= 0.4 - 0.01
    if 'deadline_s' in options:
        assert 'not done within 0.4 s' in str(error)


def test_who_does_not_block_is_not(fault_server: Any) -> None:
    """The same service, and the plain timeout."""
    error = outcome(
        fault_server(fault_server.hang), look, retry=RetryPolicy.none(), deadline_s=0.1
    )
    assert 'not done within 0.1 s' in str(error)


@pytest.mark.parametrize('call', [create, abort, look])
@pytest.mark.parametrize('fault', ['close', 'reset', 'half', '401', '400', '500', 'id'])
def test_no_failure_shows_the_key(
    fault_server: Any, naps: Any, caplog: pytest.LogCaptureFixture, call: Call, fault: str
) -> None:
    """Also not where the service itself repeats it."""
    caplog.set_level(logging.DEBUG)
    answer = fault_server.answer
    act = {
        'half': answer(KEY.encode(), length=100),
        '401': answer({'statusCode': 401, 'message': f'bad key {KEY}'}, 401),
        '400': answer(KEY.encode(), 400),
        '500': answer({'message': f'{KEY}{KEY}'}, 500),
        'id': answer({'id': 7, 'status': KEY}),
    }.get(fault) or getattr(fault_server, fault)
    reprs = []

    async def noted(client: HeatClient) -> Any:
        reprs.append(f'{client!r} {vars(client)}')
        return await call(client)

    error = outcome(fault_server(act), noted, sleep=naps, retry=RetryPolicy(attempts=2))
    assert isinstance(error, ClientError)
    for text in (shown(error), *reprs, caplog.text):
        assert text and KEY not in text
    assert error.__cause__ is None and error.__context__ is None


def test_the_answer_to_another_request_does_not_show_the_key(fault_server: Any) -> None:
    """Nor a status that is none."""
    for body in ({'id': KEY, 'status': 'pending'}, {'id': ID, 'status': KEY}):
        error = outcome(fault_server(fault_server.answer(body)), look, retry=RetryPolicy.none())
        assert isinstance(error, ProtocolError) and KEY not in shown(error)


def test_a_success_does_not_log_the_key(
    fault_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG httpx and httpcore tell a lot."""
    caplog.set_level(logging.DEBUG)
    server = fault_server(fault_server.answer(PENDING))
    assert outcome(server) == ID
    assert server.received[0].headers['x-heat-api-key'] == KEY
    assert 'HTTP Request: POST' in caplog.text and KEY not in caplog.text


@pytest.mark.parametrize('key', ['', KEY + '\n', KEY + ' ', KEY + 'ä', KEY + '\x00'])
def test_a_key_that_no_header_carries(key: str) -> None:
    """Refused without repeating it."""
    with pytest.raises(ValueError, match='header') as caught:
        HeatClient('http://h', key)
    assert KEY not in str(caught.value)
