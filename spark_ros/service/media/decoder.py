# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Decode images in separate processes, which are killed if an image takes too long.

A hostile image can harm nobody but its sender: a tenant has one process at a time and waits for
it behind its own images only, and the processes limit their memory themselves (`decode_worker`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import IO, Any

from spark_ros.service.errors import ApiError
from spark_ros.service.fair_threads import PerCallerLock
from spark_ros.service.media.sniff import Format

PROCESSES = 2
WAITING = 32
WORKER = 'spark_ros.service.media.decode_worker'
START_S = 30.0
NICENESS = 10
LONGEST_ANSWER = 64 * 1024
# What Python itself may need of the environment; the rest can hold secrets.
ENVIRONMENT = ('LD_LIBRARY_PATH', 'PYTHONHOME')


class Decoder:
    """Finds out what images are.

    Args:
        max_pixels: of a JPEG; see `decode_image`.
        seconds: how long the decoding of one image may take.

    Attributes:
        killed: how often a process was killed because an image took too long, or died of one.
    """

    def __init__(self, max_pixels: int, seconds: float) -> None:
        self._max_pixels, self._seconds = max_pixels, seconds
        self._processes = [_Process() for _ in range(PROCESSES)]
        # The last one used is the next: where one suffices, no other is started.
        self._idle: asyncio.LifoQueue[_Process] = asyncio.LifoQueue()
        for process in self._processes:
            self._idle.put_nowait(process)
        self._lock = PerCallerLock(WAITING, 'of your images')
        self._asked = 0
        self.killed = 0

    @property
    def running(self) -> int:
        """How many images are being decoded."""
        return PROCESSES - self._idle.qsize()

    @property
    def waiting(self) -> int:
        """How many images wait to be decoded."""
        return self._asked - self.running

    async def inspect(self, tenant: str, file: IO[bytes], part: str = 'image_file') -> Format:
        """Decode an image and say what it is.

        Tenants take turns. When the caller is cancelled, so is the decoding.

        Args:
            tenant: whose image it is.
            file: with a `fileno`; where it stands does not matter and does not change.
            part: the image's name in errors.

        Returns:
            Its content type, the extension of its files, its upright width and height, and its
            thumbnail.

        Raises:
            ApiError: 415, 413 or 400: the image is refused, the message says why; 429: the tenant
                has too many images waiting.
            RuntimeError: no process can be started.
        """
        said = {'max_pixels': self._max_pixels, 'part': part}
        self._asked += 1
        try:
            async with self._lock.hold(tenant), self._process() as process:
                # Once more where it died: what killed it may have been meant for another image.
                answer = (
                    await self._ask(process, file, said) or await self._ask(process, file, said)
                )
        finally:
            self._asked -= 1
        if answer is None:
            raise ApiError(400, f'{part} does not decode')
        if 'status' in answer:
            raise ApiError(answer['status'], answer['message'])
        small = answer['thumbnail']
        return Format(**{**answer, 'thumbnail': small and base64.b64decode(small)})

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[_Process]:
        """Wait for a process, behind the tenants that came before."""
        process = await self._idle.get()
        try:
            yield process
        finally:
            self._idle.put_nowait(process)

    async def _ask(
        self, process: _Process, file: IO[bytes], said: dict[str, Any]
    ) -> dict[str, Any] | None:
        try:
            answer = await process.ask(file, json.dumps(said).encode(), self._seconds)
            self.killed += answer is None
            return answer
        except asyncio.TimeoutError:
            self.killed += 1
            raise ApiError(413, f'{said["part"]} takes too long to decode') from None


class _Process:
    """A process that is started when it is needed, and again after it ended."""

    def __init__(self) -> None:
        # It starts the process and waits for its end. Were it to end, the process would be killed.
        self._thread = ThreadPoolExecutor(1, 'decoder')
        self._running: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    async def ask(self, file: IO[bytes], request: bytes, seconds: float) -> dict[str, Any] | None:
        """Send a request and return the answer; None where the process died of it.

        Raises:
            asyncio.TimeoutError: there was none in time.
        """
        loop = asyncio.get_running_loop()
        channel, descriptor = await loop.run_in_executor(self._thread, self._prepare, file)
        answer: dict[str, Any] | None = None
        last = True
        try:
            socket.send_fds(channel, [request], [descriptor])
            said = await asyncio.wait_for(loop.sock_recv(channel, LONGEST_ANSWER), seconds)
            if said:
                answer = json.loads(said)
                last = answer.pop('last')
        except ConnectionError:
            # It is dead already.
            pass
        finally:
            if last:
                self.kill()
        return answer

    def kill(self) -> None:
        """Kill the process, whatever it does."""
        if self._running is None:
            return
        process, channel = self._running
        self._running = None
        process.kill()
        channel.close()
        self._thread.submit(process.wait)

    def close(self) -> None:
        """Stop the process for good."""
        # Behind what the thread does, which may be starting it.
        self._thread.submit(self.kill).result()
        self._thread.shutdown()

    def _prepare(self, file: IO[bytes]) -> tuple[socket.socket, int]:
        """Return the socket of a process that waits, and the descriptor of a file on the disk."""
        # What is small is held in memory until somebody asks for this.
        descriptor = file.fileno()
        file.flush()
        if self._running is None or self._running[0].poll() is not None:
            self.kill()
            self._running = _start()
        return self._running[1], descriptor


def _start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    with its:
        process = subprocess.Popen(
            [sys.executable, '-m', WORKER, str(its.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            cwd='/',
            env={**environment, 'PYTHONPATH': os.pathsep.join(map(os.path.abspath, sys.path))},
            # A Ctrl-C at the terminal is for the service.
            start_new_session=True,
        )
    ours.settimeout(START_S)
    try:
        # From here and not by itself: its start takes longer than most images.
        niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))
        os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
        ready = ours.recv(LONGEST_ANSWER)
    except OSError:
        ready = b''
    if not ready:
        ours.close()
        process.kill()
        process.wait()
        raise RuntimeError('the process that decodes images does not start')
    ours.setblocking(False)
    return process, ours
