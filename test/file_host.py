# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A host of pictures on a real socket, which does what the test says and notes what it gets."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DEADLINE_S = 30.0


@dataclass(frozen=True)
class Said:
    """An answer; one whose `body` is None waits until it is released, or the host closes."""

    body: bytes | None = b''
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Got:
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]


class FileHost:
    """Listens on a free loopback port; `answers` may be changed while it does."""

    def __init__(self, answers: Mapping[str, Said]) -> None:
        self.answers = dict(answers)
        self.received: list[Got] = []
        self._changed = threading.Condition()
        self._closing = False
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                with host._changed:
                    host.received.append(Got(self.command, self.path, headers))
                    host._changed.notify_all()
                said = host.answers.get(self.path, Said(status=404))
                if said.body is None:
                    said = host._released(self.path)
                if said.body is None:
                    return
                self.send_response(said.status)
                given = {'Content-Length': str(len(said.body)), **said.headers}
                for name, value in given.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(said.body)
                except OSError:
                    self.close_connection = True

            do_HEAD = do_POST = do_GET

            def log_message(self, format: str, *values: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(('127.0.0.1', 0), Handler)
        self.port = self._server.server_port
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.01,), daemon=True)
        self._thread.start()

    def url(self, path: str, host: str = '127.0.0.1') -> str:
        return f'http://{host}:{self.port}{path}'

    def wait_count(self, count: int) -> None:
        """Wait until so many requests came."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.received) >= count, DEADLINE_S)
            assert enough, self.received

    def release(self, path: str, said: Said) -> None:
        """Answer what waits, and what comes from now on."""
        with self._changed:
            self.answers[path] = said
            self._changed.notify_all()

    def _released(self, path: str) -> Said:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closing or self.answers[path].body is not None, DEADLINE_S
            )
            return self.answers[path]

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE_S)

    def __enter__(self) -> FileHost:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
