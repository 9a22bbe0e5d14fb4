# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Questions that are polled one by one: none hides the others."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spark_ros.clients.errors import ClientError, ConnectionFailed, ProtocolError, ServerError
from spark_ros.clients.heat import HeatClient
from spark_ros.clients.retry import RetryPolicy
from spark_ros.clients.spark import SparkClient
from spark_ros.escalation.backends.backend import Asked, Backend
from spark_ros.escalation.backends.heat_backend import HeatBackend
from spark_ros.escalation.backends.heat_question import DetectionAs
from spark_ros.escalation.backends.image_hosts import ServiceImageHost
from spark_ros.escalation.backends.spark_backend import SparkBackend

PAGE = b'<html>'


class Handler(BaseHTTPRequestHandler):
    """A service behind something that spoils the answer to what is asked of `page` or `error`."""

    def do_GET(self) -> None:
        token = self.path.rpartition('/')[2]
        status = 502 if token == 'error' else 200
        self.send_response(status)
        body = PAGE if token in ('page', 'error') else json.dumps(self.said(token)).encode()
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def said(self, token: str) -> object:
        if '/engagement/' in self.path:
            return [{'token': token, 'state': 'assigned', 'created_at': '2026-01-01T00:00:00Z'}]
        return {'id': token, 'status': 'pending', 'type': 'free-text', 'instruction': 'Read it.'}

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f'http://127.0.0.1:{server.server_address[1]}'
        server.shutdown()


def backend(kind: str, url: str) -> Backend:
    spark = SparkClient(url, 'key', retry=RetryPolicy.none())
    if kind == 'spark':
        return SparkBackend(spark, 'rover')
    heat = HeatClient(url, 'key', retry=RetryPolicy.none())
    return HeatBackend(heat, ServiceImageHost(spark), DetectionAs.RECTANGLES, 'rover')


async def poll(backend: Backend, *tokens: str) -> tuple[list[str], ClientError | None]:
    seen: list[str] = []
    error = None
    try:
        async for report in backend.poll([Asked(f'id {token}', token) for token in tokens]):
            seen.append(report.token)
    except ClientError as raised:
        error = raised
    finally:
        await backend.aclose()
    return seen, error


@pytest.mark.parametrize('kind', ['spark', 'heat'])
@pytest.mark.parametrize(('spoiled', 'kind_of'), [('page', ProtocolError), ('error', ServerError)])
def test_one_that_cannot_be_read_does_not_hide_those_behind_it(
    url: str, kind: str, spoiled: str, kind_of: type[ClientError]
) -> None:
    seen, error = asyncio.run(poll(backend(kind, url), 'first', spoiled, 'last'))
    assert seen == ['first', 'last']
    assert isinstance(error, kind_of)


@pytest.mark.parametrize('kind', ['spark', 'heat'])
def test_a_service_that_is_not_there_is_not_asked_again_for_each(kind: str) -> None:
    seen, error = asyncio.run(poll(backend(kind, 'http://127.0.0.1:9'), 'first', 'last'))
    assert not seen
    assert isinstance(error, ConnectionFailed)
