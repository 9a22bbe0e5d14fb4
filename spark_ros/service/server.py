# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Run the service under uvicorn: one line shows its address, and a signal ends it cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import uvicorn
import uvloop
from starlette.applications import Starlette

from spark_ros.service.app import create_app
from spark_ros.service.background import BackgroundTasks
from spark_ros.service.context import Context
from spark_ros.service.file_limits import FILES_EACH, most_connections, set_process_limits
from spark_ros.service.media.image_files import ImagesUnusable
from spark_ros.service.media.image_store import image_files
from spark_ros.service.monitoring.api import create_monitoring_app
from spark_ros.service.settings import Settings, is_loopback
from spark_ros.service.storage import removals, sessions
from spark_ros.service.storage.database import expect_driver
from spark_ros.service.storage.database_version import expect_usable
from spark_ros.service.storage.directory_lock import lock_directory
from spark_ros.service.supervisor import WorkerFailed, supervise
from spark_ros.service.web.connections import DEFAULT_LIMITS, ConnectionLimits, Connections
from spark_ros.service.web.http_connection import HttpConnection
from spark_ros.service.web.listener import Listener

log = logging.getLogger('spark_ros.service')

GRACE_S = 5
METRICS_CONNECTIONS = 16
# How long a thread may hold the GIL while others wait for it. A question needs the GIL dozens of
# times on its way through the threads.
SWITCH_INTERVAL_S = 0.0005
# Thresholds of the garbage collector: by default it looks at all connections many times a minute.
GARBAGE = 20_000, 10, 100


class ServeError(Exception):
    """The service cannot start; the message is for the person at the terminal."""


@dataclass(frozen=True)
class Listen:
    """Where to listen; port 0 takes a free one. TLS when there is a certificate.

    Attributes:
        metrics_host, metrics_port: where /metrics and /readyz are, without TLS; None: nowhere.
            Of several processes, each has the next port.
        limits: of connections, of each process.
        workers: how many processes; on SQLite, one.
    """

    host: str = '127.0.0.1'
    port: int = 8080
    certificate: Path | None = None
    private_key: Path | None = None
    metrics_host: str = '127.0.0.1'
    metrics_port: int | None = None
    limits: ConnectionLimits = DEFAULT_LIMITS
    workers: int = 1


def serve(
    settings: Settings, listen: Listen, announce: Callable[[Context, str, str], None]
) -> None:
    """Serve until SIGINT or SIGTERM, and set the limits of this process.

    Args:
        announce: called once it listens, with the service, its address and a login link.

    Raises:
        DirectoryInUse: another service runs on the data.
        DriverMissing, SQLAlchemyError: the database cannot be spoken to.
        WrongDatabase: it is of another version, or not a service's.
        ServeError: the port is taken, or the data, the images or the operator cannot be used.
    """
    set_process_limits()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*GARBAGE)
    if listen.workers == 1:
        with listening(settings, listen, announce) as server:
            _keep_what_is_there()
            server.run_on_listener()
        return
    with _bound(settings, listen) as bound:
        _keep_what_is_there()
        try:
            supervise(listen.workers, partial(_work, settings, listen, bound, announce))
        except WorkerFailed as error:
            raise ServeError(f'{error} before it served; the lines above say why') from None


def _keep_what_is_there() -> None:
    # The garbage collector need not look at it again and again.
    gc.collect()
    gc.freeze()


def _work(
    settings: Settings,
    listen: Listen,
    bound: _Bound,
    announce: Callable[[Context, str, str], None],
    number: int,
    first: bool,
    tell_served: Callable[[], None],
) -> int:
    """Serve as one of several processes."""
    try:
        server = Server(
            _app(settings), listen, bound, number, announce if first and not number else None,
            tell_served,
        )  # fmt: skip
        _keep_what_is_there()
        server.run_on_listener()
    except ServeError as error:
        log.error('process %d: %s', number, error)
        return 1
    return 0


@contextlib.contextmanager
def listening(
    settings: Settings, listen: Listen, announce: Callable[[Context, str, str], None]
) -> Iterator[Server]:
    """Lock the data directory, bind the port, and yield the server to run; see `serve`."""
    with _bound(settings, listen) as bound:
        yield Server(_app(settings), listen, bound, 0, announce)


@dataclass(frozen=True)
class _Bound:
    """Sockets to serve on.

    Attributes:
        address: the service's, for people and for programs.
        metrics: of each process; empty where there are none.
    """

    listener: socket.socket
    address: str
    metrics: Sequence[socket.socket]


@contextlib.contextmanager
def _bound(settings: Settings, listen: Listen) -> Iterator[_Bound]:
    expect_driver(settings.database)
    with (
        lock_directory(settings.data) as write_address,
        _bind(listen.host, listen.port) as listener,
        contextlib.ExitStack() as stack,
    ):
        # What is wrong with the database is a line here, and a traceback later.
        expect_usable(settings.database)
        metrics = [stack.enter_context(each) for each in _bind_metrics(listen)]
        port = listener.getsockname()[1]
        address = settings.public_url.rstrip('/') or _address(listen, port)
        write_address(address)
        if not is_loopback(listen.host) and not address.startswith('https:'):
            log.warning(
                'listening on %s without TLS: keys and answers are sent unencrypted; '
                'give --tls-cert and --tls-key, or --public-url https://… of a proxy in front',
                listen.host,
            )
        yield _Bound(listener, address, metrics)


