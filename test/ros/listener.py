# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where questions can be sent to when no answer is needed."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any


class Listener:
    """A stand-in service on a socket that takes every question and notes what it was sent.

    Attributes:
        bodies: of the questions.
        received: path and headers of every request, and the body.
        drips: whether what is asked by GET is answered a byte now and then, without an end.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.received: list[bytes] = []
        self.status = 200
        self.drips = False
        self.closed = threading.Event()
        # Several questions come at one time, each on a thread.
        numbers = count(1)
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers['Content-Length']))
                self.note(body)
                answer: Any = {'url': listener.url + '/image', 'signedUrl': listener.url + '/i'}
                if self.path != '/v1/image':
                    listener.bodies.append(json.loads(body))
                    answer = {'token': f'token-{next(numbers)}'}
                self.reply(listener.status, answer)

            def do_GET(self) -> None:
                self.note(b'')
                if listener.drips:
                    self.drip()
                else:
                    self.reply(200, [])

            def drip(self) -> None:
                self.send_response(200)
                self.send_header('Content-Length', '100000')
                self.end_headers()
                with suppress(OSError):
                    while not listener.closed.wait(0.1):
                        self.wfile.write(b' ')

            def note(self, body: bytes) -> None:
                listener.received.append(f'{self.path}\n{self.headers}'.encode() + body)

            def reply(self, status: int, answer: Any) -> None:
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self._server.server_address[1]}'
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def priors(self) -> list[list[dict[str, Any]]]:
        """Return the priors of each question, as they were sent."""
        return [body['priors']['annotations'] for body in self.bodies]

    def close(self) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
