# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many operators are there: who has the console open, and the scripted one while it runs.

Processes that share a PostgreSQL database tell each other by a table, which each reads every
second; requests only read memory.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from spark_ros.service.storage import processes
from spark_ros.service.storage.store import Store

SHARE_EVERY_S = 1.0
# After so long, those at a process that does not renew its row are not counted any more.
EXPIRES_S = 5.0


class Presence:
    """Counts operators, each once however many pages of the console they have open.

    Args:
        steady: seconds of a clock that nobody sets.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._held: Counter[str] = Counter()
        self._elsewhere: frozenset[str] = frozenset()
        self._process = secrets.token_hex(8)
        self._last_seen = steady()

    @property
    def count(self) -> int:
        """How many operators are there."""
        return len(self._held)

    @property
    def operators(self) -> tuple[str, ...]:
        """Who they are."""
        return tuple(self._held)

    @property
    def absent_s(self) -> float:
        """For how many seconds nobody has been there; 0 while somebody is."""
        return 0.0 if self._held else self._steady() - self._last_seen

    @contextmanager
    def hold(self, operator: str) -> Iterator[None]:
        """Count an operator while the block runs."""
        self._held[operator] += 1
        try:
            yield
        finally:
            self._leave(operator)

    @property
    def operators_here(self) -> list[str]:
        """Who is at this process, and perhaps at others, too."""
        return [each for each, pages in self._held.items() if pages > (each in self._elsewhere)]

    def set_elsewhere(self, operators: Iterable[str]) -> None:
        """Count those who are at other processes, in place of those counted before."""
        before, self._elsewhere = self._elsewhere, frozenset(operators)
        self._held.update(self._elsewhere - before)
        for operator in before - self._elsewhere:
            self._leave(operator)

    async def share(self, store: Store) -> None:
        """Tell other processes who is here, and count who is there, until cancelled."""
        try:
            while True:
                here = self.operators_here
                there = await store.write(processes.renew, self._process, here, EXPIRES_S)
                self.set_elsewhere(there)
                await asyncio.sleep(SHARE_EVERY_S)
        except asyncio.CancelledError:
            await store.write(processes.remove, self._process)
            raise

    def _leave(self, operator: str) -> None:
        self._held[operator] -= 1
        if not self._held[operator]:
            del self._held[operator]
            self._last_seen = self._steady()
