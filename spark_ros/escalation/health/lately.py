# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What was counted within the last seconds, from totals that only grow."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping


class Lately:
    """A window over totals that are read now and then, such as once a second.

    Attributes:
        span_s: how much of the window the updates cover.
    """

    def __init__(self, window_s: float, now: float) -> None:
        """Begin with nothing, `now` on any steady clock."""
        self._window_s = window_s
        self._seen: deque[tuple[float, Counter[str]]] = deque([(now, Counter())])
        self.span_s = 0.0

    def update(self, totals: Mapping[str, int], now: float) -> Counter[str]:
        """Note the totals; return how much each grew within the window, those that grew alone."""
        self._seen.append((now, Counter(totals)))
        while self._seen[1][0] <= now - self._window_s:
            self._seen.popleft()
        begun, before = self._seen[0]
        self.span_s = now - begun
        return Counter(totals) - before
