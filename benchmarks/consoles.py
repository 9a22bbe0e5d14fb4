# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Many open consoles: how soon each hears of a question, and what that costs the service.

    python benchmarks/consoles.py [--consoles 200]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx
from accounts import make_login_tokens
from comparison import Verdict, print_verdicts
from floor import IMAGE
from load import PATH, question_about
from service_process import ServiceProcess

SLOWEST_S, MOST_A_SECOND, BUSIEST = 1.0, 4.0, 0.5
LOG_IN_S = 120.0


class Console:
    """Follows the queue as a browser does.

    Attributes:
        heard: when it heard of each question first, by its id.
        messages: how many it was sent.
    """

    def __init__(self) -> None:
        self.heard: dict[int, float] = {}
        self.messages = 0

    async def follow(self, http: httpx.AsyncClient, ready: asyncio.Semaphore) -> None:
        """Read the event stream until cancelled."""
        async with http.stream('GET', '/console/api/events', timeout=None) as events:
            async for line in events.aiter_lines():
                if not line.startswith('data: '):
                    continue
                if not self.messages:
                    ready.release()
                self.messages += 1
                for each in json.loads(line.removeprefix('data: ')).get('lines', ()):
                    self.heard.setdefault(each['id'], time.monotonic())


async def _measure(service: ServiceProcess, count: int, seconds: float, rate: float) -> None:
    consoles = [Console() for _ in range(count)]
    ready = asyncio.Semaphore(0)
    clients = [httpx.AsyncClient(base_url=service.address, timeout=LOG_IN_S) for _ in consoles]
    for client, token in zip(clients, make_login_tokens(service.database, count), strict=True):
        await _log_in(client, service, token)
    following = [
        asyncio.create_task(console.follow(client, ready))
        for console, client in zip(consoles, clients, strict=True)
    ]
    for _ in consoles:
        await ready.acquire()
    print(f'{count} consoles follow the queue', file=sys.stderr)
    before, begun = service.cpu_s, time.monotonic()
    asked = await _ask(service, seconds, rate)
    took_s = time.monotonic() - begun
    cpu = (service.cpu_s - before) / took_s
    await asyncio.sleep(SLOWEST_S)
    messages = max(console.messages for console in consoles) / (took_s + SLOWEST_S)
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    for client in clients:
        await client.aclose()
    waits = sorted(
        console.heard.get(id, float('inf')) - at
        for console in consoles
        for id, at in asked.items()
    )
    p50, p99 = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
    print(
        f'{len(asked)} questions in {took_s:.0f} s: a console hears of one after '
        f'{1000 * p50:.0f} ms (p99 {1000 * p99:.0f} ms), gets {messages:.1f} messages a second; '
        f'the service uses {100 * cpu:.0f} % of a processor'
    )
    sys.exit(print_verdicts({
        f'every console hears of every question within {SLOWEST_S:g} s (p99)': Verdict.of(
            p99 <= SLOWEST_S
        ),
        f'each gets at most {MOST_A_SECOND:g} messages a second': Verdict.of(
            messages <= MOST_A_SECOND + 0.2
        ),
        f'they cost at most {100 * BUSIEST:.0f} % of a processor': Verdict.of(cpu <= BUSIEST),
    }))


async def _log_in(client: httpx.AsyncClient, service: ServiceProcess, token: str) -> None:
    headers = {'Origin': service.address}
    answer = await client.post('/login', data={'token': token}, headers=headers)
    assert answer.status_code in (200, 303), answer.text


async def _ask(service: ServiceProcess, seconds: float, rate: float) -> dict[int, float]:
    """Ask at a steady rate; return when each question was answered 200, by its id."""
    asked: dict[int, float] = {}
    headers = {'Authorization': f'Bearer {service.key}'}
    async with httpx.AsyncClient(base_url=service.address, headers=headers) as robot:
        image = await robot.post('/v1/image', files={'image_file': ('a.png', IMAGE.read_bytes())})
        body = question_about(image.json()['signedUrl'])
        begun = time.monotonic()
        for number in range(int(seconds * rate)):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            (await robot.post(PATH, json=body)).raise_for_status()
            # Nobody else asks, so ids are counted from one.
            asked[number + 1] = time.monotonic()
    return asked


def main() -> None:
    """Measure, print, and exit with 0 if the promises held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--consoles', type=int, default=200)
    parser.add_argument('--seconds', type=float, default=20.0)
    parser.add_argument('--rate', type=float, default=5.0, help='questions a second')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        data = Path(place)
        with (
            open(data / 'log', 'wb') as log,
            ServiceProcess(data, os.environ, log=log) as service,
        ):
            asyncio.run(_measure(service, options.consoles, options.seconds, options.rate))


if __name__ == '__main__':
    main()
