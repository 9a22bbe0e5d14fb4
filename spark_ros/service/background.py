# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Tasks that run as long as the service; one that fails is logged and restarted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from spark_ros.service.storage.outage import is_outage

log = logging.getLogger('spark_ros.service')

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
CANCEL_AGAIN_S = 1.0


class BackgroundTasks:
    """Runs tasks, and starts each again after it raised or ended.

    While the database is away, a task is tried again after the shortest pause.

    Args:
        clock: Unix seconds.
        first_pause_s, longest_pause_s: the backoff after a failure, doubled each time, until the
            task has run for the longest pause. Until then it counts as failing.
        on_failure: called with the name of a task after each failure.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        first_pause_s: float = FIRST_PAUSE_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
        on_failure: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._clock = clock
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: dict[str, float] = {}
        self._on_failure = on_failure

    @property
    def names(self) -> list[str]:
        """The names of all tasks."""
        return [task.get_name() for task in self._tasks]

    @property
    def failing(self) -> dict[str, float]:
        """The names of the failing tasks, and since when, in Unix seconds."""
        return dict(self._failing)

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run a task until `stop`, or until what is returned is cancelled.

        Args:
            name: for the log, the metrics and /readyz.
            run: makes the coroutine, again after each failure; it is not meant to end.
        """
        task = asyncio.create_task(self._supervise(name, run), name=name)
        self._tasks.append(task)
        return task

    async def stop(self) -> None:
        """Cancel all tasks and wait for their end."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            # Again where it was swallowed: `wait_for` does that up to Python 3.11, when what it
            # waits for comes at the same moment.
            _, pending = await asyncio.wait(self._tasks, timeout=CANCEL_AGAIN_S)
            self._tasks = [*pending]

    async def _supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        pause_s = self._first_pause_s
        while True:
            steady = loop.call_later(self._longest_pause_s, self._failing.pop, name, None)
            begun = loop.time()
            try:
                await run()
                log.error('%s ended unexpectedly; restarting it', name)
            except Exception as error:
                if is_outage(error):
                    # The task is well. The log and /readyz name the database, and all is to go
                    # on soon after it is back.
                    await asyncio.sleep(self._first_pause_s)
                    continue
                log.exception('%s failed; restarting it', name)
            finally:
                steady.cancel()
            if loop.time() - begun >= self._longest_pause_s:
                pause_s = self._first_pause_s
            self._failing.setdefault(name, self._clock())
            self._on_failure(name)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._longest_pause_s)
