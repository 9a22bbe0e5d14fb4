# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A fleet on one service: thousands of robots wait at its feed while questions are answered.

    python benchmarks/fleet.py [--robots 9000] [--rate 50]

Each robot has a connection of its own, on which it waits for changes; robots share keys. At a
steady rate one of them asks; an operator, whose console hears of it, claims the question and
answers it. The time is from sending the answer to that robot's having it. Nobody else may hear of
it, and nobody may miss it. With --workers, so many processes serve, on PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import uvloop
from accounts import make_keys
from comparison import Verdict, print_verdicts
from durable_postgres import database_for
from floor import IMAGE
from load import PATH, SHAPE, question_about, whole_answer
from service_process import ServiceProcess

ROBOTS_OF_A_KEY = 250
AT_ONCE = 100
SLOWEST_MS = 200.0
TIMEOUT_S = 60.0
BLOCK_S = '60'
WARM_UP_S = 5.0
# Connections besides those of the robots.
OTHERS = 500


class Connection(asyncio.Protocol):
    """Sends one request at a time on a kept connection; costs less than a client library."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._answer = b''
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def open(cls, address: str) -> Connection:
        """Connect to a service."""
        parts = urlsplit(address)
        loop = asyncio.get_running_loop()
        made = await loop.create_connection(
            lambda: cls(parts.netloc), parts.hostname, parts.port
        )
        return made[1]

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        content = b'' if body is None else json.dumps(body).encode()
        said = ''.join(f'{name}: {value}\r\n' for name, value in headers.items())
        if body is not None:
            said += 'Content-Type: application/json\r\n'
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(
            f'{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{said}'
            f'Content-Length: {len(content)}\r\n\r\n'.encode() + content
        )
        return await self._waiting

    async def json(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> dict[str, Any]:
        """Return what an answer says.

        Raises:
            RuntimeError: its status is not 200.
        """
        status, said = await self.call(method, path, headers, body)
        if status != 200:
            raise RuntimeError(f'{path}: {status} {said.decode()}')
        found: dict[str, Any] = json.loads(said)
        return found

    @property
    def is_closed(self) -> bool:
        """Whether no request can be sent any more."""
        return self._transport.is_closing()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._answer += data
        answer = whole_answer(self._answer)
        if answer is not None and self._waiting is not None and not self._waiting.done():
            self._answer = b''
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(RuntimeError('the connection was closed'))


@dataclass
class Robot:
    """One that waits at the feed.

    Attributes:
        heard: when it heard that a question of its own was closed, by token.
    """

    name: str
    key: str
    heard: dict[str, float] = field(default_factory=dict)
    cursor: str = ''

    async def follow(self, connection: Connection) -> None:
        """Wait for changes, one call after the other, until cancelled."""
        while True:
            given = {'robot_id': self.name}
            if self.cursor:
                given.update(cursor=self.cursor, block=BLOCK_S)
            page = await connection.json('GET', f'/v1/changes?{urlencode(given)}', self.headers)
            now = time.monotonic()
            self.cursor = page['cursor']
            for change in page['changes']:
                said = change['engagement']
                if said['state'] == 'closed' and self.heard.setdefault(said['token'], now) != now:
                    raise RuntimeError(f'{self.name} heard twice of one answer')

    @property
    def headers(self) -> dict[str, str]:
        """What it sends with each call."""
        return {'Authorization': f'Bearer {self.key}', 'Spark-Robot-Id': self.name}


@dataclass
class Load:
    """Robots that ask, and an operator who answers what comes; connections are used again.

    Attributes:
        asked: which robot asked, by token.
        answered: when the answer was sent, by token.
    """

    address: str
    cookies: dict[str, str]
    image_urls: dict[str, str]
    asked: dict[str, Robot] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _working: set[asyncio.Task[None]] = field(default_factory=set)
    _free: list[Connection] = field(default_factory=list)

    async def ask(self, robots: list[Robot], rate: float, seconds: float) -> None:
        """Let robots ask at a steady rate."""
        begun, chance = time.monotonic(), random.Random(1)
        asking = set()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            asking.add(asyncio.create_task(self._ask(chance.choice(robots))))
        await asyncio.gather(*asking)

    async def answer(self) -> None:
        """Answer what the console shows, as soon as it does, until cancelled."""
        async with (
            httpx.AsyncClient(headers=self.cookies, timeout=None, trust_env=False) as http,
            http.stream('GET', f'{self.address}/console/api/events') as events,
        ):
            async for line in events.aiter_lines():
                if not line.startswith('data: '):
                    continue
                for each in json.loads(line.removeprefix('data: ')).get('lines', ()):
                    if each['id'] not in self._seen:
                        self._seen.add(each['id'])
                        task = asyncio.create_task(self._answer(each['id']))
                        self._working.add(task)
                        task.add_done_callback(self._ended)

    async def _ask(self, robot: Robot) -> None:
        async with self._connection() as connection:
            body = question_about(self.image_urls[robot.key])
            created = await connection.json('POST', PATH, robot.headers, body)
            self.asked[created['token']] = robot

    async def _answer(self, id: int) -> None:
        async with self._connection() as connection:
            question = f'/console/api/questions/{id}'
            claimed = await connection.json('POST', f'{question}/claim', self.cookies)
            said = {
                'shapes': [
                    {'prior': prior['index'], **{name: prior[name] for name in SHAPE}}
                    for prior in claimed['priors']
                ],
                'response': 'yes',
            }  # fmt: skip
            self.answered[claimed['token']] = time.monotonic()
            await connection.json('POST', f'{question}/answer', self.cookies, said)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        task.result()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = None
        # The service closes what was not used for some seconds.
        while self._free and (connection is None or connection.is_closed):
            connection = self._free.pop()
        if connection is None or connection.is_closed:
            connection = await Connection.open(self.address)
        yield connection
        self._free.append(connection)


async def _measure(service: ServiceProcess, options: argparse.Namespace) -> int:
    keys = make_keys(service.database, math.ceil(options.robots / ROBOTS_OF_A_KEY))
    robots = [Robot(f'rover-{n}', keys[n % len(keys)]) for n in range(options.robots)]
    load = Load(service.address, _log_in(service), {key: _upload(service, key) for key in keys})
    following = []
    for robot in robots:
        following.append(asyncio.create_task(robot.follow(await Connection.open(service.address))))
        if len(following) % AT_ONCE == 0:
            await _until(partial(_all_started, robots[: len(following)]))
            print(f'{len(following)} robots wait', end='\r', file=sys.stderr, flush=True)
    await _until(partial(_all_started, robots))
    print(f'{len(robots)} robots wait, {len(keys)} keys', file=sys.stderr)
    # This process must not be what an answer waits for.
    gc.collect()
    gc.freeze()
    following.append(asyncio.create_task(load.answer()))

    async def run(rate: float, seconds: float) -> None:
        load.answered.clear()
        await load.ask(robots, rate, seconds)
        await _until(lambda: all(token in robot.heard for token, robot in load.asked.items()))

    await run(min(options.rate, 20.0), WARM_UP_S)
    before, begun = service.cpu_s, time.monotonic()
    await run(options.rate, options.seconds)
    took_s, cpu_s = time.monotonic() - begun, service.cpu_s - before
    for task in following:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    waits_ms = [
        1000 * (load.asked[token].heard[token] - at) for token, at in load.answered.items()
    ]
    cuts = quantiles(waits_ms, n=100)
    others = sum(len(robot.heard) for robot in robots) - len(load.asked)
    print(
        f'{len(robots)} robots on the feed, {len(waits_ms) / took_s:.0f} questions a second '
        f'for {took_s:.0f} s: submit to robot p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, '
        f'longest {max(waits_ms):.0f} ms; {1000 * cpu_s / len(waits_ms):.1f} ms of the '
        f"service's processor time a question, {service.memory / 1e6:.0f} MB (PSS)"
    )
    return print_verdicts({
        f'{options.rate:g} questions a second are answered': Verdict.of(
            len(waits_ms) / took_s >= 0.98 * options.rate
        ),
        f'an answer reaches its robot within {SLOWEST_MS:g} ms (p99)': Verdict.of(
            cuts[98] <= SLOWEST_MS
        ),
        'no robot hears of an answer to another, or twice': Verdict.of(others == 0),
    })


def _all_started(robots: Iterable[Robot]) -> bool:
    return all(robot.cursor for robot in robots)


async def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f'not within {TIMEOUT_S:.0f} s')
        await asyncio.sleep(0.01)


def _log_in(service: ServiceProcess) -> dict[str, str]:
    with httpx.Client(base_url=service.address, trust_env=False) as browser:
        browser.post('/login', data={'token': service.login.partition('?token=')[2]})
        cookie = '; '.join(f'{name}={value}' for name, value in browser.cookies.items())
    return {'Cookie': cookie, 'X-Requested-With': 'console'}


def _upload(service: ServiceProcess, key: str) -> str:
    files = {'image_file': ('a.png', IMAGE.read_bytes())}
    answer = httpx.post(
        f'{service.address}/v1/image', files=files, trust_env=False,
        headers={'Authorization': f'Bearer {key}'},
    )  # fmt: skip
    url: str = answer.raise_for_status().json()['url']
    return url


def main() -> int:
    """Measure, print, and return 0 if the promises held."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument('--robots', type=int, default=9000)
    parser.add_argument('--rate', type=float, default=50.0, help='questions a second')
    parser.add_argument('--seconds', type=float, default=30.0)
    parser.add_argument('--workers', type=int, default=1)
    options = parser.parse_args()
    most = options.robots + OTHERS
    with (
        tempfile.TemporaryDirectory() as place,
        open(Path(place) / 'log', 'wb') as log,
        database_for(options.workers) as database,
        ServiceProcess(
            Path(place), {**os.environ, **database}, '--max-connections', str(most),
            '--workers', str(options.workers), open_files=2 * most, log=log,
        ) as service,
    ):  # fmt: skip
        return uvloop.run(_measure(service, options))


if __name__ == '__main__':
    sys.exit(main())
