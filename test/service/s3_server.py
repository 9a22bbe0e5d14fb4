# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A real S3 server on a free port: rclone's, which keeps each bucket as a directory."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from service_harness import DEADLINE_S
from serving import free_port

KEY, SECRET = 'a-robots-access-key', 'a-secret-that-no-log-shows'
BUCKET = 'frames'


class S3Server:
    """Serves `folder`; may be stopped and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / BUCKET).mkdir(parents=True)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def environment(self) -> dict[str, str]:
        """What a service is told of it."""
        return {
            'AWS_ENDPOINT_URL': f'http://127.0.0.1:{self.port}',
            'AWS_ACCESS_KEY_ID': KEY,
            'AWS_SECRET_ACCESS_KEY': SECRET,
            'AWS_REGION': 'us-east-1',
        }

    def url(self, prefix: str) -> str:
        """Return what `--images` is to be for a prefix of its own in the bucket."""
        return f's3://{BUCKET}/{prefix}'

    def place(self, prefix: str) -> Path:
        """Return the folder in which the objects under a prefix lie."""
        return self.folder / BUCKET / prefix

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                'setpriv', '--pdeathsig', 'KILL',
                _rclone(), 'serve', 's3', '--addr', f'127.0.0.1:{self.port}',
                '--auth-key', f'{KEY},{SECRET}', '--config', '', str(self.folder),
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE_S)
            self._process = None

    @property
    def callers(self) -> int:
        """How many connections to it are open, as the kernel counts them."""
        rows = [line.split() for line in Path('/proc/net/tcp').read_text().splitlines()[1:]]
        return sum(row[2].endswith(f':{self.port:04X}') and row[3] == '01' for row in rows)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it take connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _wait(self) -> None:
        """Wait until it answers; retries of the transport pause in between."""
        transport = httpx.HTTPTransport(retries=8)
        with httpx.Client(transport=transport, timeout=DEADLINE_S) as http:
            http.get(f'http://127.0.0.1:{self.port}/')


def uploads(folder: Path) -> list[Path]:
    """Return the files of uploads in a folder, without the one that a start leaves in a bucket."""
    return [
        file for file in folder.rglob('*')
        if file.is_file() and file.name != 'spark-service.check'
    ]


def _rclone() -> str:
    beside = Path(sys.executable).with_name('rclone')
    found = str(beside) if beside.is_file() else shutil.which('rclone')
    assert found, 'rclone is not installed; make env-tests brings it'
    return found
