# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""From drives and a promise to the policy that keeps it and asks least."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spark_ros.calibration.control import (
    Rule,
    choose,
    drives_needed,
    on_average,
    probably,
    probably_by_bets,
    smallest_alpha,
)
from spark_ros.calibration.decisions import Policy
from spark_ros.calibration.drives import Drive
from spark_ros.calibration.losses import linear, monotone
from spark_ros.calibration.path import learned_path, shared_path
from spark_ros.calibration.replay import Array, Replays, replay_all


@dataclass(frozen=True)
class Promise:
    """What shall hold.

    Attributes:
        alpha: at most this share of errors goes unasked, in (0, 1).
        delta: None: on average over drives; else the average is kept with probability 1 - delta.
        cap: None: each drive counts once; else as often as it has errors, up to so many.
    """

    alpha: float = 0.05
    delta: float | None = None
    cap: float | None = None

    @property
    def rule(self) -> Rule:
        """The test that losses must pass."""
        if self.delta is None:
            return on_average(self.alpha)
        make = probably if self.cap is None else probably_by_bets
        return make(self.alpha, self.delta)

    def losses(self, replays: Replays) -> Array:
        """Return (drives, policies) in [0, 1], falling along the path."""
        if self.cap is None:
            return monotone(replays.shares)
        return monotone(linear(replays.unasked, replays.errors, self.alpha, self.cap))

    def index(self, replays: Replays) -> int | None:
        """Return the policy that keeps it and asks least, if there is one."""
        return choose(self.losses(replays), self.rule)


@dataclass(frozen=True)
class Calibration:
    """What came of it.

    Attributes:
        path: the policies tried, from the one that asks least on.
        index: of the one that keeps the promise; None if none does.
        possible: the smallest alpha, to four digits, that could be promised now.
        more_drives: how many more like these would do; None if no reasonable number would.
        drives: those that count.
        left_out: drives that do not, by reason.
        set_aside: how many taught the path, and count no more.
        replays: of the drives that count.
        present: of the same under `base`.
        base: the policy of the last drive.
    """

    promise: Promise
    path: Sequence[Policy]
    index: int | None
    possible: float
    more_drives: int | None
    drives: Sequence[Drive]
    replays: Replays
    present: Replays
    base: Policy
    left_out: dict[str, int] = field(default_factory=dict)
    set_aside: int = 0

    @property
    def policy(self) -> Policy | None:
        """The policy that keeps the promise."""
        return None if self.index is None else self.path[self.index]


def calibrate(
    drives: Sequence[Drive], promise: Promise, learn_from: float = 0.0, seed: int = 0
) -> Calibration:
    """Find the policy.

    Args:
        drives: in the order of their beginning.
        promise: what shall hold.
        learn_from: the share of drives that is set aside to learn a path from; with 0, all
            cameras and labels share one `ask_below`.
        seed: of the choice of those.

    Raises:
        ValueError: there is no drive to calibrate on.
    """
    counted, left_out = [], {'a part of it is lost': 0, 'no audit was answered': 0}
    for drive in drives:
        if not drive.whole:
            left_out['a part of it is lost'] += 1
        elif not drive.errors:
            left_out['no audit was answered'] += 1
        else:
            counted.append(drive)
    if not counted:
        raise ValueError(
            f'none of {len(drives)} drives has an answered audit: set audit_rate, and drive'
        )
    base = base_policy(counted)
    number = round(learn_from * len(counted))
    # By id, so that no reading order decides; a drive is set aside as a whole.
    chosen = set(random.Random(seed).sample(sorted(each.id for each in counted), number))
    taught = [drive for drive in counted if drive.id in chosen]
    counted = [drive for drive in counted if drive.id not in chosen]
    if not counted:
        raise ValueError(f'all {number} drives are set aside to learn from: none is left')
    path = learned_path(base, taught) if taught else shared_path(base)
    replays = replay_all(counted, path)
    index = promise.index(replays)
    more: int | None = 0
    if index is None:
        needed = drives_needed(promise.rule, promise.losses(replays)[:, -1])
        more = None if needed is None else max(needed - len(counted), 1)
    return Calibration(
        promise,
        path,
        index,
        smallest_alpha(lambda alpha: replace(promise, alpha=alpha).index(replays) is not None),
        more,
        counted,
        replays,
        replay_all(counted, [base]),
        base,
        {reason: count for reason, count in left_out.items() if count},
        len(taught),
    )


def base_policy(drives: Sequence[Drive]) -> Policy:
    """Return the limits of the last drive, and each camera as the last drive with it had it."""
    cameras = {name: each for drive in drives for name, each in drive.policy.cameras.items()}
    return replace(drives[-1].policy, cameras=cameras)


def questions_per_100(replays: Replays) -> Array:
    """Return (policies,): questions per 100 frames, over all drives."""
    return np.asarray(100.0 * replays.questions.sum(axis=0) / max(replays.frames.sum(), 1.0))


def mean_share(replays: Replays, weighted: bool = False) -> Array:
    """Return (policies,): the share of errors not asked about.

    Args:
        replays: of drives under policies.
        weighted: over all errors; else the mean of the drives' shares.
    """
    if not weighted:
        return np.asarray(replays.shares.mean(axis=0))
    return np.asarray(replays.unasked.sum(axis=0) / max(replays.errors.sum(), 1e-300))
