# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The real service in a process of its own, as a context."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from processes import environment

LINE = re.compile(r'(http\S+) .*?(http\S+/login\?token=\S+)')
COMMAND = (sys.executable, '-m', 'spark_ros.cli.service')


class ServiceProcess:
    """A service on data of its own.

    Attributes:
        key: an API key.
        address: its base URL, while it runs.
        login: a link for an operator.
    """

    def __init__(self, data: Path, domain: int) -> None:
        """Make the key; `data` is where everything is kept."""
        self._data = data
        self.environment = {**environment(False, domain), 'HOME': str(data)}
        self.key = self.run('key', 'create', 'bench')
        self.address = self.login = ''

    def run(self, *arguments: str) -> str:
        """Run one of its commands and return what that prints."""
        return subprocess.run(
            [*COMMAND, *arguments, '--data', str(self._data)],
            env=self.environment, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    def __enter__(self) -> ServiceProcess:
        self._process = subprocess.Popen(
            [
                *COMMAND, 'serve', '--port', '0', '--data', str(self._data),
                '--allow-net', '127.0.0.0/8',
            ],
            env=self.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        said = ''
        while (found := LINE.search(said)) is None:
            line = self._process.stdout.readline()
            if not line:
                self.__exit__(None, None, None)
                raise RuntimeError(f'the service did not start: {said}')
            said += f'{line.strip()} '
        self.address, self.login = found.groups()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
