# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The load on a service: many creates on kept connections, and whole questions one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvloop

PATH = '/v1/engagement'
TIMEOUT_S = 60.0
SHAPE = {
    'label': 'crate', 'type': 'bounding_box',
    'vertices': [{'x': 0.1, 'y': 0.1}, {'x': 0.4, 'y': 0.1}, {'x': 0.4, 'y': 0.4},
                 {'x': 0.1, 'y': 0.4}],
}  # fmt: skip


def question_about(image_url: str) -> dict[str, Any]:
    """Return the body of a create, as a robot with a detector sends it."""
    return {
        'content_location': [image_url],
        'instructions': 'Is the box around the crate right?',
        'label_options': ['crate', 'pallet'],
        'priors': {'annotations': [SHAPE]},
        'metadata': {'camera': 'front', 'stamp': 1_700_000_000.25, 'robot_id': 'rover-1'},
    }


def create(
    address: str, key: str, body: bytes, clients: int, number: int,
    waits_s: list[float] | None = None,
) -> float:
    """Send the same create many times, each client one at a time, and return the seconds taken.

    Args:
        waits_s: how long each took is added to it.

    Raises:
        RuntimeError: one was not answered with 200.
    """
    parts = urlsplit(address)
    request = (
        f'POST {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n'
        f'Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'
    ).encode() + body
    waits: list[float] = [] if waits_s is None else waits_s

    async def run() -> float:
        loop = asyncio.get_running_loop()
        left = iter(range(number))
        all_done = [loop.create_future() for _ in range(clients)]
        connected = [
            await loop.create_connection(
                lambda done=done: _Client(request, left, done, waits), parts.hostname, parts.port
            )
            for done in all_done
        ]
        begun = time.perf_counter()
        for _, client in connected:
            client.go_on()
        await asyncio.wait_for(asyncio.gather(*all_done), TIMEOUT_S)
        taken = time.perf_counter() - begun
        for transport, _ in connected:
            transport.close()
        return taken

    return uvloop.run(run())


def whole_answer(received: bytes) -> tuple[int, bytes] | None:
    """Return the status and the body of an HTTP answer, or None while some of it is to come."""
    head, end, body = received.partition(b'\r\n\r\n')
    if not end:
        return None
    length = int(head.lower().partition(b'content-length: ')[2].partition(b'\r\n')[0])
    return (int(head[9:12]), body) if len(body) >= length else None


class _Client(asyncio.Protocol):
    """Sends a request, waits for the whole answer, and sends it again while some are left."""

    def __init__(
        self, request: bytes, left: Iterator[int], done: asyncio.Future[None],
        waits_s: list[float],
    ) -> None:
        self._request = request
        self._left = left
        self._done = done
        self._waits_s = waits_s
        self._sent = 0.0
        self._answer = b''

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def go_on(self) -> None:
        """Send the next request, or be done."""
        if next(self._left, None) is not None:
            self._sent = time.perf_counter()
            self._transport.write(self._request)
        elif not self._done.done():
            self._done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        answer = whole_answer(self._answer)
        if answer is None:
            return
        self._waits_s.append(time.perf_counter() - self._sent)
        if answer[0] != 200:
            self._fail(self._answer.decode())
        self._answer = b''
        self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail('the connection was closed')

    def _fail(self, why: str) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(why))


class Person:
    """A robot that asks, an operator who answers, and the robot's look at the feed.

    Args:
        address: of a new service: questions are numbered from 1 on.
        login: a login link.
    """

    def __init__(self, address: str, key: str, login: str) -> None:
        headers = {'Authorization': f'Bearer {key}'}
        common: dict[str, Any] = {
            'base_url': address, 'timeout': TIMEOUT_S, 'trust_env': False
        }
        self._robot = httpx.Client(headers=headers, **common)
        self._console = httpx.Client(headers={'X-Requested-With': 'console'}, **common)
        self._console.post('/login', data={'token': login.partition('?token=')[2]})
        self.questions = 0

    def upload(self, image: bytes) -> str:
        """Upload an image and return its URL."""
        files = {'image_file': ('a.png', image, 'image/png')}
        url: str = _checked(self._robot.post('/v1/image', files=files)).json()['url']
        return url

    def ask(self, body: bytes, number: int) -> None:
        """Have questions created, claimed, answered and read from the feed, one after another.

        Raises:
            RuntimeError: a call was not answered with 200, or an answer is not in the feed.
        """
        cursor = _checked(self._robot.get('/v1/changes')).json()['cursor']
        headers = {'Content-Type': 'application/json'}
        for _ in range(number):
            token = _checked(self._robot.post(PATH, content=body, headers=headers)).json()['token']
            self.questions += 1
            question = f'/console/api/questions/{self.questions}'
            claimed = _checked(self._console.post(f'{question}/claim')).json()
            shapes = [
                {'prior': prior['index'], **{name: prior[name] for name in SHAPE}}
                for prior in claimed['priors']
            ]
            said = {'shapes': shapes, 'response': 'yes'}
            _checked(self._console.post(f'{question}/answer', json=said))
            page = _checked(self._robot.get('/v1/changes', params={'cursor': cursor})).json()
            [change] = page['changes']
            if (change['engagement']['token'], change['engagement']['state']) != (token, 'closed'):
                raise RuntimeError(f'the feed has {change} instead of the answer to {token}')
            cursor = page['cursor']

    def close(self) -> None:
        """Close the connections."""
        self._robot.close()
        self._console.close()


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code != 200:
        raise RuntimeError(f'{answer.request.url.path}: {answer.status_code} {answer.text}')
    return answer
