# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A token that the service does not know is no reason to read its whole history at each poll."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from spark_ros.clients.errors import UnsupportedError
from spark_ros.clients.spark import SparkClient
from spark_ros.escalation.backends.backend import Asked
from spark_ros.escalation.backends.spark_backend import SparkBackend
from spark_ros.wire.spark import parse_engagement


def engagement(token: str, state: str) -> Any:
    return parse_engagement({
        'token': token, 'state': state, 'program_name': 'p', 'image_location': 'http://i.test/',
        'response': '', 'annotations': [], 'created': '2026-01-01T00:00:00Z', 'feedback': '',
    })  # fmt: skip


class Listing(SparkClient):
    """A service without the call for one engagement, and a long history."""

    def __init__(self) -> None:
        self.history = [engagement(f'old {n}', 'closed') for n in range(100)]
        self.open = engagement('open', 'open')
        self.read = 0
        self.extensions = {}

    async def get_engagement(self, token: str) -> Any:
        raise UnsupportedError(404, 'no such call')

    async def iter_engagements(self, *, cursor: int = 0, **_: Any) -> AsyncIterator[Any]:
        for each in [*self.history, self.open][cursor:]:
            self.read += 1
            yield each


def test_it_is_read_ever_more_rarely_whatever_else_is_polled() -> None:
    client = Listing()
    backend = SparkBackend(client, 'rover')
    lost, known = Asked('1', 'lost'), Asked('2', 'open')

    async def polled(*asked: Asked) -> list[str]:
        return [report.token async for report in backend.poll(asked)]

    async def test() -> None:
        assert await polled(known, lost) == ['open']
        first = client.read
        assert first > 100
        for asked in [(lost,), (known,), (lost, known), (lost,)] * 5:
            assert ('open' in await polled(*asked)) == (known in asked)
        assert client.read - first <= 2 * 20
        # One that was closed before the first open one is found at once all the same.
        assert await polled(lost, Asked('3', 'old 7')) == ['old 7']
        backend._read_all_at = 0.0
        client.history[3] = engagement('lost', 'closed')
        assert await polled(lost) == ['lost']

    asyncio.run(test())
