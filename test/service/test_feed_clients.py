# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The clients read the feed of changes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from service_harness import URL, InProcess

from spark_ros.clients import CursorGone, HeatClient, NotFoundError, SparkClient
from spark_ros.clients.errors import UnsupportedError
from spark_ros.clients.retry import RetryPolicy


def test_the_clients_read_it(service: InProcess) -> None:
    spark, heat = service.key('robot'), service.key('heat', api='heat')

    async def follow() -> None:
        async with (
            SparkClient(URL, spark, transport=_transport(service), robot_id='r-1') as one,
            SparkClient(URL, spark, transport=_transport(service), robot_id='r-2') as two,
            HeatClient(URL, heat, transport=_transport(service), robot_id='r-1') as three,
        ):
            here, there = await one.changes(cursor=None), await three.changes(cursor=None)
            assert (here.spark, here.heat, here.more) == ((), (), False)
            token = await one.create_engagement('http://192.0.2.1/1.jpg', instructions='?')
            await two.create_engagement('http://192.0.2.1/1.jpg', instructions='?')
            asked = await three.free_text(instruction='?')
            await asyncio.to_thread(service.wait_until_readable)
            # Without a wait: that it has asked itself need not end one.
            found = await one.changes(cursor=here.cursor, robot_id='r-1')
            assert [(each.token, each.state) for each in found.spark] == [(token, 'open')]
            assert len((await one.changes(cursor=here.cursor)).spark) == 2
            assert (await one.changes(cursor=found.cursor, block_s=0.01)).spark == ()
            found = await three.changes(cursor=there.cursor, robot_id='r-1')
            assert [each.id for each in found.heat] == [asked.id]
            with pytest.raises(CursorGone):
                await three.changes(cursor=here.cursor)

    service.do(follow())


@pytest.mark.parametrize(
    ('status', 'body', 'error'),
    [
        (404, {'message': 'no'}, NotFoundError),
        (405, {}, UnsupportedError),
        (200, [], UnsupportedError),
        (200, {'changes': []}, UnsupportedError),
        (410, {'message': 'gone'}, CursorGone),
    ],
)
def test_a_service_without_a_feed_is_found_out(
    status: int, body: Any, error: type[Exception]
) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))

    async def probe() -> None:
        retry = RetryPolicy.none()
        async with SparkClient(URL, 'key', transport=transport, retry=retry) as client:
            with pytest.raises(error):
                await client.changes(cursor=None)

    asyncio.run(probe())


def test_a_change_that_cannot_be_read_does_not_stand_in_the_way() -> None:
    good = {'token': 't', 'state': 'open', 'image_location': 'http://192.0.2.1/1.jpg'}
    changes = [7, {}, {'request': {}}, {'api': 'new'}, {'api': 'spark', 'engagement': good}]
    body = {'cursor': 'c', 'changes': changes, 'more': True}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body))

    async def read() -> None:
        async with SparkClient(URL, 'key', transport=transport) as client:
            found = await client.changes(cursor='b')
            assert [each.token for each in found.spark] == ['t']
            assert (found.cursor, found.heat, found.more) == ('c', (), True)

    asyncio.run(read())


@pytest.mark.parametrize('robot_id', ['a b', 'ü', 'x' * 201, 'a\n'])
def test_a_robot_id_that_no_header_carries_is_refused(robot_id: str) -> None:
    with pytest.raises(ValueError, match='robot id'):
        SparkClient(URL, 'key', robot_id=robot_id)


def _transport(service: InProcess) -> httpx.AsyncBaseTransport:
    return httpx.ASGITransport(service._app)
