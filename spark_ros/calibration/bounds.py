# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""p-values of 'the mean is above alpha', for independent losses in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BOLDEST = 0.9
"""The largest part of its capital that `betting_p` stakes; the whole could be lost for good."""


def binomial_cdf(most: int, n: int, p: float) -> float:
    """Return P(X <= most) for X of Binomial(n, p), 0 < p < 1."""
    if most < 0:
        return 0.0
    if most >= n:
        return 1.0
    log_n = math.lgamma(n + 1)
    terms = (
        math.exp(
            log_n - math.lgamma(k + 1) - math.lgamma(n - k + 1)
            + k * math.log(p) + (n - k) * math.log1p(-p)
        )
        for k in range(most + 1)
    )  # fmt: skip
    return min(math.fsum(terms), 1.0)


def hoeffding_bentkus_p(mean: float, n: int, alpha: float) -> float:
    """Return the p-value of Hoeffding and Bentkus, the smaller of both.

    Of Bates et al., Distribution-free, risk-controlling prediction sets (2021), and of
    Angelopoulos et al., Learn then test (2021), proposition 1.

    Args:
        mean: of the losses that were seen.
        n: how many these were.
        alpha: what the true mean is claimed to be at most, in (0, 1).
    """
    hoeffding = math.exp(-n * _divergence(min(mean, alpha), alpha))
    # Rounding must not raise a whole number of losses to the next.
    bentkus = math.e * binomial_cdf(math.ceil(n * mean - 1e-9), n, alpha)
    return min(hoeffding, bentkus, 1.0)


def betting_p(losses: Sequence[float] | npt.NDArray[np.float64], alpha: float) -> float:
    """Return the p-value of a bet against 'the mean is above alpha', in the losses' order.

    A loss of just alpha changes nothing, and nothing is learned of it. Of Waudby-Smith and
    Ramdas, Estimating means of bounded random variables by betting (2023): each stake is chosen
    by what was seen before; by Ville's inequality the most that was won bounds the p-value.

    Args:
        losses: in [0, 1].
        alpha: in (0, 1).
    """
    log_capital = best = 0.0
    seen, total, squares = 1, alpha, alpha * (1.0 - alpha)
    for loss in losses:
        gain = alpha - loss
        if gain == 0.0:
            continue
        edge = max(alpha - total / seen, 0.0)
        stake = min(edge / (squares / seen + edge**2), BOLDEST / (1.0 - alpha))
        log_capital += math.log1p(stake * gain)
        best = max(best, log_capital)
        seen, total = seen + 1, total + loss
        squares += (loss - total / seen) ** 2
    return math.exp(-best)


def _divergence(a: float, b: float) -> float:
    """Return the relative entropy of two coins."""
    first = a * math.log(a / b) if a > 0 else 0.0
    second = (1 - a) * math.log((1 - a) / (1 - b)) if a < 1 else 0.0
    return max(first + second, 0.0)
