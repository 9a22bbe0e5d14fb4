# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A proxy that stands for a bad network and a bad day of the service."""

from __future__ import annotations

import asyncio
import random
import re
import threading
from collections import Counter
from contextlib import suppress

LENGTH = re.compile(rb'\r\ncontent-length: *(\d+)', re.IGNORECASE)
CONNECTION = re.compile(rb'\r\nconnection:[^\r]*', re.IGNORECASE)
PAGE = b'<html>{"token": '
LARGEST_HEAD = 2**16


def reply(status: bytes, body: bytes, more: bytes = b'') -> bytes:
    """Return an HTTP response that ends its connection."""
    head = b'HTTP/1.1 %b\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n'
    return head % (status, more, len(body)) + body


class Meddler:
    """Pass HTTP on to a port of this machine, and spoil a share of it by a seeded die.

    Attributes:
        share: of the requests that are spoiled, 0 to 1; may be changed at any time.
        spoiled: how many, by kind.
    """

    KINDS = ('error', 'error too late', 'busy', 'garbage', 'half', 'hang', 'hang too late', 'cut')

    def __init__(self, target_port: int, seed: int, share: float, hang_s: float) -> None:
        """Listen on a free port.

        Args:
            target_port: where the service is, or will be.
            seed: of the die.
            share: of the requests that are spoiled.
            hang_s: how long a connection hangs before it is cut.
        """
        self._target_port, self._die, self._hang_s = target_port, random.Random(seed), hang_s
        self.share = share
        self.spoiled: Counter[str] = Counter()
        self._serving: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, '127.0.0.1', 0, limit=LARGEST_HEAD)
        )
        self.url = f'http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}'
        self._thread = threading.Thread(target=self._loop.run_forever, name='meddler')
        self._thread.start()

    def close(self) -> None:
        """Cut every connection and stop listening."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            head = await reader.readuntil(b'\r\n\r\n')
            found = LENGTH.search(head)
            body = await reader.readexactly(int(found[1]) if found else 0)
            request = CONNECTION.sub(b'', head[:-4]) + b'\r\nConnection: close\r\n\r\n' + body
            writer.write(await self._answer(request))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._serving.discard(task)

    async def _answer(self, request: bytes) -> bytes:
        """Return what the robot gets, nothing where the connection is cut."""
        if self._die.random() >= self.share:
            return await self._ask(request)
        kind = self._die.choice(self.KINDS)
        self.spoiled[kind] += 1
        # What a service did before the answer was lost is done.
        arrives = kind in ('error too late', 'garbage', 'half', 'hang too late')
        answer = await self._ask(request) if arrives else b''
        if kind.startswith('hang'):
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), self._hang_s)
        if kind.startswith('error'):
            return reply(b'500 Internal Server Error', b'{"message": "oh"}')
        return {
            'busy': reply(b'429 Too Many Requests', b'{}', b'Retry-After: 1\r\n'),
            'garbage': reply(b'200 OK', PAGE, b'Content-Type: application/json\r\n'),
            'half': answer[: len(answer) - len(answer.partition(b'\r\n\r\n')[2]) // 2 - 1],
        }.get(kind, b'')

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection('127.0.0.1', self._target_port)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()
