# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The processes of a benchmark: started, read and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).resolve().parent
PROFILE = HERE.parent / 'config' / 'fastdds_large_images.xml'
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
END_S = 20.0


@dataclass(frozen=True)
class Reading:
    """How far a process is."""

    frames: int
    cpu_s: float


class Process:
    """A script of this directory, as a context; it answers readings until the context ends."""

    def __init__(
        self, script: str, *arguments: str, profile: bool = False, domain: int, **more: str
    ) -> None:
        """Start it and wait until it is ready.

        Args:
            script: its file name.
            arguments: for it.
            profile: whether it gets the shipped profile for large images.
            domain: ROS domain.
            more: environment variables.

        Raises:
            RuntimeError: it ended instead.
        """
        self._name = script
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment(profile, domain), **more},
            text=True,
        )
        try:
            if self._line() != 'ready':
                raise RuntimeError(f'{script} said something else than that it is ready')
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def read(self) -> Reading:
        """Return how far it is now."""
        assert self._process.stdin is not None
        self._process.stdin.write('\n')
        self._process.stdin.flush()
        return Reading(**json.loads(self._line()))

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f'{self._name} ended with {self._process.wait()}')
        return line.strip()


def resident(pid: int) -> int:
    """Return how much memory a process has now, in bytes; 0 where it has ended."""
    try:
        pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0
    return pages * os.sysconf('SC_PAGE_SIZE')


def environment(profile: bool, domain: int) -> dict[str, str]:
    """Return the environment of a process; see `Process`."""
    result = {
        **os.environ,
        'ROS_DOMAIN_ID': str(domain),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'SPARK_TOKEN': 'not-a-key',
        # The sources beside this directory, whatever is installed.
        'PYTHONPATH': os.pathsep.join(
            filter(None, [str(HERE.parent), os.environ.get('PYTHONPATH')])
        ),
    }
    for name in PROFILE_VARIABLES:
        result.pop(name, None)
        if profile:
            result[name] = str(PROFILE)
    return result
