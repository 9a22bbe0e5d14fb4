# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the client does when a service, or the way to it, misbehaves; on real sockets."""

from __future__ import annotations

import asyncio
import copy
import gzip
import pickle
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import faults
import pytest

from spark_ros.clients import (
    AuthenticationError,
    ClientError,
    ConnectionFailed,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RedirectError,
    RefusedError,
    ResponseError,
    RetryPolicy,
    ServerError,
    SparkClient,
    UnsupportedError,
)

URL = 'http://images.example/frame.jpg'
Call = Callable[[SparkClient], Awaitable[Any]]


async def create(client: SparkClient) -> str:
    """Ask something."""
    return await client.create_engagement(URL, instructions='Is the path free?')


async def upload(client: SparkClient) -> Any:
    """Upload something."""
    return await client.upload_image(b'\xff\xd8 not much of an image', tag='front')


async def listing(client: SparkClient) -> Any:
    """Read something."""
    return await client.list_engagements()


def outcome(server: Any, call: Call = create, **options: Any) -> Any:
    """Make one call against a server; return its result or error."""
    return faults.outcome(server, lambda url: SparkClient(url, 'sesame', **options), call)


@pytest.fixture(
    params=['close', 'reset', 'half', 'garbage', 'empty', '500', '503', 'scalar', '408']
)
def bad_act(request: pytest.FixtureRequest, fault_server: Any) -> Any:
    """One way to fail for a moment."""
    answer = fault_server.answer
    return {
        **faults.passing(fault_server),
        'scalar': answer(7),
        '408': answer(b'slow', 408),
    }[request.param]


@pytest.mark.parametrize('call', [create, upload])
def test_a_passing_fault_is_outlived(
    fault_server: Any, bad_act: Any, naps: Any, call: Call
) -> None:
    """Twice bad, then good: one result, and three times the same key with the same bytes."""
    good = fault_server.answer({'token': 't', 'url': URL})
    server = fault_server(bad_act, bad_act, good)
    result = outcome(server, call, sleep=naps, random=lambda: 0.0)
    assert result == 't' or result.url == URL
    assert naps.taken == [0.25, 0.5]
    assert len(server.received) == 3
    assert len({request.headers['idempotency-key'] for request in server.received}) == 1
    assert len({request.headers['content-type'] for request in server.received}) == 1
    assert len({request.body for request in server.received}) == 1


def test_a_lasting_fault_is_reported(fault_server: Any, bad_act: Any, naps: Any) -> None:
    """After as many attempts as the policy has; it may have arrived, and it is not final."""
    server = fault_server(bad_act)
    error = outcome(server, sleep=naps, retry=RetryPolicy(attempts=3))
    assert isinstance(error, ConnectionFailed | ProtocolError | ServerError)
    assert error.may_have_arrived and error.transient and not error.final
    assert len(server.received) == 3


def test_one_attempt_for_who_wants_one(fault_server: Any, bad_act: Any, naps: Any) -> None:
    """RetryPolicy.none() leaves repeating to the caller."""
    server = fault_server(bad_act)
    assert isinstance(outcome(server, sleep=naps, retry=RetryPolicy.none()), ClientError)
    assert len(server.received) == 1 and not naps.taken


def test_the_callers_key_is_sent(fault_server: Any) -> None:
    """Else each call makes up its own."""
    server = fault_server(fault_server.answer({'token': 't'}))

    async def calls(client: SparkClient) -> None:
        await client.create_engagement(URL, program_name='p', idempotency_key='escalation-1')
        await create(client)
        await create(client)

    outcome(server, calls)
    keys = [request.headers['idempotency-key'] for request in server.received]
    assert keys[0] == 'escalation-1' and len(set(keys)) == 3


def test_nobody_listens(fault_server: Any, naps: Any) -> None:
    """A refused connection: nothing has arrived."""

    async def run() -> ClientError:
        async with fault_server(fault_server.close) as server:
            url = server.url
        async with SparkClient(url, 'sesame', sleep=naps) as client:
            with pytest.raises(ConnectionFailed) as caught:
                await create(client)
        return caught.value

    error = asyncio.run(run())
    assert not error.may_have_arrived and not error.final
    assert len(naps.taken) == 3


