# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The real service in this process, the way to it, and somebody at its console."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from samples import image

from spark_ros.clients.heat import HeatClient
from spark_ros.clients.retry import RetryPolicy
from spark_ros.clients.spark import SparkClient
from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.backends.heat_backend import HeatBackend
from spark_ros.escalation.backends.heat_question import DetectionAs
from spark_ros.escalation.backends.image_hosts import ServiceImageHost
from spark_ros.escalation.backends.spark_backend import SparkBackend
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.service.app import running
from spark_ros.service.settings import Settings
from spark_ros.service.storage import keys, sessions

BASE = 'http://service.test'
EXTENSIONS, OPERATORS = 'Spark-Extensions', 'Spark-Operators'
ADDED = ('Idempotency-Key', 'Spark-Deadline', 'Spark-Priority')


class Wire(httpx.AsyncBaseTransport):
    """The way to a service; notes what goes there, and may make it another service.

    Attributes:
        announced: what the service announces instead; '' makes it one without extensions.
        seen: method and path of each request.
        headers: those of each create request, as they were sent.
        down: no connection is made.
        lost: how many answers to create requests still get lost.
    """

    def __init__(self, app: Any, announced: str | None) -> None:
        self._inner = httpx.ASGITransport(app)
        self.announced = announced
        self.seen: list[str] = []
        self.headers: list[httpx.Headers] = []
        self.down, self.lost = False, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError('refused')
        self.seen.append(f'{request.method} {request.url.path}')
        creates = request.method == 'POST' and '/v1/image' not in request.url.path
        if creates:
            self.headers.append(request.headers.copy())
        if self.announced is not None:
            for name in ADDED:
                if name.lower().removeprefix('spark-') not in self.announced:
                    request.headers.pop(name, None)
        response = await self._inner.handle_async_request(request)
        if self.announced is not None:
            response.headers.pop(EXTENSIONS, None)
            response.headers.pop(OPERATORS, None)
            if self.announced:
                response.headers[EXTENSIONS] = self.announced
        if creates and self.lost:
            self.lost -= 1
            raise httpx.ReadError('broken off')
        return response


@dataclass
class World:
    """A service in this process and the way to it.

    Attributes:
        ahead_s: by how much the service's clock is ahead.
        console: somebody who is logged in.
    """

    wire: Wire
    key: str = ''
    heat_key: str = ''
    ahead_s: float = 0.0
    console: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    backends: list[Backend] = field(default_factory=list)

    def backend(self, api: str) -> Backend:
        """Return the backend of a node that was just started."""
        return self.heat() if api == 'heat' else self.spark()

    def spark(self, webhook_url: str = '') -> SparkBackend:
        made = SparkBackend(self.client(), 'rover', webhook_url)
        self.backends.append(made)
        return made

    def heat(self, webhook_url: str = '') -> HeatBackend:
        images = ServiceImageHost(self.client())
        made = HeatBackend(
            self.heat_client(), images, DetectionAs.RECTANGLES, 'rover', webhook_url
        )
        self.backends.append(made)
        return made

    def client(self) -> SparkClient:
        return SparkClient(BASE, self.key, transport=self.wire, retry=RetryPolicy.none())

    def heat_client(self) -> HeatClient:
        return HeatClient(BASE, self.heat_key, transport=self.wire, retry=RetryPolicy.none())

    async def count(self) -> int:
        async with self.client() as client:
            return await client.count_engagements()

    async def queue(self) -> list[dict[str, Any]]:
        """Return what waits at the console."""
        seen = await self.console.get('/console/api/queue')
        waiting: list[dict[str, Any]] = seen.json()['questions']
        return waiting

    async def act(self, action: str, **said: Any) -> None:
        """Take the first question of the queue, and answer or flag it."""
        path = f'/console/api/questions/{(await self.queue())[0]["id"]}'
        for call, body in (('claim', {}), (action, said)):
            done = await self.console.post(f'{path}/{call}', json=body)
            assert done.status_code == 200, done.text


@asynccontextmanager
async def world(
    folder: Path, announced: str | None = None, **settings: Any
) -> AsyncIterator[World]:
    """Run a service; `announced` as `Wire` has it."""
    made = World(Wire(None, announced))
    settings = {'data': folder, 'min_free': 0, **settings}
    async with running(Settings(**settings), lambda: time.time() + made.ahead_s) as app:
        made.wire._inner = httpx.ASGITransport(app)
        store = app.state.context.store
        made.key = await store.write(lambda tx: keys.create(tx, 'rover', 0.0))
        made.heat_key = await store.write(lambda tx: keys.create(tx, 'heat', 0.0, api='heat'))
        link = await store.write(lambda tx: sessions.make_link(tx, BASE, time.time()))
        made.console = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=BASE,
            headers={'X-Requested-With': 'console'},
        )  # fmt: skip
        async with made.console:
            form = {'token': link.partition('?token=')[2]}
            assert (await made.console.post('/login', data=form)).status_code == 303
            yield made
        for backend in made.backends:
            await backend.aclose()


async def opened(backend: Backend, asked: Escalation) -> tuple[str, str]:
    """Upload and create; return the image's URL and the token."""
    url = await backend.upload(asked, image())
    return url, await backend.open(asked, url, may_be_open=False)
