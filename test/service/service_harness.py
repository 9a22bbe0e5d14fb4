# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A service inside this process, without or with a port, and one in a process of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from openapi_check import expect_as_described
from PIL import Image
from serving import Serving, ServingProcess

from spark_ros.service.app import running
from spark_ros.service.context import Context
from spark_ros.service.monitoring.api import create_monitoring_app
from spark_ros.service.settings import Settings
from spark_ros.service.storage import change_log, keys, sessions
from spark_ros.service.web.connections import DEFAULT_LIMITS, ConnectionLimits

URL = 'http://service.test'
DEADLINE_S = 30.0
T = TypeVar('T')


def settings_of(data: Path, **more: Any) -> Settings:
    """Return settings of a service in a data directory, with the database of the test."""
    return Settings(data, os.environ.get('SPARK_SERVICE_DATABASE', ''), min_free=0, **more)


class Clock:
    """Unix seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


async def addresses_only(host: str, port: int) -> Sequence[str]:
    """Resolve nothing: the hosts that questions name here are on no network."""
    try:
        return [str(ip_address(host.strip('[]')))]
    except ValueError:
        raise OSError('these tests look no name up') from None


class InProcess:
    """A service on an event loop of its own; calls are plain functions."""

    def __init__(self, settings: Settings) -> None:
        self.clock = Clock()
        self.settings = settings
        self.context: Context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._running = running(settings, self.clock, addresses_only)
        self._app = self.do(self._running.__aenter__())
        self.context = self._app.state.context
        self._http = self.client()
        self._monitor = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_monitoring_app(self._app)), base_url=URL
        )

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the service's loop."""
        return self.start(work).result(DEADLINE_S)

    def start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def client(self, **more: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app), base_url=URL, timeout=DEADLINE_S,
            event_hooks={'response': [expect_as_described]}, **more,
        )  # fmt: skip

    def monitor(self, path: str) -> httpx.Response:
        """Ask the monitoring port."""
        return self.do(self._monitor.get(path))

    def key(self, name: str, **more: Any) -> str:
        return self.context.store.write_now(
            lambda transaction: keys.create(transaction, name, self.clock(), **more)
        )

    def tenant(self, name: str = 'robot', **more: Any) -> Caller:
        return Caller(self, {'Authorization': f'Bearer {self.key(name, **more)}'})

    def operator(self) -> Caller:
        """Log an operator in by a login link."""
        link = self.context.store.write_now(
            lambda transaction: sessions.make_link(transaction, URL, self.clock())
        )
        answer = self.do(self.client().post('/login', data=login_form(link)))
        assert answer.status_code == 303
        cookie = answer.headers['set-cookie'].split(';')[0]
        return Caller(self, {'Cookie': cookie, 'X-Requested-With': 'console'})

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        if path.startswith('/v1/changes'):
            self.wait_until_readable()
        return self.do(self._http.request(method, path, **more))

    def wait_until_readable(self) -> None:
        """Wait until the feed has all changes: on PostgreSQL, writes under way hold it back."""
        end = time.monotonic() + DEADLINE_S
        while self.context.store.read_now(change_log.held_back_since) is not None:
            assert time.monotonic() < end

    def close(self) -> None:
        """Stop it; a second time does nothing."""
        if self._loop.is_closed():
            return
        self.do(self._http.aclose())
        self.do(self._monitor.aclose())
        self.do(self._running.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()


@dataclass
class Caller:
    """Somebody with credentials."""

    service: InProcess
    headers: dict[str, str]

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop('headers', {})}
        return self.service.send(method, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.send('GET', path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.send('POST', path, **more)

    def ask(self, **body: Any) -> str:
        """Create an engagement and return its token."""
        answer = self.post('/v1/engagement', json=question(**body))
        assert answer.status_code == 200, answer.text
        return str(answer.json()['token'])

    def engagement(self, token: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f'/v1/engagement/{token}').json()[0]
        return found

    def upload(self, content: bytes | None = None) -> dict[str, str]:
        files = {'image_file': ('a.jpg', content or picture(), 'multipart/form-data')}
        answer = self.post('/v1/image', files=files)
        assert answer.status_code == 200, answer.text
        urls: dict[str, str] = answer.json()
        return urls

    def claim_first(self) -> dict[str, Any]:
        """Claim the oldest open question and return it."""
        waiting = self.get('/console/api/queue').json()['questions']
        first = next(each for each in waiting if each['state'] == 'open')
        claimed = self.post(f'/console/api/questions/{first["id"]}/claim')
        assert claimed.status_code == 200, claimed.text
        question: dict[str, Any] = claimed.json()
        return question

    def act(self, question: dict[str, Any], action: str, **body: Any) -> httpx.Response:
        return self.post(f'/console/api/questions/{question["id"]}/{action}', json=body)


def until(robot: Caller | httpx.Client, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, which is looked at after each change for a robot."""
    cursor = robot.get('/v1/changes').json()['cursor']
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        answer = robot.get('/v1/changes', params={'cursor': cursor, 'block': 5})
        cursor = answer.json()['cursor']


@dataclass
class Served:
    """`spark-service serve` on a thread or in a process, and a key of it."""

    serving: Serving | ServingProcess
    log: Path
    key: str = field(default='', repr=False)

    @property
    def data(self) -> Path:
        return self.serving.data

    @property
    def url(self) -> str:
        return self.serving.url

    @property
    def login(self) -> str:
        return self.serving.login

    @property
    def headers(self) -> dict[str, str]:
        return {'Authorization': f'Bearer {self.key}'}


@contextmanager
def served(
    data: Path, *arguments: str, key: str = '', limits: ConnectionLimits = DEFAULT_LIMITS
) -> Iterator[Served]:
    """Run `spark-service serve` on a thread and a free port."""
    log = data.parent / f'{data.name}.log'
    handler = logging.FileHandler(log)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter('%(levelname)s %(name)s: %(message)s'))
    logging.getLogger().addHandler(handler)
    try:
        with Serving(data, '--port', '0', *arguments, limits=limits) as serving:
            yield Served(serving, log, key)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


@contextmanager
def served_by_process(
    data: Path, *arguments: str, key: str = '', files: int | None = None
) -> Iterator[Served]:
    """Run `spark-service serve` on a free port, in a process of its own."""
    serving = ServingProcess(data, '--port', '0', *arguments, files=files)
    try:
        serving.wait()
        yield Served(serving, serving.log, key)
    finally:
        serving.stop()


@contextmanager
def held(service: InProcess, operator: str) -> Iterator[None]:
    """Count an operator, in the service's own thread."""
    holding = service.context.presence.hold(operator)

    async def call(work: Callable[..., Any], *arguments: Any) -> None:
        work(*arguments)

    service.do(call(holding.__enter__))
    try:
        yield
    finally:
        service.do(call(holding.__exit__, None, None, None))


def wait_for_log(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Wait until the log has a text."""
    end = time.monotonic() + DEADLINE_S
    while text not in caplog.text:
        assert time.monotonic() < end, caplog.text


def login_form(link: str) -> dict[str, str]:
    """Return what the button sends to /login on the page that a login link opens."""
    return {'token': link.partition('?token=')[2]}


def log_in(console: httpx.Client, link: str) -> None:
    """Open a login link and press the button."""
    assert console.get(link).status_code == 200
    assert console.post(link.partition('?')[0], data=login_form(link)).status_code == 303


def picture(size: tuple[int, int] = (64, 48), form: str = 'JPEG', shade: int = 90) -> bytes:
    """Return an image file."""
    data = io.BytesIO()
    Image.new('RGB', size, (shade, 120, 30)).save(data, form)
    return data.getvalue()


def question(**more: Any) -> dict[str, Any]:
    """Return the body of a valid POST /v1/engagement."""
    body = {'content_location': ['http://192.0.2.1/1.jpg'], 'instructions': 'What is there?'}
    return {name: value for name, value in {**body, **more}.items() if value is not None}


def box(x0: float, y0: float, x1: float, y1: float) -> list[dict[str, float]]:
    """Return the canonical vertices of a box."""
    return [{'x': x0, 'y': y0}, {'x': x1, 'y': y0}, {'x': x1, 'y': y1}, {'x': x0, 'y': y1}]


def prior(label: str, *corners: float, **more: Any) -> dict[str, Any]:
    """Return a bounding box as it is sent."""
    return {'label': label, 'type': 'bounding_box', 'vertices': box(*corners), **more}

