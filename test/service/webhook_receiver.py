# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks on a real socket that does what the test says."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from service_harness import DEADLINE_S


@dataclass(frozen=True)
class Received:
    """One push."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found


class Receiver:
    """Listens on a free loopback port.

    Args:
        answer: what to answer the push of a number, counted from 0: a status, a redirect's
            target, or None to hang until it closes.
    """

    def __init__(
        self,
        answer: Callable[[int], int | str | None] = lambda number: 200,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        cookie: str = '',
    ) -> None:
        self.received: list[Received] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers['Content-Length'])
                raw = self.rfile.read(length)
                if len(raw) < length:
                    # The sender died on the way.
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                with receiver._changed:
                    number = len(receiver.received)
                    receiver.received.append(Received(self.path, headers, raw))
                    receiver._changed.notify_all()
                said = answer(number)
                if said is None:
                    receiver._closing.wait(DEADLINE_S)
                    return
                self.send_response(said if isinstance(said, int) else 307)
                if isinstance(said, str):
                    self.send_header('Location', said)
                if cookie:
                    self.send_header('Set-Cookie', cookie)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, format: str, *values: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(('127.0.0.1', port), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def url(self, path: str = '/hook', host: str = '127.0.0.1', scheme: str = 'http') -> str:
        return f'{scheme}://{host}:{self.port}{path}'

    def wait(
        self, done: Callable[[list[Received]], bool], deadline_s: float = DEADLINE_S
    ) -> list[Received]:
        """Wait until what was received is enough."""
        with self._changed:
            enough = self._changed.wait_for(lambda: done(self.received), deadline_s)
            assert enough, len(self.received)
            return list(self.received)

    def wait_count(self, count: int) -> list[Received]:
        return self.wait(lambda received: len(received) >= count)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE_S)

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
