# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A disk that is soon full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def mounted(place: Path) -> Iterator[Path]:
    """Mount a file system of 3 MB; where that is not allowed, the test is skipped."""
    place.mkdir()
    mount = subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', str(place)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if mount.returncode:
        pytest.skip(f'cannot mount a small disk here: {mount.stderr.strip()}')
    try:
        yield place
    finally:
        subprocess.run(['umount', '--lazy', str(place)], check=True)


def fill_up(disk: Path) -> None:
    """Leave no byte free, by a file `ballast`."""
    with suppress(OSError), open(disk / 'ballast', 'wb', buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass
