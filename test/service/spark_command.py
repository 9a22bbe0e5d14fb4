# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The `spark` command called, in a pipe and on a terminal, against a service or a proxy."""

from __future__ import annotations

import fcntl
import http.server
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
from installed import SPARK
from service_harness import Served, log_in, settings_of
from serving import call

from spark_ros.cli.spark import main
from spark_ros.service.context import open_context
from spark_ros.service.storage import keys

DEADLINE_S = 60.0
COMMAND = [SPARK]
SEQUENCE = re.compile(r'\x1b\[([0-9;]*)([A-Za-z])')


def new_key(data: Path, api: str = 'spark') -> str:
    """Make an API key in the service's data directory, whether the service runs or not."""
    context = open_context(settings_of(data), time.time)
    try:
        return context.store.write_now(
            lambda transaction: keys.create(transaction, uuid4().hex, time.time(), api=api)
        )
    finally:
        context.store.close()


def environment(url: str, key: str, api: str = 'spark', **more: str) -> dict[str, str]:
    """Return what the command needs around it; only that decides what it does."""
    names = ('PATH', 'HOME', 'LANG', 'SSL_CERT_FILE')
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {
        **kept, 'PYTHONUTF8': '1', 'SPARK_URL': url, 'SPARK_TOKEN': key,
        'SPARK_API': api, 'TERM': 'xterm-256color', **more,
    }  # fmt: skip


def spark(around: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the command; whatever it says, never the key."""
    done = call(main, *arguments, environment=around)
    assert around['SPARK_TOKEN'] not in done.stdout + done.stderr
    assert 'Traceback' not in done.stderr
    return done


class Running:
    """The command while it runs, its lines read as they come."""

    def __init__(self, around: dict[str, str], *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], env=around, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.out: list[str] = []
        self.err: list[str] = []
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for thread in self._threads:
            thread.start()

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait until what was printed fulfils a condition."""
        with self._news:
            assert self._news.wait_for(condition, DEADLINE_S), (self.out, self.err)

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end, and return the exit code."""
        code = self.process.wait(DEADLINE_S)
        for thread in self._threads:
            thread.join(DEADLINE_S)
        return code

    def _read(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            with self._news:
                lines.append(line.rstrip('\n'))
                self._news.notify_all()


@contextmanager
def running(around: dict[str, str], *arguments: str) -> Iterator[Running]:
    """Start the command; it is gone after the block."""
    command = Running(around, *arguments)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.process.kill()
        command.ended()


class OnTerminal:
    """The command on a terminal of its own, of 80 columns and 24 lines."""

    def __init__(self, around: dict[str, str], *arguments: str, columns: int = 80) -> None:
        self.columns = columns
        self.raw = ''
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # The size is set before the command looks at it.
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
            os.execve(COMMAND[0], [*COMMAND, *arguments], around)

    def until(self, condition: Callable[[], Any]) -> None:
        """Read until the screen fulfils a condition."""
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end and self._read(end), self.raw

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._fd, key)

    def ended(self) -> int:
        """Read to the end, and return the exit code."""
        end = time.monotonic() + DEADLINE_S
        while self._read(end):
            assert time.monotonic() < end, self.raw
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    @property
    def screen(self) -> list[str]:
        """What a person sees, line by line; a line that is too long goes on in the next one."""
        lines, column = [''], 0
        for part in re.split(r'(\x1b\[[0-9;]*[A-Za-z]|\r|\n)', self.raw):
            found = SEQUENCE.fullmatch(part)
            if part == '\n':
                lines.append('')
                column = 0
            elif part == '\r':
                column = 0
            elif found:
                assert found[2] in 'Km', f'the sequence {part!r} is none of ours'
                if found[2] == 'K':
                    lines[-1] = lines[-1][:column]
            else:
                for char in part:
                    if column == self.columns:
                        lines.append('')
                        column = 0
                    lines[-1] = lines[-1][:column] + char + lines[-1][column + 1 :]
                    column += 1
        return lines

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(end - time.monotonic(), 0))
        try:
            read = os.read(self._fd, 65_536) if ready else b''
        except OSError:
            read = b''
        self.raw += read.decode('utf-8', 'replace')
        return bool(read)


class Operator:
    """A person at the console: logged in by the link that the service printed."""

    def __init__(self, service: Served) -> None:
        self.http = httpx.Client(
            base_url=service.url, headers={'X-Requested-With': 'console'}, timeout=DEADLINE_S
        )
        log_in(self.http, service.login)

    def claim(self) -> int:
        """Take the newest open question; return its number."""
        waiting = self.http.get('/console/api/queue').json()['questions']
        number = max(int(each['id']) for each in waiting if each['state'] == 'open')
        assert self.http.post(f'/console/api/questions/{number}/claim').status_code == 200
        return number

    def do(self, number: int, action: str, **body: Any) -> None:
        """Answer, flag or release a question."""
        done = self.http.post(f'/console/api/questions/{number}/{action}', json=body)
        assert done.status_code == 200, done.text

    def answer(self, words: str) -> None:
        """Answer the newest open question, one of SparkAI, in words."""
        self.do(self.claim(), 'answer', shapes=[], response=words)


@contextmanager
def without_feed(url: str, feed_status: int = 404) -> Iterator[str]:
    """Stand before a service as one whose change feed is not to be had; give the address."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on(None)

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers['Content-Length'])))

        def log_message(self, format: str, *args: Any) -> None:
            asked.append(self.path)

        def _pass_on(self, body: bytes | None) -> None:
            status = feed_status
            said = b'{"statusCode": %d, "message": "no feed here"}' % status
            if not self.path.startswith('/v1/changes'):
                asks = urllib.request.Request(url + self.path, body, dict(self.headers))
                try:
                    with urllib.request.urlopen(asks, timeout=DEADLINE_S) as answer:
                        status, said = answer.status, answer.read()
                except urllib.error.HTTPError as error:
                    status, said = error.code, error.read()
            self.send_response(status)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        thread.join(DEADLINE_S)
        server.server_close()
    assert any(path.startswith('/v1/changes') for path in asked), 'nobody asked for the feed'


def pattern() -> Any:
    """Return a picture of 320 x 240 pixels that can be told from others, BGR."""
    coarse = np.random.default_rng(7).integers(0, 255, (6, 8, 3), np.uint8)
    return np.kron(coarse, np.ones((40, 40, 1), np.uint8))
