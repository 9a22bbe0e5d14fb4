# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The client and our own service, in one process: the whole round, and 120 questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from spark_ros.clients import (
    AuthenticationError,
    NotFoundError,
    RefusedError,
    RetryPolicy,
    SparkClient,
)
from spark_ros.geometry import Box
from spark_ros.model import CorrectionKind, State, box_annotation
from spark_ros.service.app import running
from spark_ros.service.settings import Settings
from spark_ros.service.storage import keys
from spark_ros.wire.spark import Engagement

BASE = 'http://service.test'
URL = 'http://192.0.2.1/frame.jpg'


def picture() -> bytes:
    """A small JPEG."""
    encoded, data = cv2.imencode('.jpg', np.full((48, 64, 3), 128, np.uint8))
    assert encoded
    return data.tobytes()


@asynccontextmanager
async def served(
    directory: Path, *tenants: str, **settings: Any
) -> AsyncIterator[tuple[httpx.ASGITransport, list[SparkClient]]]:
    """A service on its own data, and a client for each tenant."""
    async with running(Settings(data=directory, **settings)) as app:
        store = app.state.context.store
        transport = httpx.ASGITransport(app)
        clients = []
        for name in tenants:
            key = await store.write(lambda tx, name=name: keys.create(tx, name, 0.0))
            clients.append(SparkClient(BASE, key, transport=transport, retry=RetryPolicy.none()))
        yield transport, clients
        for client in clients:
            await client.aclose()


async def answered(client: SparkClient, token: str) -> Engagement:
    """Wait until somebody has answered."""
    while (found := (await client.get_engagement(token))[0]).state != 'closed':
        pass
    return found


def test_the_whole_round(tmp_path: Path) -> None:
    """Upload, ask, be answered by the scripted operator, read it in each of three ways."""

    async def run() -> None:
        async with served(tmp_path, 'robot', operator='scripted') as (_, (client,)):
            uploaded = await client.upload_image(picture(), tag='front', idempotency_key='i')
            again = await client.upload_image(picture(), tag='front', idempotency_key='i')
            assert again == uploaded
            prior = box_annotation('crate', Box(0.25, 0.25, 1.0, 0.75), id='d1', score=0.4)
            token = await client.create_engagement(
                uploaded.location,
                instructions='Where are the crates?',
                label_options=['crate', 'pallet'],
                annotations=[prior],
                metadata={'robot': 'r1'},
                idempotency_key='q',
            )
            engagement = await asyncio.wait_for(answered(client, token), 60)
            answer = engagement.answer([prior])
            assert answer.state is State.CLOSED
            assert [c.kind for c in answer.corrections] == [CorrectionKind.CONFIRMED]
            assert answer.annotations == (prior,)
            assert engagement.instructions == 'Where are the crates?'
            assert engagement.problems == ()
            assert engagement.date_created is not None and engagement.date_closed is not None
            (listed,) = await client.list_engagements(state='closed')
            assert listed == engagement
            job = await client.get_job(token)
            assert (job.token, job.state) == (token, 'closed')
            assert job.engagements[0].image_location == engagement.image_location

    asyncio.run(run())


def test_120_questions_in_pages(tmp_path: Path) -> None:
    """Each once and in order, counted, from anywhere on; asking again with a key adds none."""

    async def run() -> None:
        async with served(tmp_path, 'robot') as (_, (client,)):
            tokens = [
                await client.create_engagement(URL, instructions=f'{n}?', idempotency_key=f'k{n}')
                for n in range(120)
            ]
            again = await client.create_engagement(URL, instructions='7?', idempotency_key='k7')
            assert again == tokens[7]
            assert [e.token async for e in client.iter_engagements()] == tokens
            few = [e.token async for e in client.iter_engagements(cursor=100, page_size=7)]
            assert few == tokens[100:]
            assert await client.count_engagements(state='open') == 120
            assert [e.token async for e in client.iter_engagements(state='closed')] == []

    asyncio.run(run())


def test_several_images_are_one_job(tmp_path: Path) -> None:
    """One token, one engagement per image."""

    async def run() -> None:
        async with served(tmp_path, 'robot') as (_, (client,)):
            locations = [f'{URL}?{n}' for n in range(3)]
            token = await client.create_engagement(locations, instructions='?')
            job = await client.get_job(token)
            assert [e.image_location for e in job.engagements] == locations
            found = await client.get_engagement(token)
            assert [e.image_location for e in found] == locations

    asyncio.run(run())


def test_refusals(tmp_path: Path) -> None:
    """Typed, with the service's own words."""

    async def run() -> None:
        async with served(tmp_path, 'robot', 'other') as (transport, (client, other)):
            with pytest.raises(RefusedError, match='instructions') as refused:
                await client.create_engagement(URL)
            assert refused.value.status == 400 and refused.value.final
            with pytest.raises(RefusedError):
                await client.upload_image(b'not an image at all')
            token = await client.create_engagement(URL, instructions='?', idempotency_key='k')
            with pytest.raises(RefusedError) as conflict:
                await client.create_engagement(URL, instructions='!', idempotency_key='k')
            assert conflict.value.status == 409
            for asker, of_whom in ((other, token), (client, 'none')):
                with pytest.raises(NotFoundError):
                    await asker.get_engagement(of_whom)
                with pytest.raises(NotFoundError):
                    await asker.get_job(of_whom)
            async with SparkClient(BASE, 'wrong', transport=transport) as stranger:
                with pytest.raises(AuthenticationError):
                    await stranger.list_engagements()

    asyncio.run(run())
