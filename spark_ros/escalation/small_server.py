# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A small HTTP server for the few requests that a robot answers, in threads of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_CONNECTIONS = 32
MAX_OF_PEER = 8
SILENCE_S = 10.0
REQUEST_S = 30.0
ANSWER_S = 600.0


class SmallServer(ThreadingHTTPServer):
    """One thread a connection, one request a connection, and a share of both for each peer.

    A peer that holds too many connections loses the oldest on which it has not asked yet, so that
    connections that are only held keep nobody out.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        address: tuple[str, int],
        method: str,
        answer: Callable[[SmallHandler], None],
        name: str,
        request_s: float = REQUEST_S,
    ) -> None:
        """Listen and serve until `stop`.

        Args:
            address: host and port; port 0 takes a free one.
            method: of the requests that are answered, such as GET.
            answer: answers one.
            name: of the thread.
            request_s: how long a request may take to come, in seconds.

        Raises:
            OSError: the port is taken, or the address is not this machine's.
        """
        self._request_s = request_s
        self._lock = threading.Lock()
        # Oldest first: the peer of each connection, and when it has to be over.
        self._asking: dict[socket.socket, tuple[str, float]] = {}
        self._answering: dict[socket.socket, float] = {}
        # A function, because a method would not be given the request.
        handler = type('Handler', (SmallHandler,), {f'do_{method}': lambda each: answer(each)})
        super().__init__(address, handler)
        self.port: int = self.server_address[1]
        threading.Thread(
            target=self.serve_forever, args=(min(request_s, 0.5),), name=name, daemon=True
        ).start()

    def stop(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    def asked(self, connection: socket.socket) -> None:
        """Note that a peer may have what it has asked for, and may take its time to receive it."""
        with self._lock:
            if self._asking.pop(connection, None) is not None:
                self._answering[connection] = time.monotonic() + ANSWER_S

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection; where there is no room, close the oldest that has not asked."""
        peer = client_address[0]
        with self._lock:
            if len(self._answering) >= MAX_CONNECTIONS:
                self.shutdown_request(request)
                return
            of_peer = [each for each, (whose, _) in self._asking.items() if whose == peer]
            if len(of_peer) >= MAX_OF_PEER:
                self._hang_up(of_peer[0])
            elif len(self._asking) >= MAX_CONNECTIONS:
                self._hang_up(next(iter(self._asking)))
            self._asking[request] = peer, time.monotonic() + self._request_s
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection and make room again."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._asking.pop(request, None)
                self._answering.pop(request, None)

    def service_actions(self) -> None:
        """Close what has taken too long; called twice a second."""
        now = time.monotonic()
        with self._lock:
            late = [each for each, (_, end) in self._asking.items() if end <= now]
            for each in late + [each for each, end in self._answering.items() if end <= now]:
                self._hang_up(each)

    def _hang_up(self, connection: socket.socket) -> None:
        """End a connection: its thread, which may wait for more, closes it."""
        self._asking.pop(connection, None)
        self._answering.pop(connection, None)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that disconnects is ignored."""


class SmallHandler(BaseHTTPRequestHandler):
    """One request, and what every answer has in common."""

    server: SmallServer
    timeout = SILENCE_S

    def respond(
        self, status: HTTPStatus, body: bytes = b'', headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with a body of a known length."""
        self.send_response(status)
        for name, value in {'Content-Length': str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Send no version of the server."""
        return 'spark_ros'

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a query may hold a signature."""
