# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the programs of this folder share: where things are, one lock, one log, one error."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# A sourced ROS, an active environment or Python options of the caller would mix into ours.
# The guard is the wheels' own: they re-execute Python once to set LD_LIBRARY_PATH, and an
# inherited guard with another environment's libraries would make ours load those.
_NOT_INHERITED = (
    '_ROS_WHEELS_BOOTSTRAP_COMPLETE',
    'AMENT_PREFIX_PATH',
    'CMAKE_PREFIX_PATH',
    'COLCON_PREFIX_PATH',
    'LD_LIBRARY_PATH',
    'MAKEFLAGS',
    'MFLAGS',
    'PYTHONDONTWRITEBYTECODE',
    'PYTHONHOME',
    'PYTHONPATH',
    'VIRTUAL_ENV',
)


class Failure(Exception):
    """A step that cannot go on; its message is the one line the user reads."""


@dataclass(frozen=True)
class Paths:
    """The directories of one checkout."""

    root: Path
    venv: Path
    build: Path

    @classmethod
    def of_this_checkout(cls) -> Paths:
        """Return the paths of the checkout that holds this file."""
        root = Path(__file__).resolve().parent.parent
        return cls(root=root, venv=root / '.venv', build=root / 'build')

    @property
    def dev(self) -> Path:
        return self.root / 'dev'

    @property
    def python(self) -> Path:
        return self.venv / 'bin' / 'python'

    @property
    def log(self) -> Path:
        return self.build / 'bootstrap.log'


@contextlib.contextmanager
def exclusive(paths: Paths) -> Iterator[None]:
    """Hold the checkout's lock, so that two makes do not build the same environment."""
    paths.build.mkdir(exist_ok=True)
    # colcon must not look for packages among build products.
    (paths.build / 'COLCON_IGNORE').touch()
    with (paths.build / '.bootstrap.lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('another make is preparing .venv; waiting for it')
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """Print one line of progress at once, even into a pipe."""
    print(f'spark_ros: {line}', flush=True)


@contextlib.contextmanager
def announced(what: str) -> Iterator[None]:
    """Say what begins, and how long it took once it is done."""
    say(f'{what} ...')
    begin = time.monotonic()
    yield
    say(f'{what}: done in {time.monotonic() - begin:.0f} s')


def clean_environ(**extra: str) -> dict[str, str]:
    """Return this process's environment variables without those that would mix into ours."""
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return environ | extra


def run(paths: Paths, command: Sequence[str | Path], environ: dict[str, str]) -> str | None:
    """Run a command with its output in the log file.

    Returns:
        None on success, the command's output if it failed.
    """
    with paths.log.open('a+b') as log:
        log.write(f'\n$ {" ".join(map(str, command))}\n'.encode())
        log.flush()
        begin = log.tell()
        process = subprocess.run(
            command, cwd=paths.root, env=environ, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, check=False)
        if process.returncode == 0:
            return None
        log.seek(begin)
        return log.read().decode(errors='replace')


def write_if_changed(page: Path, text: str) -> None:
    """Write a page, unless that is its text: whoever reads it meanwhile would find it empty."""
    if page.read_text('utf-8') != text:
        page.write_text(text, 'utf-8')


def fingerprint(*parts: object) -> str:
    """Return a digest of values and, for each `Path` among them, of the file's content."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        digest.update(len(content).to_bytes(8, 'big') + content)
    return digest.hexdigest()


def stamped(stamp: Path, expected: str) -> bool:
    """Tell whether a stamp file exists and holds the expected fingerprint."""
    return stamp.is_file() and stamp.read_text() == expected
