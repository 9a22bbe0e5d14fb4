# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Shares and medians with how sure they are. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """So many of so many; `of` may be 0."""

    count: int = 0
    of: int = 0

    @property
    def share(self) -> float | None:
        """In [0, 1]; None of none."""
        return self.count / self.of if self.of else None

    def interval(self) -> tuple[float, float]:
        """Return its Wilson interval; [0, 1] of none."""
        return wilson(self.count, self.of) if self.of else (0.0, 1.0)


@dataclass(frozen=True)
class Median:
    """The median of so many values, and an interval that holds the true one; None of too few."""

    count: int
    value: float | None
    low: float | None
    high: float | None


def wilson(count: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of a share after Wilson, without a correction for continuity.

    Unlike share ± z · standard error it stays within [0, 1] and is of use for few and for extreme
    shares (Wilson, Probable inference, the law of succession, and statistical inference, 1927).

    Args:
        count: how many of them.
        of: how many there are; 1 or more.
        confidence: how often it holds the true share, about.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = count / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / of / 4)
    # Rounding must not leave a margin where there is none.
    low = 0.0 if count == 0 else max(0.0, middle - half)
    return low, 1.0 if count == of else min(1.0, middle + half)


def median(values: Sequence[float], confidence: float = CONFIDENCE) -> Median:
    """Return the median with the interval between two of the values, whatever their distribution.

    The true median lies between the k-th smallest and the k-th largest of n values unless fewer
    than k lie on one side of it, which is a matter of n tosses of a coin (Conover, Practical
    Nonparametric Statistics, 1999, section 3.2). At 95 %, six values are the fewest.
    """
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        return Median(0, None, None, None)
    value = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    # How many of the 2^n outcomes may lie beyond each end.
    spare = 2**n * (10_000 - round(confidence * 10_000)) // 20_000
    k, outcomes = 0, 1
    while outcomes <= spare:
        spare -= outcomes
        outcomes = outcomes * (n - k) // (k + 1)
        k += 1
    return Median(n, value, ordered[k - 1], ordered[-k]) if k else Median(n, value, None, None)


def fisher_less(one: Share, other: Share) -> float:
    """Return how likely so low a share, or a lower one, is if both were drawn from the same.

    Fisher's exact test, one-sided: given both sizes and how many there are in all, the count of
    the first is hypergeometric (Fisher, The Design of Experiments, 1935).
    """
    both, count = one.of + other.of, one.count + other.count
    least = max(0, one.of - (both - count))
    chosen = _log_binomial(both, one.of)
    return min(1.0, math.fsum(
        math.exp(_log_binomial(count, k) + _log_binomial(both - count, one.of - k) - chosen)
        for k in range(least, one.count + 1)
    ))  # fmt: skip


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
