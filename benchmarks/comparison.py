# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Compare two programs by pairs of turns, and say how sure the figure is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

CONFIDENCE = 0.95


class Verdict(Enum):
    """Whether a promise held."""

    HELD = 'yes'
    BROKEN = 'NO'
    UNDECIDED = '?'

    @classmethod
    def of(cls, held: bool) -> Verdict:
        """Return what is certain."""
        return cls.HELD if held else cls.BROKEN


def print_verdicts(held: Mapping[str, Verdict]) -> int:
    """Print whether each promise held; return 0 unless one was broken."""
    for promise, verdict in held.items():
        print(f'{verdict.value:4}{promise}')
    return 1 if Verdict.BROKEN in held.values() else 0


@dataclass(frozen=True)
class Comparison:
    """What one program costs in units of another, from many pairs of turns.

    Attributes:
        ratio: the median of the pairs.
        low, high: the ends of its 95 % confidence interval.
    """

    ratio: float
    low: float
    high: float

    def at_most(self, limit: float) -> Verdict:
        """Say whether the ratio is at most the limit: undecided if the interval contains it."""
        if self.high <= limit:
            return Verdict.HELD
        return Verdict.BROKEN if self.low > limit else Verdict.UNDECIDED

    def __str__(self) -> str:
        return f'{self.ratio:9.2f}{self.low:9.2f}{self.high:9.2f}'


def compare(ratios: Sequence[float]) -> Comparison:
    """Compare by the ratios of independent pairs.

    The interval is that of the sign test: it runs from one order statistic to another and
    assumes nothing about how the ratios are spread. Fewer than six pairs bound nothing.
    """
    ordered, pairs = sorted(ratios), len(ratios)
    below = 0.0
    for rank in range(pairs // 2 + 1):
        # So far: the probability that at most `rank` of the pairs lie under the true median.
        below += math.comb(pairs, rank) / 2**pairs
        if below > (1 - CONFIDENCE) / 2:
            break
    low, high = (ordered[rank - 1], ordered[-rank]) if rank else (0.0, math.inf)
    return Comparison(median(ordered), low, high)
