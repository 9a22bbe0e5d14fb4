# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The commands and the service inside this process: the same code, without a start of Python.

What is killed, signalled, or looked at from outside is a `ServingProcess`.
"""

from __future__ import annotations

import io
import logging
import os
import queue
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from unittest import mock

from installed import SPARK_SERVICE

from spark_ros.cli.service import main as spark_service
from spark_ros.cli.service_arguments import service_parser
from spark_ros.cli.service_commands import what_to_serve
from spark_ros.service.context import Context
from spark_ros.service.server import Server, listening
from spark_ros.service.web.connections import DEFAULT_LIMITS, ConnectionLimits

START_S = 30.0
STOP_S = 30.0
ANNOUNCED = re.compile(r'(http\S+) .*?(http\S+/login\?token=\S+)')

_kept_ports: list[socket.socket] = []


def call(
    main: Callable[[Sequence[str]], int],
    *arguments: str,
    environment: Mapping[str, str] = os.environ,
) -> subprocess.CompletedProcess[str]:
    """Call the function of a command line, and return what a process would leave behind."""
    out, err = (io.TextIOWrapper(io.BytesIO(), 'utf-8', write_through=True) for _ in range(2))
    mask = os.umask(0o022)
    os.umask(mask)
    log = logging.getLogger('spark_ros')
    level = log.level
    around: AbstractContextManager[object] = nullcontext()
    if environment is not os.environ:
        # For a moment there is nothing in it, which other threads may see.
        around = mock.patch.dict(os.environ, dict(environment), clear=True)
    try:
        with redirect_stdout(out), redirect_stderr(err), around:
            code = main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os.umask(mask)
        log.setLevel(level)
    said = [each.buffer.getvalue().decode('utf-8') for each in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *said)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call a command of `spark-service`."""
    return call(spark_service, *arguments)


def printed(*arguments: str) -> str:
    """Return what a command of `spark-service` prints that must succeed."""
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def free_port() -> int:
    """Return a port that nobody listens on, and that only who asks for it by its number gets.

    A socket stays bound to it without listening: no connection of anybody starts from there, and
    whoever wants any port has another. Servers set SO_REUSEADDR, by which they can bind it, too.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(('127.0.0.1', 0))
    _kept_ports.append(kept)
    port: int = kept.getsockname()[1]
    return port


class Serving:
    """`spark-service serve` on a thread and a real port."""

    def __init__(
        self, data: Path, *arguments: str, limits: ConnectionLimits = DEFAULT_LIMITS
    ) -> None:
        """Start it; return when it listens."""
        self.data = data
        self._limits = limits
        self._options = service_parser().parse_args(['serve', *arguments, '--data', str(data)])
        self._said: queue.Queue[tuple[str, str] | None] = queue.Queue()
        self._failed: BaseException | None = None
        self._server: Server
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        said = self._said.get(timeout=START_S)
        if said is None:
            assert self._failed is not None
            raise self._failed
        self.url, self.login = said

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop serving, as a signal would, and raise what it ended by; a second time only that."""
        self._server.stop()
        self._thread.join(STOP_S)
        assert not self._thread.is_alive(), 'the service does not stop'
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        def announce(context: Context, address: str, link: str) -> None:
            self._said.put((address, link))

        try:
            settings, listen = what_to_serve(self._options)
            if self._limits is not DEFAULT_LIMITS:
                listen = replace(listen, limits=self._limits)
            with listening(settings, listen, announce) as self._server:
                self._server.run_on_listener()
        except BaseException as error:
            self._failed = error
            self._said.put(None)


class ServingProcess:
    """`spark-service serve` in a process of its own, which can be killed."""

    def __init__(self, data: Path, *arguments: str, files: int | None = None) -> None:
        """Start it; `wait` returns when it listens. It ends with the thread that starts it.

        Args:
            files: how many it may have open.
        """
        self.data, self.log = data, data.with_name(f'{data.name}.log')
        limit = [] if files is None else ['sh', '-c', f'ulimit -n {files}; exec "$@"', 'sh']
        with open(self.log, 'a') as errors:
            self._process = subprocess.Popen(
                [*limit, SPARK_SERVICE, 'serve', *arguments, '--data', str(data)],
                stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        self.url = self.login = ''

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def children(self) -> list[int]:
        """The processes that it started."""
        children = Path(f'/proc/{self.pid}/task/{self.pid}/children').read_text()
        return [*map(int, children.split())]

    def wait(self) -> None:
        """Read where it listens, and its login link."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = ANNOUNCED.search(line)
        assert found, f'serve said {line!r}; {self.log.read_text()}'
        self.url, self.login = found.groups()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; a second time only that."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            code = self._process.wait(STOP_S)
        finally:
            self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def kill(self) -> None:
        assert self.stop(signal.SIGKILL) == -signal.SIGKILL
