# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A create request whose answer was lost is repeated as cheaply as the service allows, once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from real_service import BASE, EXTENSIONS, opened, world
from samples import escalation, image

from spark_ros.clients.errors import RefusedError
from spark_ros.clients.extensions import parse_extensions
from spark_ros.escalation.backends.backend import Asked, Backend


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def test_a_service_that_keeps_keys_is_simply_asked_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(tmp_path) as there:
            backend, asked = there.spark(), escalation()
            url, token = await opened(backend, asked)
            there.wire.seen.clear()
            assert await backend.open(asked, url, may_be_open=True) == token
            assert there.wire.seen == ['POST /v1/engagement']

    run(test())


def test_a_node_that_was_just_started_learns_it_from_one_page(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(tmp_path) as there:
            backend = there.spark()
            for _ in range(60):
                await opened(backend, escalation())
            asked = escalation()
            url, token = await opened(backend, asked)
            there.wire.seen.clear()
            assert await there.spark().open(asked, url, may_be_open=True) == token
            assert there.wire.seen == ['GET /v1/engagement', 'POST /v1/engagement']

    run(test())


@pytest.mark.parametrize('forgetful', [True, False])
@pytest.mark.parametrize('arrived', [True, False])
@pytest.mark.slow('starts services and kills them')
def test_it_is_there_once_in_any_case(tmp_path: Path, forgetful: bool, arrived: bool) -> None:
    async def test() -> None:
        async with world(tmp_path, '' if forgetful else None) as there:
            backend, asked = there.spark(), escalation()
            for _ in range(60):
                await opened(backend, escalation())
            url = await backend.upload(asked, image())
            token = await backend.open(asked, url, may_be_open=False) if arrived else ''
            again = await there.spark().open(asked, url, may_be_open=True)
            assert again and (not arrived or again == token)
            assert await there.count() == 61

    run(test())


@pytest.mark.parametrize(
    'created',
    [
        pytest.param(time.time() - 90_000.0, id='its key is forgotten by now'),
        pytest.param(60.0, id='asked when the clock was not set'),
        pytest.param(time.time() + 90_000.0, id='asked when the clock was ahead'),
    ],
)
@pytest.mark.slow('starts several services')
def test_where_the_key_may_be_gone_the_list_is_searched(tmp_path: Path, created: float) -> None:
    async def test() -> None:
        async with world(tmp_path, idempotency_s=86_400.0) as there:
            backend, asked = there.spark(), escalation(created=created)
            url, token = await opened(backend, asked)
            there.wire.seen.clear()
            assert await backend.open(asked, url, may_be_open=True) == token
            assert there.wire.seen == ['GET /v1/engagement']

    run(test())


def test_a_parameter_that_changed_meanwhile_does_not_fail_it(tmp_path: Path) -> None:
    """The body is another one then, which the service refuses under the same key."""

    async def test() -> None:
        async with world(tmp_path) as there:
            asked = escalation()
            url, token = await opened(there.spark(), asked)
            later = there.spark('http://192.0.2.1/push')
            assert await later.upload(asked, image()) == url
            assert await later.open(asked, url, may_be_open=True) == token
            assert await there.count() == 1
            other = replace(asked, metadata={'another': 'question'})
            with pytest.raises(RefusedError, match='another body'):
                await later.open(other, f'{url}-other', may_be_open=False)

    run(test())


def test_over_heat_it_is_asked_with_the_other_words_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(tmp_path) as there:
            asked = escalation()
            url, first = await opened(there.heat(), asked)
            assert await there.heat().open(asked, url, may_be_open=True) == first
            later = there.heat('http://192.0.2.1/push')
            second = await later.open(asked, url, may_be_open=True)
            assert second != first
            assert await later.open(asked, url, may_be_open=True) == second

    run(test())


@pytest.mark.parametrize('api', ['spark', 'heat'])
@pytest.mark.slow('starts several services')
def test_a_question_that_the_service_lost_is_warned_about_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, api: str
) -> None:
    async def test() -> None:
        async with world(tmp_path) as there:
            backend: Backend = there.spark() if api == 'spark' else there.heat()
            _, known = await opened(backend, escalation())
            for _ in range(3):
                asked = [Asked('q-1', 'lost-1'), Asked('q-2', known), Asked('q-3', 'lost-3')]
                assert [report.token async for report in backend.poll(asked)] == [known]

    run(test())
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert [[lost in text for lost in ('lost-1', 'lost-3')] for text in said] == [
        [True, False], [False, True],
    ]  # fmt: skip


def test_every_answer_of_both_apis_says_for_how_long_keys_are_kept(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(tmp_path, idempotency_s=3600.0) as there:
            async with httpx.AsyncClient(transport=there.wire, base_url=BASE) as http:
                for path in ('/v1/engagement', '/v1/requests/x', '/v1/changes'):
                    answer = await http.get(path)
                    assert answer.status_code in (401, 404)
                    said = parse_extensions(answer.headers[EXTENSIONS])
                    assert said['idempotency-key'] == {'retention': '3600'}
                assert EXTENSIONS not in (await http.get('/console/')).headers
            async with there.client() as client:
                assert client.keeps_keys_s == 0.0
                await client.count_engagements()
                assert client.keeps_keys_s == 3600.0

    run(test())
