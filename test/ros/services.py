# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The real resolution service, with or without its scripted operator."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
from installed import SPARK_SERVICE
from robot import Box
from serving import Serving, free_port, printed

from spark_ros.service.scripted.recognise import dhash

ADDRESS = re.compile(r'(https?://[^\s/]+)')
START_S = 30.0


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
    """The service on a thread; it can be stopped and started again on the same data and port."""

    def __init__(self, data: Path, kind: str = 'spark') -> None:
        self.data, self.port, self.kind = data, free_port(), kind
        self.url = f'http://127.0.0.1:{self.port}'
        api = ['--heat'] if kind == 'heat' else []
        self.key = self.command('key', 'create', 'rover', *api)
        self.allow_loopback = False
        self._serving: Serving | None = None

    def start(self, operator: str = '') -> None:
        """Serve; return when it does."""
        self._serving = Serving(self.data, *self._arguments(operator))

    def stop(self) -> None:
        """Stop serving."""
        if self._serving is not None:
            self._serving.stop()
            self._serving = None

    def command(self, *arguments: str) -> str:
        """Run one of the service's commands and return what it prints."""
        return printed(*arguments, '--data', str(self.data))

    def _arguments(self, operator: str) -> list[str]:
        return [
            '--host', '127.0.0.1', '--port', str(self.port),
            *(['--operator', operator] if operator else []),
            *(['--allow-net', '127.0.0.0/8'] if self.allow_loopback else []),
        ]  # fmt: skip


class KillableService(Service):
    """The same in a process of its own."""

    process: subprocess.Popen[str] | None = None

    def start(self, operator: str = '') -> None:
        """Serve; return when it does."""
        self.launch(operator)
        self.wait()

    def launch(self, operator: str = '') -> None:
        """Start to serve; a process ends with the thread that started it."""
        self.process = subprocess.Popen(
            [SPARK_SERVICE, 'serve', *self._arguments(operator), '--data', str(self.data)],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        reads = threading.Thread(
            target=self._read, args=(self.process, self._lines), daemon=True
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
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: queue.Queue[Any]) -> None:
        assert process.stdout
        with process.stdout as output:
            for line in output:
                lines.put(line)
        lines.put('')
