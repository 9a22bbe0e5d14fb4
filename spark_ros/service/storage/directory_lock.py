# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One service at a time on a data directory; other commands may use it at the same time."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spark_ros.service.storage.database import private_directory

NAME = 'service.lock'


class DirectoryInUse(RuntimeError):
    """Another service runs on the directory; the message tells the user where."""


@contextmanager
def lock_directory(directory: Path) -> Iterator[Callable[[str], None]]:
    """Lock a directory against other services until the block, or this process, ends.

    Yields:
        A function that writes the address of this service, for the message to the next one.

    Raises:
        DirectoryInUse: another service has it.
        OSError: the directory cannot be used.
    """
    path = private_directory(directory) / NAME
    path.touch(0o600)
    with open(path, 'r+') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            address = file.read().strip()
            where = f', at {address}' if address else ''
            raise DirectoryInUse(f'a service already runs on {directory}{where}') from None
        file.truncate()

        def write_address(address: str) -> None:
            file.write(address)
            file.flush()

        yield write_address