def _app(settings: Settings) -> Starlette:
    try:
        app = create_app(settings)
    except (OSError, ValueError) as error:
        raise ServeError(f'the operator cannot be used: {error}') from None
    try:
        image_files(settings).prepare()
    except ImagesUnusable as error:
        raise ServeError(f'cannot store images in {error}') from None
    return app


class Server(uvicorn.Server):
    """uvicorn, except that it announces itself and that a signal is an ordinary end.

    Args:
        number: of this process among several.
        announce: as of `serve`; None where another process does it.
        tell_served: called once it serves.
    """

    def __init__(
        self,
        app: Starlette,
        listen: Listen,
        bound: _Bound,
        number: int,
        announce: Callable[[Context, str, str], None] | None,
        tell_served: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            _config(
                app, listen.limits, 'on',
                ssl_certfile=listen.certificate,
                ssl_keyfile=None if listen.private_key is None else str(listen.private_key),
            )
        )  # fmt: skip
        self._app = app
        self._bound = bound
        self._announce = announce
        self._number, self._tell_served = number, tell_served
        limits, possible = listen.limits, most_connections()
        if limits.most > possible:
            log.warning(
                'there are files for %d connections, not for %d: let the process have %d open '
                'files (ulimit -n, LimitNOFILE)', possible, limits.most, FILES_EACH * limits.most,
            )  # fmt: skip
        self._connections = Connections(limits, min(limits.most, possible))
        self._loop: asyncio.AbstractEventLoop
        self._accepting: list[asyncio.Task[None]] = []

    def run_on_listener(self) -> None:
        """Serve until a signal comes, in the main thread, or until `stop` is called.

        Raises:
            ServeError: the data cannot be used.
        """
        uvloop.run(self.serve(sockets=[self._bound.listener]))
        if not self.started:
            raise ServeError('the service did not start; the lines above say why')

    def stop(self) -> None:
        """Stop serving, from any thread; a second call does not wait for requests under way."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        # Without a socket, since uvicorn would accept connections by itself.
        await super().startup([])
        if not self.started:
            return
        background: BackgroundTasks = self._app.state.background
        background.start('connections', self._connections.sweep)
        listener = Listener(
            self._bound.listener, self._connections, self._connection, self.config.ssl
        )
        self._accepting.append(background.start('listener', listener.run))
        if self._bound.metrics:
            self._serve_metrics(self._bound.metrics[self._number], background)
        if self._announce is not None:
            context: Context = self._app.state.context
            address, now = self._bound.address, context.clock()
            await context.store.write(removals.store_place, context.settings.images)
            link = await context.store.write(sessions.start_links, address, now)
            await asyncio.to_thread(self._announce, context, address, link)
        self._tell_served()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for accepting in self._accepting:
            accepting.cancel()
        if self._accepting:
            await asyncio.wait(self._accepting)
        await super().shutdown(sockets)

    def _connection(self, client: socket.socket, host: str) -> HttpConnection:
        return HttpConnection(
            self._connections, client, host, self.config, self.server_state, self.lifespan.state
        )

    def _serve_metrics(self, metrics: socket.socket, background: BackgroundTasks) -> None:
        """Serve the monitoring port, with few connections of its own."""
        config = _config(create_monitoring_app(self._app), self._connections.limits, 'off')
        config.load()
        connections = Connections(self._connections.limits, METRICS_CONNECTIONS)
        listener = Listener(
            metrics,
            connections,
            lambda client, host: HttpConnection(
                connections, client, host, config, self.server_state, {}
            ),
            None,
        )
        background.start('metrics connections', connections.sweep)
        self._accepting.append(background.start('metrics listener', listener.run))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again at the end, and the exit code would not be 0.
        loop = asyncio.get_running_loop()
        alone = threading.current_thread() is threading.main_thread()
        # In other threads Python cannot handle signals.
        signals = (signal.SIGINT, signal.SIGTERM) if alone else ()
        for number in signals:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True
        if self.started:
            # Event streams would otherwise hold their connections open.
            context: Context = self._app.state.context
            context.bus.close()


def _config(
    app: Starlette, limits: ConnectionLimits, lifespan: Literal['on', 'off'], **tls: Any
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http='httptools',
        ws='none',
        access_log=False,
        log_level='warning',
        log_config=None,
        lifespan=lifespan,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=math.ceil(limits.keep_alive_s),
        **tls,
    )


def _bind_metrics(listen: Listen) -> Iterator[socket.socket]:
    """Bind the port of each process in turn; each is a context."""
    if listen.metrics_port is None:
        return
    for number in range(listen.workers):
        yield _bind(listen.metrics_host, listen.metrics_port + number)
    if not is_loopback(listen.metrics_host):
        log.warning(
            'metrics on %s port %d: whoever can reach it reads them, unencrypted',
            listen.metrics_host, listen.metrics_port,
        )  # fmt: skip


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ServeError(
            f'cannot listen on {host} port {port}: {error.strerror}'
        ) from None
    return listener


def _address(listen: Listen, port: int) -> str:
    host = {'0.0.0.0': '127.0.0.1', '::': '[::1]', '': '127.0.0.1'}.get(listen.host, listen.host)
    if ':' in host and not host.startswith('['):
        host = f'[{host}]'
    return f'{"https" if listen.certificate else "http"}://{host}:{port}'
