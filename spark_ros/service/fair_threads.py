# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Fair sharing among callers: a lock for each, and threads in which each has one task at a time.

A caller with much to do waits behind its own tasks, and nobody else waits behind them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from spark_ros.service.errors import ApiError

T = TypeVar('T')


@dataclass
class _Caller:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0


class PerCallerLock:
    """A first-in, first-out lock for each caller.

    Args:
        max_waiting: how many may wait for the lock of one caller.
        what: names them in the message of a refusal.
    """

    def __init__(self, max_waiting: float = math.inf, what: str = 'of these') -> None:
        self._max_waiting = max_waiting
        self._what = what
        self._callers: dict[Hashable, _Caller] = {}

    @asynccontextmanager
    async def hold(self, name: Hashable) -> AsyncIterator[None]:
        """Hold the lock of a caller.

        Raises:
            ApiError: 429 when too many wait for it already.
        """
        caller = self._callers.setdefault(name, _Caller())
        if caller.count > self._max_waiting:
            raise ApiError(
                429,
                f'{self._max_waiting} {self._what} are waiting already; repeat later',
                {'Retry-After': '1'},
            )
        caller.count += 1
        try:
            async with caller.lock:
                yield
        finally:
            caller.count -= 1
            if not caller.count:
                del self._callers[name]


class FairThreadPool:
    """Runs blocking functions in threads, one at a time for each caller.

    Args:
        name: of the threads.
        count: how many threads there are.
        lock: limits how many functions of one caller may wait; by default there is no limit.
    """

    def __init__(self, name: str, count: int = 1, lock: PerCallerLock | None = None) -> None:
        self._executor = ThreadPoolExecutor(count, name)
        self._lock = lock or PerCallerLock()

    async def run(self, caller: Hashable, work: Callable[..., T], *arguments: Any) -> T:
        """Run a function after those of the same caller that came before, and return its result.

        Args:
            caller: whose function it is; with None it waits only for a free thread.

        Raises:
            ApiError: 429 when too many of the caller wait already.
        """
        if caller is None:
            return await asyncio.wrap_future(self._executor.submit(work, *arguments))
        async with self._lock.hold(caller):
            working = self._executor.submit(work, *arguments)
            try:
                return await asyncio.wrap_future(working)
            finally:
                # Nobody waits for it any more, but its thread works on, and counts.
                if not working.done():
                    await asyncio.wait([asyncio.wrap_future(working)])

    def close(self) -> None:
        """Wait for the running functions, and end the threads."""
        self._executor.shutdown()
