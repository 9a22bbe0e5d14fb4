# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How soon a blocked Heat call hears its answer, and what clients that go away leave behind.

    python benchmarks/block_waiters.py

250 clients wait at once, each for its own question, while an operator submits 250 answers over 5
seconds; the time is from sending an answer to its waiter's having it. Then 10,000 clients connect,
block, and go away without a word; what the service's memory grew by is what leaked. All over
loopback, against `spark-service serve` in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import httpx
from processes import resident
from service_process import ServiceProcess

TIMEOUT_S = 120.0
BATCH = 250
SETTLE_S = 0.5
CONSOLE = {'X-Requested-With': 'console'}
GOAL_P50_MS = 50.0
GOAL_GROWTH_MB = 10.0


@dataclass(frozen=True)
class Service:
    """A running service with a Heat key and an operator's login link."""

    pid: int
    url: str
    login: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What a caller sends."""
        return {'X-Heat-API-Key': self.key}

    def memory_mb(self) -> float:
        """The resident memory of the service now, in MB of 1,000,000 bytes."""
        return resident(self.pid) / 1e6


@contextmanager
def running_service() -> Iterator[Service]:
    """Run a service with data of its own."""
    with tempfile.TemporaryDirectory() as folder:
        made = ServiceProcess(Path(folder) / 'data', os.environ, '--lease', '600')
        key = made.run('key', 'create', 'waiter', '--heat')
        with made as service:
            yield Service(service.pid, service.address, service.login, key)


async def answer_latencies_ms(service: Service, count: int, over_s: float) -> list[float]:
    """Let `count` clients wait while as many answers are submitted evenly over `over_s`."""
    async with _http(service, service.headers) as robot, _http(service, CONSOLE) as console:
        token = service.login.partition('?token=')[2]
        await console.post('/login', data={'token': token})
        questions = [await _claimed(robot, console, number) for number in range(1, count + 1)]
        heard: dict[str, float] = {}
        waiters = [asyncio.create_task(_hear(service, id, heard)) for id in questions]
        await asyncio.sleep(SETTLE_S * 4)
        assert not heard, 'somebody was answered before any answer'
        sent: dict[str, float] = {}
        submits, begun = [], time.perf_counter()
        for number, id in enumerate(questions, 1):
            await asyncio.sleep(max(0.0, begun + number * over_s / count - time.perf_counter()))
            sent[id] = time.perf_counter()
            submits.append(asyncio.create_task(_submit(console, number)))
        await asyncio.gather(*submits, *waiters)
        return [(heard[id] - sent[id]) * 1000 for id in questions]


async def growth_mb(service: Service, connects: int) -> float:
    """Let clients connect, block and go away, and return by what the memory grew."""
    async with _http(service, service.headers) as robot:
        id = await _asked(robot)
        # The first ones grow pools and caches that then stay as they are.
        await _come_and_go(service, id, 4 * BATCH)
        before = service.memory_mb()
        await _come_and_go(service, id, connects)
        after = service.memory_mb()
        assert (await robot.get(f'/v1/requests/{id}')).json()['status'] == 'pending'
    return after - before


async def _come_and_go(service: Service, id: str, connects: int) -> None:
    for _ in range(connects // BATCH):
        writers = [(await _blocked(service, id))[1] for _ in range(BATCH)]
        # Until they all wait, and then until the service has noticed that they went.
        await asyncio.sleep(SETTLE_S)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(SETTLE_S)


async def _blocked(
    service: Service, id: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a call that blocks for a minute, on a connection of its own."""
    parts = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f'GET /v1/requests/{id}?block=60 HTTP/1.1\r\nHost: {parts.netloc}\r\n'
        f'X-Heat-API-Key: {service.key}\r\nConnection: close\r\n\r\n'.encode()
    )
    await writer.drain()
    return reader, writer


async def _hear(service: Service, id: str, heard: dict[str, float]) -> None:
    reader, writer = await _blocked(service, id)
    answer = await asyncio.wait_for(reader.read(), TIMEOUT_S)
    heard[id] = time.perf_counter()
    writer.close()
    assert b'"status":"complete"' in answer, answer


async def _claimed(robot: httpx.AsyncClient, console: httpx.AsyncClient, number: int) -> str:
    """Ask a question, claim it and return its id; the data is new, so numbers count from 1."""
    id = await _asked(robot)
    claimed = await console.post(f'/console/api/questions/{number}/claim')
    assert claimed.json()['token'] == id, claimed.text
    return id


async def _asked(robot: httpx.AsyncClient) -> str:
    body = {'instruction': 'Is the way free?', 'choices': ['yes', 'no']}
    answer = await robot.post('/v1/requests/multiple-choice', json=body)
    return str(answer.raise_for_status().json()['id'])


async def _submit(console: httpx.AsyncClient, number: int) -> None:
    path = f'/console/api/questions/{number}/answer'
    (await console.post(path, json={'response': ['yes']})).raise_for_status()


def _http(service: Service, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service.url, headers=headers, timeout=TIMEOUT_S)


def main() -> int:
    """Measure, print, and return 0 if both promises held."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument('--waiters', type=int, default=250, help='a key may have 256')
    parser.add_argument('--seconds', type=float, default=5.0, help='over which all are answered')
    parser.add_argument('--connects', type=int, default=10_000)
    options = parser.parse_args()
    with running_service() as service:
        taken = asyncio.run(answer_latencies_ms(service, options.waiters, options.seconds))
        cuts = quantiles(taken, n=100)
        print(
            f'{options.waiters} waiters, as many answers over {options.seconds:g} s: submit to '
            f'answer p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, longest {max(taken):.1f} ms '
            f'(load {os.getloadavg()[0]:.1f})'
        )
        grown = asyncio.run(growth_mb(service, options.connects))
        print(
            f'{options.connects} clients that went away: memory grew by {grown:.1f} MB '
            f'to {service.memory_mb():.0f} MB'
        )
    return 0 if cuts[49] < GOAL_P50_MS and grown < GOAL_GROWTH_MB else 1


if __name__ == '__main__':
    sys.exit(main())
