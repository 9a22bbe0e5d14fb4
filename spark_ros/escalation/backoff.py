# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Doubling delays with jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Delays in seconds that double from `first_s` to `longest_s`, each shortened at random.

    The jitter takes away up to half, so that robots which lost a service together do not
    return to it together.
    """

    first_s: float
    longest_s: float
    rng: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def next(self) -> float:
        """Count a failure and return how long to wait."""
        whole = min(self.first_s * 2.0 ** min(self.failures, 32), self.longest_s)
        self.failures += 1
        return whole * (0.5 + 0.5 * self.rng.random())

    def reset(self) -> None:
        """Start again from the shortest delay."""
        self.failures = 0
