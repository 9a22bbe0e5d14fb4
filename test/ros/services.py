# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The real resolution service in a process of its own, with or without its scripted operator."""

from __future__ import annotations

import json
import queue
import re
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
from installed import SPARK_SERVICE
from robot import Box

from spark_ros.service.scripted.recognise import dhash

ADDRESS = re.compile(r'(https?://[^\s/]+)')
START_S = 30.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port: int = probe.getsockname()[1]
        return port


def write_truth(path: Path, known: dict[int, tuple[np.ndarray, list[tuple[str, Box]]]]) -> None:
    """Write a truth file for pictures, by number."""
    images = [
        {
            'name': f'picture {number}',
            'width': pixels.shape[1],
            'height': pixels.shape[0],
            'dhash': f'{dhash(pixels):016x}',
            'annotations': [{'label': label, 'box': list(box)} for label, box in boxes],
        }
        for number, (pixels, boxes) in known.items()
    ]
    path.write_text(json.dumps({'images': images}), encoding='utf-8')


class Service:
    """One running service; it can be stopped and started again on the same data and port."""

    def __init__(self, data: Path, kind: str = 'spark') -> None:
        self.data, self.port, self.kind = data, free_port(), kind
        self.url = f'http://127.0.0.1:{self.port}'
        api = ['--heat'] if kind == 'heat' else []
        self.key = self.command('key', 'create', 'rover', *api).strip()
        self.allow_loopback = False
        self._process: subprocess.Popen[str] | None = None

    def start(self, operator: str = '') -> None:
        """Serve; return when it does."""
        self.launch(operator)
        self.wait()

    def launch(self, operator: str = '') -> None:
        """Start to serve; a process ends with the thread that started it."""
        self._process = subprocess.Popen(
            self._line('serve', '--host', '127.0.0.1', '--port', str(self.port),
                       *(['--operator', operator] if operator else []),
                       *(['--allow-net', '127.0.0.0/8'] if self.allow_loopback else [])),
            text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        reads = threading.Thread(
            target=self._read, args=(self._process, self._lines), daemon=True
        )
        reads.start()

    def wait(self) -> None:
        """Return when it serves."""
        said = ''
        while not ADDRESS.search(said):
            line = self._lines.get(timeout=START_S)
            assert line, f'the service did not start:\n{said}'
            said += line

    def stop(self) -> None:
        """Stop serving."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def command(self, *arguments: str) -> str:
        """Run one of the service's commands and return what it prints."""
        done = subprocess.run(
            self._line(*arguments),
            text=True, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _line(self, *arguments: str) -> list[str]:
        return [SPARK_SERVICE, *arguments, '--data', str(self.data)]

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: queue.Queue[Any]) -> None:
        assert process.stdout
        with process.stdout as output:
            for line in output:
                lines.put(line)
        lines.put('')