def test_an_earlier_attempt_may_have_arrived(fault_server: Any, naps: Any) -> None:
    """Cut off, then refused: the refusal does not hide that the first may have arrived."""
    server = fault_server(fault_server.vanish)
    error = outcome(server, sleep=naps)
    assert isinstance(error, ConnectionFailed) and 'ConnectError' in str(error)
    assert error.may_have_arrived
    assert len(server.received) == 1


def test_silence_times_out(fault_server: Any, naps: Any) -> None:
    """A service that takes the request and says nothing."""
    error = outcome(
        fault_server(fault_server.hang), timeout_s=0.1, sleep=naps, retry=RetryPolicy(attempts=2)
    )
    assert isinstance(error, ConnectionFailed)
    assert error.timed_out and error.may_have_arrived


def test_a_drip_ends_at_the_deadline(fault_server: Any) -> None:
    """One byte now and then is never silent for long, but a call has an end."""
    error = outcome(fault_server(fault_server.drip), listing, timeout_s=5.0, deadline_s=0.3)
    assert isinstance(error, ConnectionFailed)
    assert error.timed_out and '0.3 s' in str(error)


def test_no_wait_past_the_deadline(fault_server: Any, naps: Any) -> None:
    """An error now rather than the same error later."""
    act = fault_server.answer(b'', 429, Retry_After='20')
    error = outcome(fault_server(act), sleep=naps, deadline_s=10.0)
    assert isinstance(error, RateLimitedError) and error.retry_after == 20.0
    assert not naps.taken


@pytest.mark.parametrize(
    ('header', 'nap'),
    [('7', 7.0), ('9999', 30.0), (formatdate(1_700_000_012, usegmt=True), 0.25), ('soon', 0.25)],
)
def test_retry_after_is_honoured(fault_server: Any, naps: Any, header: str, nap: float) -> None:
    """Seconds or a date (here a past one), up to the longest delay."""
    server = fault_server(
        fault_server.answer({'statusCode': 429, 'message': 'slower'}, 429, Retry_After=header),
        fault_server.answer({'token': 't'}),
    )
    assert outcome(server, sleep=naps, random=lambda: 0.0) == 't'
    assert naps.taken == [nap]


@pytest.mark.parametrize(
    ('status', 'kind', 'final'),
    [
        (400, RefusedError, True),
        (401, AuthenticationError, False),
        (403, AuthenticationError, False),
        (404, NotFoundError, True),
        (405, UnsupportedError, True),
        (409, RefusedError, True),
        (410, RefusedError, True),
        (413, RefusedError, True),
        (415, RefusedError, True),
        (422, RefusedError, True),
    ],
)
def test_a_refusal_is_asked_once(
    fault_server: Any, naps: Any, status: int, kind: type[ResponseError], final: bool
) -> None:
    """No other 4xx is repeated; the service's words are there."""
    body = {'statusCode': status, 'message': 'no such \x1b[31mprogram\n\u202e' + 'x' * 1000}
    server = fault_server(fault_server.answer(body, status))
    error = outcome(server, sleep=naps)
    assert type(error) is kind and error.status == status
    assert error.final is final and not error.transient and not error.may_have_arrived
    assert len(server.received) == 1 and not naps.taken
    assert error.message.startswith('no such [31mprogram xxx')
    assert len(error.message) == 500
    for copied in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(copied), str(copied)) == (kind, str(error))


