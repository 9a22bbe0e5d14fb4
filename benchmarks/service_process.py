# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The real service in a process of its own, as a context."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from processes import END_S

from spark_ros.service.settings import Settings

LINE = re.compile(r'(http\S+) .*?(http\S+/login\?token=\S+)')
COMMAND = (sys.executable, '-m', 'spark_ros.cli.service')


class ServiceProcess:
    """A service on a free port, with data of its own.

    Attributes:
        key: an API key.
        pid: its process, while it runs.
        address: its base URL, while it runs.
        login: a link for an operator.
    """

    def __init__(
        self,
        data: Path,
        environment: Mapping[str, str],
        *serving: str,
        command: Sequence[str] = COMMAND,
        open_files: int | None = None,
        log: IO[bytes] | None = None,
    ) -> None:
        """Make the key.

        Args:
            data: where everything is kept.
            environment: of the service's processes.
            serving: more arguments of `serve`.
            command: of `spark-service`.
            open_files: how many files it may have open; None leaves that as it is.
            log: where what it says goes; by default to standard error.
        """
        self._data = data
        self._serving = serving
        self._command = command
        self._open_files = open_files
        self._log = log
        self.environment = {**environment, 'HOME': str(data)}
        self.key = self.run('key', 'create', 'bench')
        self.pid = 0
        self.address = self.login = ''

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of its database."""
        given = self.environment.get('SPARK_SERVICE_DATABASE', '')
        return Settings(self._data, given).database

    @property
    def pids(self) -> list[int]:
        """Its process, and those that it started."""
        found = [self.pid]
        for pid in found:
            children = Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
            found += map(int, children)
        return found

    @property
    def cpu_s(self) -> float:
        """The processor time that its processes have taken."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids)

    @property
    def memory(self) -> int:
        """What its processes take, in bytes; what they share counts once (PSS)."""
        rolled = [Path(f'/proc/{pid}/smaps_rollup').read_text() for pid in self.pids]
        return sum(
            1024 * int(line.split()[1])
            for each in rolled for line in each.splitlines() if line.startswith('Pss:')
        )  # fmt: skip

    def run(self, *arguments: str) -> str:
        """Run one of its commands and return what that prints."""
        return subprocess.run(
            [*self._command, *arguments, '--data', str(self._data)],
            env=self.environment, cwd='/', capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    def __enter__(self) -> ServiceProcess:
        self._process = subprocess.Popen(
            [
                *self._command, 'serve', '--port', '0', '--data', str(self._data),
                '--allow-net', '127.0.0.0/8', *self._serving,
            ],
            env=self.environment, stdout=subprocess.PIPE, stderr=self._log, text=True,
            # Not from the current directory, but from where the environment says.
            cwd='/', preexec_fn=self._limit,
        )  # fmt: skip
        assert self._process.stdout is not None
        said = ''
        while (found := LINE.search(said)) is None:
            line = self._process.stdout.readline()
            if not line:
                self.__exit__(None, None, None)
                raise RuntimeError(f'the service did not start: {said}')
            said += f'{line.strip()} '
        self.pid = self._process.pid
        self.address, self.login = found.groups()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _limit(self) -> None:
        if self._open_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._open_files, self._open_files))
