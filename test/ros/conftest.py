# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A robot for each test, and services that live as long as the tests of a file."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from robot import TOKEN, Robot
from services import Service, free_port


@pytest.fixture
def robot(
    wait_until: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Robot]:
    """A robot whose service cannot be reached: what is asked stays in the journal."""
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    robot = Robot(
        wait_until,
        {
            'server.url': f'http://127.0.0.1:{free_port()}',
            'cameras': ['front'],
            'robot_id': 'rover',
            'journal.path': str(tmp_path / 'journal.db'),
            'poll.interval_s': 0.1,
            'poll.max_interval_s': 1.0,
        },
    )
    yield robot
    robot.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that the test starts, with or without an operator."""
    service = Service(tmp_path / 'service')
    yield service
    service.stop()


class Listener:
    """A stand-in service on a socket that takes every question and notes what it was sent.

    Attributes:
        bodies: of the questions.
        received: path and headers of every request, and the body.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.received: list[bytes] = []
        self.status = 200
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers['Content-Length']))
                self.note(body)
                answer: Any = {'url': listener.url + '/image', 'signedUrl': listener.url + '/i'}
                if self.path != '/v1/image':
                    listener.bodies.append(json.loads(body))
                    answer = {'token': f'token-{len(listener.bodies)}'}
                self.reply(listener.status, answer)

            def do_GET(self) -> None:
                self.note(b'')
                self.reply(200, [])

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
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """What the node's questions are sent to where no answer is needed."""
    listening = Listener()
    yield listening
    listening.close()
