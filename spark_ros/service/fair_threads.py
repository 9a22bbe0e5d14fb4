# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Fair sharing among callers: a lock for each, and threads in which each has one task at a time.

A caller with much to do waits behind its own tasks, and nobody else waits behind them.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager, suppress
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


class _Task:
    """A function for a thread, and who waits for it in the event loop."""

    def __init__(self, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._work = work
        self._arguments = arguments
        self._loop = asyncio.get_running_loop()
        # Taken by the thread that runs it, or by who no longer wants it to run.
        self._claim = threading.Lock()
        self._result: Any = None
        self._error: BaseException | None = None
        self.answer = self._loop.create_future()
        self.ended = False
        self._end: asyncio.Future[None] | None = None

    def run(self) -> None:
        """Run it in this thread, unless it is no longer wanted."""
        if self.answer.cancelled() or not self._claim.acquire(blocking=False):
            return
        try:
            self._result = self._work(*self._arguments)
        except BaseException as error:
            self._error = error
        with suppress(RuntimeError):
            # The loop may have been closed since.
            self._loop.call_soon_threadsafe(self._settle)

    async def end(self) -> None:
        """Keep it from running, or wait until it has run."""
        if not self.ended and not self._claim.acquire(blocking=False):
            self._end = self._loop.create_future()
            await self._end

    def _settle(self) -> None:
        self.ended = True
        if self._end is not None and not self._end.done():
            self._end.set_result(None)
        if self.answer.done():
            return
        if self._error is None:
            self.answer.set_result(self._result)
        else:
            self.answer.set_exception(self._error)


class FairThreadPool:
    """Runs blocking functions in threads, one at a time for each caller.

    A `ThreadPoolExecutor` takes longer to hand a small read over than the read itself takes.

    Args:
        name: of the threads.
        count: how many threads there are.
        lock: limits how many functions of one caller may wait; by default there is no limit.
    """

    def __init__(self, name: str, count: int = 1, lock: PerCallerLock | None = None) -> None:
        self._name = name
        self._count = count
        self._lock = lock or PerCallerLock()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def run(self, caller: Hashable, work: Callable[..., T], *arguments: Any) -> T:
        """Run a function after those of the same caller that came before, and return its result.

        Args:
            caller: whose function it is; with None it waits only for a free thread.

        Raises:
            ApiError: 429 when too many of the caller wait already.
        """
        result: T
        if caller is None:
            result = await self._start(work, arguments).answer
            return result
        async with self._lock.hold(caller):
            task = self._start(work, arguments)
            try:
                result = await task.answer
                return result
            finally:
                # Nobody waits for it any more, but its thread works on, and counts.
                if not task.ended:
                    await task.end()

    def _start(self, work: Callable[..., Any], arguments: tuple[Any, ...]) -> _Task:
        if self._closed:
            raise RuntimeError(f'the threads {self._name} are closed')
        if not self._threads:
            for number in range(self._count):
                name = f'{self._name}_{number}'
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                thread.start()
                self._threads.append(thread)
        task = _Task(work, arguments)
        self._tasks.put(task)
        return task

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.run()
            # It holds its result, which may be large.
            del task

    def close(self) -> None:
        """Wait for the functions that were begun or wait, and end the threads."""
        self._closed = True
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
