# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Start the demo's processes, and leave none behind."""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spark_ros.demo.errors import DemoError

PR_SET_PDEATHSIG = 1
GRACE_S = 10.0
Lines = queue.SimpleQueue[str | None]
"""Lines that a process printed; None marks its end."""


class Processes:
    """Child processes that end with the `with` block, or with this process, whatever ends it."""

    def __init__(self, folder: Path) -> None:
        """Keep each child's log in `folder`."""
        self.folder = folder
        self._running: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        """End all, the last first."""
        for process in reversed(self._running.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def start(self, name: str, module: str, *arguments: str, **more: str) -> Lines:
        """Start a module of this package and return what it prints, as it comes.

        Args:
            name: of the process in messages, and of its log file.
            module: to run with `python -m`.
            arguments: for it.
            more: environment variables for it alone.
        """
        # Between fork and exec, Python loses what a signal raises.
        with self._log(name).open('w') as log, delayed_interrupt():
            process = subprocess.Popen(
                [sys.executable, '-u', '-m', module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **more},
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
            self._running[name] = process
        return lines(process)

    def check(self, *may_end: str) -> None:
        """Raise DemoError, with what it said last, if a process has ended that may not."""
        for name, process in self._running.items():
            if name not in may_end and process.poll() is not None:
                raise DemoError(f'the {name} ended:\n{self.said(name)}')

    def wait(self, name: str) -> int:
        """Wait until a process has ended; return its exit code."""
        return self._running[name].wait()

    def said(self, name: str) -> str:
        """Return the last that a process said on standard error."""
        return self._log(name).read_text()[-2000:].strip()

    def _log(self, name: str) -> Path:
        return self.folder / f'{name}.log'


def lines(process: subprocess.Popen[str]) -> Lines:
    """Read what a process prints in a thread."""
    printed: Lines = queue.SimpleQueue()

    def read() -> None:
        # The pipe may be closed meanwhile.
        with suppress(ValueError):
            for line in process.stdout or ():
                printed.put(line)
        printed.put(None)

    threading.Thread(target=read, daemon=True).start()
    return printed


@contextmanager
def delayed_interrupt() -> Iterator[None]:
    """Handle SIGINT and SIGTERM after the block; for the main thread."""
    came: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for each in came:
        signal.raise_signal(each)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
