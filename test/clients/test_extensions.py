# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a service adds to the APIs' pages: how it says so, and what a question says to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.clients import ClientError, HeatClient, NotFoundError, RetryPolicy, SparkClient
from spark_ros.clients.extensions import parse_extensions, urgency_headers
from spark_ros.wire.heat import HeatObject
from spark_ros.wire.spark import Engagement, EngagementRequest

ALL = 'idempotency-key;retention=604800, robot-id, priority, deadline, withdraw, operators'
REQUEST = EngagementRequest(('http://images.example/frame.jpg',), instructions='Look.')
Answer = Callable[[httpx.Request], httpx.Response]


def call(
    *answers: httpx.Response, make: Callable[[SparkClient], Awaitable[Any]] | None = None
) -> tuple[SparkClient, list[httpx.Request]]:
    """Make calls, one for each answer; return the client afterwards, and what it sent."""
    left, sent = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return left.pop(0)

    async def run() -> SparkClient:
        transport, retry = httpx.MockTransport(answer), RetryPolicy.none()
        async with SparkClient('http://h', 'key', transport=transport, retry=retry) as client:
            while left:
                with suppress(ClientError):
                    await (make(client) if make else client.count_engagements())
        return client

    return asyncio.run(run()), sent


def counted(**headers: str) -> httpx.Response:
    fields = {name.replace('_', '-'): value for name, value in headers.items()}
    return httpx.Response(200, json={'count': 1}, headers=fields)


@pytest.mark.parametrize(
    ('header', 'found'),
    [
        (ALL, {
            'idempotency-key': {'retention': '604800'}, 'robot-id': {}, 'priority': {},
            'deadline': {}, 'withdraw': {}, 'operators': {},
        }),
        ('', {}),
        (' , ,, ', {}),
        ('a;b;c=1;d="x, deadline;e=2";f=?1 , g', {
            'a': {'b': '', 'c': '1', 'd': '""', 'f': '?1'}, 'g': {},
        }),
        ('(a b);x=1, "quoted", 12, ?1, :YQ==:, good', {'good': {}}),
        ('a ; retention = 5', {'a': {'retention': '5'}}),
        ('a, a;b=1', {'a': {'b': '1'}}),
        ('deadline2, deadlines, the deadline', {'deadline2': {}, 'deadlines': {}}),
        ('open"string, deadline', {'deadline': {}}),
    ],
)  # fmt: skip
def test_the_list_is_read(header: str, found: dict[str, dict[str, str]]) -> None:
    assert parse_extensions(header) == found


@given(st.text())
def test_whatever_a_header_says_can_be_read(header: str) -> None:
    assert all(name and ',' not in name for name in parse_extensions(header))


def test_each_answer_says_what_the_service_adds() -> None:
    assert call()[0].extensions is None
    with_all, _ = call(counted(Spark_Extensions=ALL, Spark_Operators='2'))
    assert with_all.extensions is not None and 'withdraw' in with_all.extensions
    assert (with_all.operators, with_all.keeps_keys_s) == (2, 604800.0)
    plain, _ = call(counted(Spark_Extensions=ALL, Spark_Operators='2'), counted())
    assert (plain.extensions, plain.operators, plain.keeps_keys_s) == ({}, None, 0.0)


def test_an_error_says_it_too_and_what_a_proxy_says_counts_for_nothing() -> None:
    refused = httpx.Response(404, json={}, headers={'Spark-Extensions': 'deadline'})
    assert call(refused)[0].extensions == {'deadline': {}}
    known = counted(Spark_Extensions=ALL, Spark_Operators='1')
    for said in (httpx.Response(502, text='no'), httpx.Response(200, text='<html>')):
        client, _ = call(known, said)
        assert 'deadline' in (client.extensions or ()) and client.operators == 1


@pytest.mark.parametrize('number', ['', '-1', '1.5', 'two', '٣'.encode(), '9' * 30])
def test_what_is_no_number_of_operators_is_not_known(number: str) -> None:
    headers = {'Spark-Extensions': ALL, 'Spark-Operators': number}
    client, _ = call(httpx.Response(200, json={'count': 1}, headers=headers))
    assert client.operators is None


def test_a_number_that_is_not_announced_is_not_believed() -> None:
    client, _ = call(counted(Spark_Extensions='deadline', Spark_Operators='2'))
    assert client.operators is None


