# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Start the demo's processes, and leave none behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PR_SET_PDEATHSIG = 1
GRACE_S = 10.0


class Processes:
    """Child processes that end with this one, whatever ends it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Keep each child's log in `folder`, and give all of them `environment`."""
        self._folder = folder
        self._environment = environment
        self._running: list[tuple[str, subprocess.Popen[str]]] = []

    def start(
        self, name: str, module: str, *arguments: str, **more: str
    ) -> subprocess.Popen[str]:
        """Start a module of this package; its standard output comes back through a pipe.

        Args:
            name: of its log file.
            module: to run with `python -m`.
            arguments: for it.
            more: environment variables for it alone.
        """
        with self.log(name).open('w') as log:
            process = subprocess.Popen(
                [sys.executable, '-u', '-m', module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**self._environment, **more},
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self._running.append((name, process))
        return process

    def run(self, module: str, *arguments: str) -> str:
        """Run a module to its end and return what it printed."""
        return subprocess.run(
            [sys.executable, '-m', module, *arguments],
            check=True, capture_output=True, text=True, env=dict(self._environment),
        ).stdout.strip()  # fmt: skip

    def log(self, name: str) -> Path:
        """The file with what a process said on standard error."""
        return self._folder / f'{name}.log'

    def ended(self) -> str:
        """Name a process that has ended, or return an empty string."""
        return next((name for name, one in self._running if one.poll() is not None), '')

    def end(self) -> dict[str, int]:
        """End all, the last first; return their exit codes."""
        codes = {}
        for name, process in reversed(self._running):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                codes[name] = process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                codes[name] = process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._running.clear()
        return codes


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
