# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One HTTP connection: uvicorn's, with limits on what a client sends and how long it takes.

httptools keeps an unfinished URL or header and has no limit of its own. So the bytes are counted
that came since the parser last finished a head, a part of a body, or a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Hashable
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from spark_ros.service.web.connections import STATE, Connections, client_network
from spark_ros.service.web.replies import raw_error

# Requests that a client sends ahead, without waiting for answers.
MOST_PIPELINED = 16
# What a client must have read of its answer to count as reading.
PROGRESS = 16 * 1024
DROP = struct.pack('ii', 1, 0)


class _HeadTooLarge(Exception):
    """The head of a request is larger than is accepted."""


class HttpConnection(HttpToolsProtocol):
    """A connection that was accepted; `transport` is None until the TLS handshake is done.

    Args:
        client, host: the accepted socket, and its client's address.
        config, server_state, app_state: uvicorn's.

    Attributes:
        network: the client's, by which connections are counted.
        opening: the task that makes the transport; with TLS it takes a handshake.
    """

    def __init__(
        self,
        connections: Connections,
        client: socket.socket,
        host: str,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.network = client_network(host)
        self.opening: asyncio.Task[Any]
        self._client = client
        self._aborted = False
        self._all = connections
        self._limits = connections.limits
        # The request whose answer is under way, or the last one.
        self._active: RequestResponseCycle | None = None
        self._waiting_since = connections.now
        self._head_since: float | None = None
        self._unparsed = 0
        self._body_pending = False
        self._body_bytes = 0
        self._body_s = 0.0
        self._unsent = 0
        self._sent_at = connections.now

    @property
    def _busy(self) -> bool:
        return self._active is not None and not self._active.response_complete

    def abort(self) -> None:
        # What the kernel has not sent is dropped, too.
        with contextlib.suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, DROP)
        self._aborted = True
        if self.transport is not None:
            self.transport.abort()
        elif self.config.is_ssl:
            self.opening.cancel()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._aborted:
            transport.abort()

    def request_authenticated(self, caller: Hashable) -> None:
        """Mark this connection as the caller's whose request is under way."""
        if self._busy:
            self._all.authenticated(self, caller)

    def close_when_unacknowledged(self) -> None:
        """Have the kernel close it when `stalled_s` pass without an acknowledgement."""
        # Only Linux has it.
        if (option := getattr(socket, 'TCP_USER_TIMEOUT', None)) is not None:
            limit_ms = round(self._limits.stalled_s * 1000)
            # It may be closed already.
            with contextlib.suppress(OSError):
                self._client.setsockopt(socket.IPPROTO_TCP, option, limit_ms)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.remove(self)
        self._disconnect()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._unparsed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request is answered as if it had no Upgrade; what follows need not be HTTP.
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _HeadTooLarge):
                self._refuse_size()
            else:
                self._refuse(400, 'this is not HTTP/1.1')
            return
        if self._unparsed > self._limits.head_bytes:
            self._refuse_size()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope['state'][STATE] = self
        self._head_since = self._all.now

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_since is None:
            # A trailer: no endpoint uses one, and it must not be taken for a header.
            return
        if len(self.headers) >= self._limits.headers:
            raise _HeadTooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes or len(self.pipeline) >= MOST_PIPELINED:
            raise _HeadTooLarge
        self._head_since = None
        self._unparsed = 0
        self._body_pending = True
        self._body_bytes, self._body_s = 0, 0.0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unparsed = 0
        self._body_pending = False
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._active = cycle
        self._all.request_begins(self)
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self._all.request_ends(self)
        self._waiting_since = self._all.now
        super().on_response_complete()

    def check(self, now: float, step: float) -> None:
        """End the connection where it has passed a limit; called by the sweep."""
        limits = self._limits
        if self.transport is None:
            if now - self._waiting_since > limits.head_s:
                self.abort()
        elif self._stalled(now):
            self.abort()
        elif self.transport.is_closing():
            pass
        elif self._busy:
            if self._body_pending and self._too_slow(step):
                self._refuse(408, f'the body came too slowly: {limits.body_rate:g} bytes/s are '
                             'the least')
        elif self._head_since is not None:
            if now - self._head_since > limits.head_s:
                self._refuse(408, f'the head of the request took longer than {limits.head_s:g} s')
        elif now - self._waiting_since > self._idle_limit_s():
            self.transport.close()

    def _idle_limit_s(self) -> float:
        """Return how long the connection may be silent where no request is under way."""
        if self._active is None or self._body_pending:
            # Nothing was asked yet; or the rest of a request that was refused.
            return self._limits.head_s
        return self._limits.keep_alive_s

    def _stalled(self, now: float) -> bool:
        unsent = self._unsent_bytes()
        if not unsent or unsent <= self._unsent - PROGRESS:
            self._unsent, self._sent_at = unsent, now
        self._unsent = max(unsent, self._unsent)
        return now - self._sent_at > self._limits.stalled_s

    def _unsent_bytes(self) -> int:
        buffered = self.transport.get_write_buffer_size()
        if not buffered:
            return 0
        # The kernel takes more only when a third of its buffer, maybe a megabyte, is free again:
        # without what it holds, a slow reader looks like one that does not read.
        queued = fcntl.ioctl(self._client, termios.TIOCOUTQ, bytes(4))
        return buffered + int.from_bytes(queued, sys.byteorder)

    def _too_slow(self, step: float) -> bool:
        assert self._active is not None
        if self.flow.read_paused or self._active.waiting_for_100_continue:
            # The client waits for this service.
            return False
        self._body_s += step
        if self._body_s < self._limits.body_s:
            return False
        slow = self._body_bytes < self._limits.body_rate * self._body_s
        self._body_bytes, self._body_s = 0, 0.0
        return slow

    def _refuse_size(self) -> None:
        self._refuse(431, f'the URL and the headers are larger than the {self._limits.head_bytes} '
                     f'bytes or more than the {self._limits.headers} headers accepted here')

    def _refuse(self, status: int, message: str) -> None:
        """Answer with an error where no other answer has begun, and close."""
        if self._head_since is not None:
            # Not in the place of an answer that is still to come.
            may_answer = not self._busy
        elif self._active is not None:
            may_answer = self._active is self.cycle and not self._active.response_started
        else:
            may_answer = True
        self._disconnect()
        if may_answer and not self.transport.is_closing():
            self.transport.write(raw_error(status, message))
        self.transport.close()

    def _disconnect(self) -> None:
        """Tell the current request that its client has disconnected."""
        if self._active is not None and not self._active.response_complete:
            self._active.disconnected = True
            self._active.message_event.set()
