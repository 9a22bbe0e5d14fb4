# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many operators are there: who has the console open, and the scripted one while it runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Presence:
    """Counts operators, each once however many pages of the console they have open.

    Args:
        steady: seconds of a clock that nobody sets.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._held: Counter[str] = Counter()
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
            self._held[operator] -= 1
            if not self._held[operator]:
                del self._held[operator]
                self._last_seen = self._steady()