@pytest.mark.parametrize(
    ('body', 'status', 'final'),
    [
        (b'<html>Welcome, dear guest!', 404, False),
        (b'404 page not found', 404, False),
        (b'', 405, False),
        (b'[]', 410, False),
        (b'{"detail": "Not Found"}', 404, True),
        (b'<html>413 Request Entity Too Large', 413, True),
    ],
)
def test_a_page_at_a_wrong_url_is_no_verdict(
    fault_server: Any, naps: Any, body: bytes, status: int, final: bool
) -> None:
    error = outcome(fault_server(fault_server.answer(body, status)), sleep=naps)
    for copied in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert copied.final is final
        assert copied.outage is not final


@pytest.mark.parametrize(
    ('body', 'message'),
    [
        (b'plain words', 'plain words'),
        (b'{"detail": "from a framework"}', 'from a framework'),
        (b'<html>nginx</html>', 'Said'),
        (b'[' * 200_000, '['),
        (b'\xff\xfe', '\ufffd\ufffd'),
        (b'{"message": 5}', '{"message": 5}'),
        (b'', 'Said'),
    ],
)
def test_a_refusal_in_other_words(fault_server: Any, body: bytes, message: str) -> None:
    """Not every service answers as the page says."""
    error = outcome(fault_server(fault_server.answer(body, 400)))
    assert isinstance(error, RefusedError) and error.message.startswith(message)


def test_half_an_error_is_still_that_error(fault_server: Any) -> None:
    """The status was there; the words were cut off."""
    error = outcome(fault_server(fault_server.answer(b'{"mess', 400, length=100)))
    assert isinstance(error, RefusedError)


@pytest.mark.parametrize('status', [301, 302, 307, 308])
def test_a_redirect_is_not_followed(fault_server: Any, naps: Any, status: int) -> None:
    """A token must not travel to another host."""

    async def run() -> tuple[ClientError, int]:
        async with fault_server(fault_server.answer({'token': 't'})) as elsewhere:
            there = fault_server.answer(b'', status, Location=f'{elsewhere.url}/v1/engagement')
            server = fault_server(there)
            async with server, SparkClient(server.url, 'sesame', sleep=naps) as client:
                with pytest.raises(RedirectError, match=elsewhere.url) as caught:
                    await create(client)
            return caught.value, len(elsewhere.received)

    error, arrived = asyncio.run(run())
    assert arrived == 0
    assert not error.final and not naps.taken


@pytest.mark.parametrize(
    'content',
    [
        b'{}', b'{"token": ""}', b'{"token": 5}', b'[]', b'null', b'"t"', b'{"token": "t"',
        b'[' * 100_000, b'\xff\xfe\x00', b'{"token": ' + b'9' * 10_000 + b'}',
    ],
)  # fmt: skip
def test_a_success_without_a_token_is_none(fault_server: Any, content: bytes) -> None:
    """A 200 that cannot be read may have created something."""
    error = outcome(fault_server(fault_server.answer(content)), retry=RetryPolicy.none())
    assert isinstance(error, ProtocolError) and error.may_have_arrived


def test_an_endless_answer_is_cut(fault_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a service sends cannot fill the robot's memory."""
    monkeypatch.setattr('spark_ros.clients.transport.MAX_ANSWER_BYTES', 100_000)
    endless = fault_server.answer(b' ' * 200_000, length=10**12)
    error = outcome(fault_server(endless), listing, retry=RetryPolicy.none(), timeout_s=20)
    assert isinstance(error, ProtocolError) and 'limit' in str(error)


def test_a_packed_answer_is_not_unpacked(fault_server: Any) -> None:
    """A few bytes can unpack to gigabytes; we say that we take none."""
    packed = fault_server.answer(gzip.compress(b'[]'), Content_Encoding='gzip')
    server = fault_server(packed)
    error = outcome(server, listing, retry=RetryPolicy.none())
    assert isinstance(error, ProtocolError)
    assert server.received[0].headers['accept-encoding'] == 'identity'


def test_canceling_a_call_ends_it(fault_server: Any) -> None:
    """A caller that gives up is not held."""

    async def run() -> None:
        server = fault_server(fault_server.hang)
        async with server, SparkClient(server.url, 'sesame') as client:
            task = asyncio.create_task(listing(client))
            await server.arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
