# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The real resolution service, with or without its scripted operator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from robot import Box
from serving import Serving, ServingProcess, free_port, printed

from spark_ros.service.scripted.recognise import dhash


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
        self._serving: Serving | ServingProcess | None = None

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
            # A node may serve the frames itself.
            '--allow-fetch-net', '127.0.0.0/8',
            *(['--operator', operator] if operator else []),
            *(['--allow-net', '127.0.0.0/8'] if self.allow_loopback else []),
        ]  # fmt: skip


class KillableService(Service):
    """The same in a process of its own."""

    def start(self, operator: str = '') -> None:
        """Serve; return when it does."""
        self.launch(operator).wait()

    def launch(self, operator: str = '') -> ServingProcess:
        """Start to serve."""
        self._serving = ServingProcess(self.data, *self._arguments(operator))
        return self._serving

    def kill(self) -> None:
        assert isinstance(self._serving, ServingProcess)
        self._serving.kill()
