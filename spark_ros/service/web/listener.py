# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Accept connections a few at a time, so that there are never more than there is room for.

asyncio's own server accepts all waiting connections before any can be refused, does not show a
connection until its TLS handshake is over, and reports no failed handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from spark_ros.service.web.connections import Connections
from spark_ros.service.web.http_connection import HttpConnection
from spark_ros.service.web.replies import raw_error

log = logging.getLogger('spark_ros.service')

BACKLOG = 512
BATCH = 16
PAUSE_S = 0.1
LOG_EVERY_S = 60.0


class Listener:
    """Accepts the connections of a listening socket.

    Args:
        listener: bound; it is set to listen.
        connections: decides whether a new connection is admitted.
        make: makes the protocol of an accepted socket and its client's host.
        tls: None for plain HTTP.
    """

    def __init__(
        self,
        listener: socket.socket,
        connections: Connections,
        make: Callable[[socket.socket, str], HttpConnection],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._socket = listener
        self._connections = connections
        self._make = make
        self._tls = tls
        self._logged = float('-inf')
        listener.setblocking(False)
        listener.listen(BACKLOG)

    async def run(self) -> None:
        """Accept until cancelled."""
        while True:
            await self._readable()
            try:
                # Connections that were evicted are closed when the loop goes on.
                for _ in range(BATCH):
                    self._admit(*self._socket.accept())
            except BlockingIOError:
                pass
            except OSError as error:
                if time.monotonic() - self._logged > LOG_EVERY_S:
                    self._logged = time.monotonic()
                    log.error('cannot accept connections: %s', error)
                await asyncio.sleep(0 if self._connections.evict() else PAUSE_S)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._socket, wake)
        try:
            await ready
        finally:
            loop.remove_reader(self._socket)

    def _admit(self, client: socket.socket, address: tuple[str, int]) -> None:
        client.setblocking(False)
        connection = self._make(client, address[0])
        if self._connections.admit(connection):
            self._open(client, connection)
        else:
            self._refuse(client)

    def _open(self, client: socket.socket, connection: HttpConnection) -> None:
        loop = asyncio.get_running_loop()

        def opened(task: asyncio.Task[Any]) -> None:
            if task.cancelled() or task.exception() is not None:
                self._connections.remove(connection)
                client.close()

        opening = loop.connect_accepted_socket(lambda: connection, client, ssl=self._tls)
        connection.opening = asyncio.create_task(opening)
        connection.opening.add_done_callback(opened)

    def _refuse(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self._tls is None:
                message = 'all connections are in use; repeat later'
                client.send(raw_error(503, message, 'Retry-After: 1\r\n'))
