# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The service that is attacked, watched from outside."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import resident
from service_process import ServiceProcess

MEBIBYTE = 1024 * 1024
SAMPLE_S = 0.1


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
            self.main = max(self.main, resident(self.pid))
            children = _children(self.pid)
            self.children = max(self.children, len(children))
            self.child = max([self.child, *map(resident, children)])
            await asyncio.sleep(SAMPLE_S)


@contextmanager
def running_victim(
    folder: Path, command: Sequence[str], open_files: int | None
) -> Iterator[Victim]:
    """Run a service with two keys.

    Args:
        command: of `spark-service`.
        open_files: how many files it may have open; None leaves that as it is.
    """
    with open(folder / 'log', 'wb') as log:
        made = ServiceProcess(
            folder / 'data', os.environ, command=command, open_files=open_files, log=log
        )
        attacker = made.run('key', 'create', 'attacker')
        with made as service:
            yield Victim(service.pid, service.address, attacker, service.key)


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f'/proc/{pid}/task').iterdir())
        return [int(each) for task in tasks for each in (task / 'children').read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