@pytest.mark.parametrize(('announced', 'known'), [(ALL, 3), ('deadline', None), ('', None)])
def test_the_feed_says_who_is_there(announced: str, known: int | None) -> None:
    body = {'cursor': 'c', 'changes': [], 'operators': 3}
    changed = httpx.Response(200, json=body, headers={'Spark-Extensions': announced})
    client, _ = call(changed, make=lambda client: client.changes(cursor=None, block_s=0))
    assert client.operators == known


def test_a_question_says_until_when_and_how_urgent() -> None:
    made = httpx.Response(200, json={'token': 't'})
    _, (sent,) = call(
        made, make=lambda client: client.create(REQUEST, deadline_s=12.3456, priority=7)
    )
    assert (sent.headers['Spark-Deadline'], sent.headers['Spark-Priority']) == ('12.346', '7')
    _, (sent,) = call(made, make=lambda client: client.create(REQUEST))
    assert 'Spark-Deadline' not in sent.headers and 'Spark-Priority' not in sent.headers


@pytest.mark.parametrize(
    ('deadline_s', 'priority'),
    [(0.0, 0), (-1.0, 0), (float('nan'), 0), (float('inf'), 0), (2592001.0, 0),
     (None, -1), (None, 256)],
)  # fmt: skip
def test_what_a_service_would_refuse_is_not_sent(deadline_s: float | None, priority: int) -> None:
    with pytest.raises(ValueError, match='it must be'):
        urgency_headers(deadline_s, priority)


@pytest.mark.parametrize('deadline_s', [0.001, 0.0014999, 1.0, 2592000.0])
def test_what_is_sent_is_within_what_a_service_takes(deadline_s: float) -> None:
    assert 0 < float(urgency_headers(deadline_s, 0)['Spark-Deadline']) <= 2592000


def test_withdrawing_is_a_delete_that_may_be_repeated() -> None:
    done = httpx.Response(200, json={'token': 'a/b', 'state': 'closed'})
    _, (sent,) = call(done, make=lambda client: client.withdraw('a/b'))
    assert (sent.method, sent.url.raw_path) == ('DELETE', b'/v1/engagement/a%2Fb')
    assert sent.headers['Authorization'] == 'Bearer key' and not sent.content

    async def withdraw_unknown() -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(404, json={}))
        async with SparkClient('http://h', 'key', transport=transport) as client:
            with pytest.raises(NotFoundError):
                await client.withdraw('t')
            with pytest.raises(ValueError, match='not a valid'):
                await client.withdraw('..')

    asyncio.run(withdraw_unknown())


@pytest.mark.parametrize('extensions', [('deadline', 'withdraw'), None, ()])
def test_an_engagement_that_ended_by_itself(extensions: tuple[str, ...] | None) -> None:
    """Only where the service may have announced that it ends them."""
    believed = extensions != ()
    for flags, ending in (
        (('flagged', 'expired'), 'expired'),
        (('canceled', 'flagged', 'more'), 'canceled'),
        (('flagged',), None),
        (('expired',), None),
        ((), None),
    ):
        found = Engagement('t', 'closed', flags=flags, feedback='why').ending(extensions)
        assert found == (ending if believed else None)
    assert Engagement('t', 'open', flags=('flagged', 'expired')).ending(extensions) is None
    expired = Engagement('t', 'closed', flags=('flagged', 'expired'))
    assert expired.ending(('withdraw',)) is None


def test_a_heat_request_that_expired_has_no_cruncher() -> None:
    """An operator may give the same reason."""
    words, announced = 'nobody answered in time', ('deadline',)
    assert HeatObject('r', 'flagged', feedback=words).expired(announced)
    assert HeatObject('r', 'flagged', feedback=words).expired(None)
    for other, extensions in (
        (HeatObject('r', 'flagged', feedback=words), ()),
        (HeatObject('r', 'flagged', feedback=words, crunchers=('somebody',)), announced),
        (HeatObject('r', 'flagged', feedback=f'{words}.'), announced),
        (HeatObject('r', 'complete', feedback=words), announced),
        (HeatObject('r', 'aborted', feedback=words), announced),
    ):
        assert not other.expired(extensions)


def test_the_heat_client_hears_of_extensions_as_well() -> None:
    async def run() -> None:
        answer = httpx.Response(
            200, json={'id': 'r', 'status': 'pending'}, headers={'Spark-Extensions': ALL}
        )
        transport = httpx.MockTransport(lambda request: answer)
        async with HeatClient('http://h', 'key', transport=transport) as client:
            await client.get_request('r')
            assert 'deadline' in (client.extensions or ())

    asyncio.run(run())
