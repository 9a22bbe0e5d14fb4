# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One thread for work that would hold up the event loop; callers take turns (round robin)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar('T')


class SharedThread:
    """Runs one piece of work at a time.

    Who has much to do waits for their own work, and not the others for it: when a piece is done,
    the caller whose turn is longest ago goes next.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, name)
        self._busy = False
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def run(self, caller: Hashable, work: Callable[..., T], *arguments: Any) -> T:
        """Run work when it is the caller's turn, and return its result.

        Args:
            caller: whose work it is; each has one turn in a round.
        """
        async with self._turn(caller):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, work, *arguments)

    def close(self) -> None:
        """Wait for what is running, and end the thread."""
        self._executor.shutdown()

    @asynccontextmanager
    async def _turn(self, caller: Hashable) -> AsyncIterator[None]:
        if self._busy:
            granted = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(caller, deque()).append(granted)
            try:
                await granted
            except asyncio.CancelledError:
                if not granted.cancelled():
                    self._pass_on()
                raise
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            caller = next(iter(self._waiting))
            queue = self._waiting.pop(caller)
            granted = queue.popleft()
            if queue:
                # Back at the end of the row.
                self._waiting[caller] = queue
            if not granted.done():
                granted.set_result(None)
                return
        self._busy = False
