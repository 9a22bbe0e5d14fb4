# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The service that is attacked: started, and watched from outside."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1024 * 1024
LINE = re.compile(r'(http\S+) ')
SAMPLE_S = 0.1
END_S = 20.0


@dataclass
class Victim:
    """A service, and the most that its processes took.

    Attributes:
        attacker, bystander: API keys.
        main: the largest resident size of its own process, in bytes.
        children, child: the most processes it had beside, and the largest size of one.
    """

    pid: int
    url: str
    attacker: str
    bystander: str
    main: int = 0
    children: int = 0
    child: int = 0

    async def sample(self) -> None:
        """Look at the processes, until cancelled."""
        while True:
            self.main = max(self.main, _resident(self.pid))
            children = _children(self.pid)
            self.children = max(self.children, len(children))
            self.child = max([self.child, *map(_resident, children)])
            await asyncio.sleep(SAMPLE_S)


@contextmanager
def running_victim(
    folder: Path, command: Sequence[str], open_files: int | None
) -> Iterator[Victim]:
    """Run a service on a free port with two keys.

    Args:
        command: of `spark-service`.
        open_files: how many files it may have open; None leaves that as it is.
    """
    data = ['--data', str(folder / 'data')]
    outside = {**os.environ, 'HOME': str(folder)}
    keys = [
        subprocess.run(
            [*command, 'key', 'create', name, *data],
            env=outside, check=True, capture_output=True, text=True,
        ).stdout.strip()
        for name in ('attacker', 'bystander')
    ]

    def limit() -> None:
        if open_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))

    with open(folder / 'log', 'wb') as log:
        process = subprocess.Popen(
            [*command, 'serve', '--port', '0', '--allow-net', '127.0.0.0/8', *data],
            env=outside, stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=limit,
        )
    try:
        assert process.stdout is not None
        found = LINE.search(process.stdout.readline())
        assert found, f'the service did not start: {(folder / "log").read_text()}'
        yield Victim(process.pid, found[1], *keys)
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0
    return pages * os.sysconf('SC_PAGE_SIZE')


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f'/proc/{pid}/task').iterdir())
        return [int(each) for task in tasks for each in (task / 'children').read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
