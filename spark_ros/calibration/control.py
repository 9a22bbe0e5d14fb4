# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Choose the policy that asks least and keeps a promise, among a path of policies.

The path is fixed before the losses are seen, from the policy that asks least to the one that
asks most. All cameras and labels move along it together, so that there is one promise for the
whole drive and nothing to split: the policies are tested as a fixed sequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from spark_ros.calibration.bounds import betting_p, hoeffding_bentkus_p
from spark_ros.calibration.replay import Array

Rule: TypeAlias = 'Callable[[Array], bool]'
"""Whether the losses of all drives, in [0, 1], let a policy promise what it shall."""


def on_average(alpha: float) -> Rule:
    """Conformal risk control: the expected loss of the next drive is at most alpha.

    It holds if n/(n+1) of the mean plus 1/(n+1) is at most alpha (Angelopoulos et al., Conformal
    risk control, 2022), for losses that never rise along the path (`losses.monotone`), and for a
    drive that could have stood among these in any place.
    """

    def holds(losses: Array) -> bool:
        return (math.fsum(losses) + 1.0) / (len(losses) + 1) <= alpha

    return holds


def probably(alpha: float, delta: float) -> Rule:
    """Learn then test: with probability 1 - delta the expected loss is at most alpha.

    By the bound of Hoeffding and Bentkus (Angelopoulos et al., Learn then test, 2021).
    """

    def holds(losses: Array) -> bool:
        n = len(losses)
        return n > 0 and hoeffding_bentkus_p(math.fsum(losses) / n, n, alpha) <= delta

    return holds


def probably_by_bets(alpha: float, delta: float) -> Rule:
    """Learn then test, for losses of `losses.linear`, by a test that those of just alpha pass."""

    def holds(losses: Array) -> bool:
        return betting_p(losses, alpha) <= delta

    return holds


def choose(losses: Array, rule: Rule) -> int | None:
    """Return the first policy from which on all keep a rule; None if the last does not.

    Args:
        losses: (drives, policies), from the policy that asks least on.
        rule: tried from the last policy on, until it fails: fixed-sequence testing.
    """
    index = None
    for k in range(losses.shape[1] - 1, -1, -1):
        if not rule(losses[:, k]):
            break
        index = k
    return index


def drives_needed(
    rule: Rule, like: Sequence[float] | Array = (), most: int = 20_000
) -> int | None:
    """Return how many drives a rule needs, all together.

    Args:
        rule: which more drives of the same kind help to keep.
        like: losses that drives have, in turn; without any, drives without a loss.
        most: None is returned where that many are not enough.
    """
    losses = np.array(like if len(like) else [0.0], float)
    low, high = 0, 1
    while not rule(np.resize(losses, high)):
        low, high = high, 2 * high
        if low > most:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if rule(np.resize(losses, middle)) else (middle, high)
    return high


def smallest_alpha(holds: Callable[[float], bool], digits: int = 4) -> float:
    """Return the smallest alpha for which something holds, rounded up; 1 if there is none."""
    low, high, scale = 0, int(10**digits), float(10**digits)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle / scale) else (middle, high)
    return high / scale
