# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Call back when a question's time is over, on the steady clock."""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Awaitable, Callable

AGAIN_S = 10.0
logger = logging.getLogger(__name__)


class Deadlines:
    """A heap of deadlines and one task that sleeps until the earliest."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._changed = asyncio.Event()

    def add(self, id: str, after_s: float) -> None:
        """Set a deadline for an id, so many seconds from now."""
        heapq.heappush(self._heap, (time.monotonic() + after_s, id))
        self._changed.set()

    async def run(self, due: Callable[[str], Awaitable[None]]) -> None:
        """Await `due(id)` for each deadline that passes, until cancelled."""
        while True:
            self._changed.clear()
            rest = self._heap[0][0] - time.monotonic() if self._heap else None
            if rest is not None and rest <= 0:
                id = heapq.heappop(self._heap)[1]
                try:
                    await due(id)
                except Exception:
                    logger.exception('the deadline of %s could not be acted on', id)
                    heapq.heappush(self._heap, (time.monotonic() + AGAIN_S, id))
                continue
            try:
                await asyncio.wait_for(self._changed.wait(), rest)
            except asyncio.TimeoutError:
                continue
