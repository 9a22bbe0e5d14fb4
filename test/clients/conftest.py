# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A real server on a real socket that does as it is told, the bad things included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pytest

Act = Callable[['FaultServer', asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class FaultServer:
    """Plays one act per request, in order; the last one again and again."""

    def __init__(self, *acts: Act) -> None:
        self.acts = list(acts)
        self.received: list[Received] = []
        self.arrived = asyncio.Event()
        self._over = asyncio.Event()

    async def __aenter__(self) -> FaultServer:
        self._server = await asyncio.start_server(self._handle, '127.0.0.1', 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f'http://127.0.0.1:{self.port}'
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.close()
        await self._server.wait_closed()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b'\r\n\r\n')).decode('latin-1')
            first, *lines = head.rstrip().split('\r\n')
            headers = {name.lower(): value for name, value in (x.split(': ', 1) for x in lines)}
            body = await reader.readexactly(int(headers.get('content-length', '0')))
            method, target, _ = first.split(' ')
            self.received.append(Received(method, target, headers, body))
            self.arrived.set()
            act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
            await act(self, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @staticmethod
    def answer(body: Any, status: int = 200, length: int | None = None, **headers: str) -> Act:
        """Answer with JSON, or with bytes as they are; `length` is what the header claims."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {name.replace('_', '-'): value for name, value in headers.items()}
        fields['Content-Length'] = str(len(content) if length is None else length)
        fields['Connection'] = 'close'
        lines = [f'HTTP/1.1 {status} Said', *(f'{name}: {fields[name]}' for name in fields)]

        async def act(server: FaultServer, writer: asyncio.StreamWriter) -> None:
            writer.write('\r\n'.join([*lines, '', '']).encode() + content)

        return act

    @staticmethod
    async def close(server: FaultServer, writer: asyncio.StreamWriter) -> None:
        """Close the connection without a word."""

    @staticmethod
    async def reset(server: FaultServer, writer: asyncio.StreamWriter) -> None:
        """Break the connection off."""
        writer.transport.abort()

    @staticmethod
    async def vanish(server: FaultServer, writer: asyncio.StreamWriter) -> None:
        """Stop listening for good, and close this connection without a word."""
        server._server.close()

    @staticmethod
    async def hang(server: FaultServer, writer: asyncio.StreamWriter) -> None:
        """Say nothing until the test is over."""
        await server._over.wait()

    @staticmethod
    async def drip(server: FaultServer, writer: asyncio.StreamWriter) -> None:
        """Begin an answer and go on byte by byte for as long as somebody listens."""
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
        while not server._over.is_set():
            writer.write(b' ')
            await writer.drain()
            await _moment(server)


async def _moment(server: FaultServer) -> None:
    with suppress(asyncio.TimeoutError, TimeoutError):
        await asyncio.wait_for(server._over.wait(), 0.01)


@pytest.fixture
def fault_server() -> type[FaultServer]:
    """The server's class: `async with fault_server(act, act) as server`."""
    return FaultServer


class Naps:
    """Stands in for sleep: notes how long, and does not wait."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def naps() -> Naps:
    """A sleep that takes no time."""
    return Naps()
