# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Threads for work that would hold up the event loop; callers take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from spark_ros.service.turns import Turns

T = TypeVar('T')


class SharedThreads:
    """Runs work in threads, one piece of each caller at a time.

    Who has much to do waits for their own work, and not the others for it: what waits for a
    thread is at most one piece of each caller.

    Args:
        name: of the threads.
        count: how many there are.
        turns: whose turn it is; by default as many pieces may wait as come.
    """

    def __init__(self, name: str, count: int = 1, turns: Turns | None = None) -> None:
        self._executor = ThreadPoolExecutor(count, name)
        self._turns = turns or Turns()

    async def run(self, caller: Hashable, work: Callable[..., T], *arguments: Any) -> T:
        """Run work when it is the caller's turn, and return its result.

        Args:
            caller: whose work it is; None is nobody's, which waits for a thread only.

        Raises:
            ApiError: 429 when too many pieces of the caller wait already.
        """
        loop = asyncio.get_running_loop()
        if caller is None:
            return await loop.run_in_executor(self._executor, work, *arguments)
        async with self._turns.turn(caller):
            return await loop.run_in_executor(self._executor, work, *arguments)

    def close(self) -> None:
        """Wait for what is running, and end the threads."""
        self._executor.shutdown()
