# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Paths of policies, from the one that asks least to the one that asks most.

Either all cameras and labels share one `ask_below`, or each has what drives that were set aside
taught: then a detection is asked about where it is likelier to be wrong than so much, and that
likelihood is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from spark_ros.calibration.decisions import CameraPolicy, Policy
from spark_ros.calibration.drives import Drive

STEPS = 100
MIN_SEEN = 20
"""Of a label with fewer audited detections the camera's are taken, all labels together."""

Seen = tuple[float, bool]
Blocks = Sequence[tuple[float, float]]
"""Up to each score, how likely a detection is wrong; falling."""


def shared_path(policy: Policy) -> list[Policy]:
    """Return policies with one `ask_below` for all, from 0 to 1 in hundredths.

    Args:
        policy: of which the rest is kept. A label's own `ask_below` is not.
    """
    return [_with(policy, partial(_same, step / STEPS)) for step in _steps()]


def learned_path(policy: Policy, set_aside: Iterable[Drive]) -> list[Policy]:
    """Return policies with an `ask_below` for each camera and label.

    Args:
        policy: of which the rest is kept.
        set_aside: drives that nothing is promised by.
    """
    seen: dict[tuple[str, str], list[Seen]] = {}
    for drive in set_aside:
        for index, errors in drive.errors.items():
            frame, wrong = drive.frames[index], {error.prior for error in errors}
            shown = drive.policy.cameras[frame.camera].thresholds
            for each in frame.detections:
                # Of what is under ignore_below nobody said whether it is right.
                for label in {'', each.label} if shown.counts(each.label, each.score) else ():
                    one = (each.score, each.id in wrong)
                    seen.setdefault((frame.camera, label), []).append(one)
    blocks = {key: likelihoods(each) for key, each in seen.items() if len(each) >= MIN_SEEN}
    labels: dict[str, set[str]] = {}
    for camera, label in blocks:
        labels.setdefault(camera, set()).add(label)

    def ask_below(step: int, camera: str, label: str) -> float:
        # Squared: few detections are likely to be wrong, so that the steps are finer there.
        least = (1.0 - step / STEPS) ** 2
        of = blocks.get((camera, label), blocks.get((camera, '')))
        return step / STEPS if of is None else below(of, least)

    return [
        _with(policy, partial(ask_below, step), labels) for step in _steps()
    ]


def likelihoods(seen: Iterable[Seen]) -> Blocks:
    """Return how likely a detection is wrong by its score: the falling steps that fit best.

    By pooling neighbours that rise (isotonic regression).
    """
    pooled: list[list[float]] = []
    for score, wrong in sorted(seen, key=lambda one: one[0]):
        pooled.append([score, float(wrong), 1.0])
        # Equal scores cannot be told apart, and are pooled as well.
        while len(pooled) > 1 and (
            pooled[-2][0] == pooled[-1][0]
            or pooled[-2][1] * pooled[-1][2] <= pooled[-1][1] * pooled[-2][2]
        ):
            up_to, wrongs, count = pooled.pop()
            pooled[-1] = [up_to, pooled[-1][1] + wrongs, pooled[-1][2] + count]
    return [(up_to, wrongs / count) for up_to, wrongs, count in pooled]


def below(blocks: Blocks, least: float) -> float:
    """Return the score below which a detection is wrong with a likelihood of `least` or more."""
    if least <= 0.0:
        return 1.0
    kept = [up_to for up_to, likely in blocks if likely >= least]
    return float(min(np.nextafter(kept[-1], 2.0), 1.0)) if kept else 0.0


def _steps() -> range:
    return range(STEPS + 1)


def _same(score: float, camera: str, label: str) -> float:
    return score


def _with(
    policy: Policy,
    ask_below: Callable[[str, str], float],
    labels: Mapping[str, Iterable[str]] | None = None,
) -> Policy:
    cameras: dict[str, CameraPolicy] = {}
    for name, camera in policy.cameras.items():
        old = camera.thresholds
        own = {*(labels or {}).get(name, ()), *old.ignore_below_of} - {''}
        # The node takes no ask_below under an ignore_below, which would ask about nothing, too.
        thresholds = replace(
            old,
            ask_below=max(ask_below(name, ''), old.ignore_below),
            ask_below_of={
                label: max(
                    ask_below(name, label), old.ignore_below_of.get(label, old.ignore_below)
                )
                for label in sorted(own)
            },
        )
        cameras[name] = replace(camera, thresholds=thresholds)
    return replace(policy, cameras=cameras)
