# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The loss of each drive under each policy of a path, in [0, 1]."""

from __future__ import annotations

import numpy as np

from spark_ros.calibration.replay import Array


def monotone(losses: Array) -> Array:
    """Return losses that never rise along the path, and are never under those given.

    With cool-down and limits, a policy that asks more may find less. Conformal risk control needs
    losses that cannot; what holds for the larger ones holds for these.

    Args:
        losses: (drives, policies), the policies from the one that asks least on.
    """
    return np.maximum.accumulate(losses[:, ::-1], axis=1)[:, ::-1]


def linear(unasked: Array, errors: Array, alpha: float, cap: float) -> Array:
    """Return losses whose mean is at most alpha just if `unasked` is at most alpha of `errors`.

    So a drive with many errors weighs more. Beyond the cap it does not, since one such drive
    would decide everything: both of its numbers are scaled down. A drive without errors has
    just alpha, and speaks neither for nor against a policy.

    Args:
        unasked: (drives, policies).
        errors: (drives,).
        alpha: the promise.
        cap: the errors of a drive beyond which it weighs no more, chosen beforehand.
    """
    scale = np.minimum(1.0, cap / np.maximum(errors, cap))[:, None]
    surplus = scale * (unasked - alpha * errors[:, None])
    return np.clip(alpha + surplus / cap, 0.0, 1.0)
