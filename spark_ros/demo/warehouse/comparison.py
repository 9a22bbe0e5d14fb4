# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A detector alone, and with the answers, over many frames.

A box is right when it has the label of a true one and an IoU of at least 0.5 with it; each true
box makes one right at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from spark_ros.demo.scoring import Counts, Detection, match
from spark_ros.geometry import iou_xywh

RIGHT_FROM_IOU = 0.5
SEEN_FROM_SHARE = 0.25
SEEN_FROM_PX = 14.0


@dataclass
class Frame:
    """All that is known of one frame.

    Attributes:
        truth: the true boxes; the score is the share of the object that they show.
        claims: what the detector claims.
        corrected: the answer, None where nobody was asked.
    """

    truth: list[Detection] = field(default_factory=list)
    claims: list[Detection] = field(default_factory=list)
    corrected: list[Detection] | None = None

    def alone(self, threshold: float) -> list[Detection]:
        """What the detector claims from a score on."""
        return [claim for claim in self.claims if claim.score >= threshold]

    def together(self, threshold: float) -> list[Detection]:
        """The answer where there is one, else what the detector claims."""
        return self.alone(threshold) if self.corrected is None else self.corrected


@dataclass(frozen=True)
class Comparison:
    """The detector alone, and with the answers, over the same frames.

    ``threshold`` is the score from which a claim counts: the one with which the detector alone
    reaches its highest F1 on these very frames, so that it is compared at its best.
    """

    frames: int
    asked: int
    threshold: float
    alone: Counts
    together: Counts


def is_clear(true: Detection) -> bool:
    """Whether enough is seen of a true object that one should find it; else it does not count."""
    return true.score >= SEEN_FROM_SHARE and min(true.box[2:]) >= SEEN_FROM_PX


def count(claimed: Sequence[Detection], truth: Sequence[Detection]) -> Counts:
    """Count on one frame, the best matches first.

    A claim that is on an object of which too little is seen to count is passed over.
    """
    clear = [true for true in truth if is_clear(true)]
    matches = match(claimed, clear, RIGHT_FROM_IOU, same_label=True)
    right = {each.predicted for each in matches}
    spurious = sum(
        c not in right
        and not any(
            iou_xywh(one.box, true.box) >= RIGHT_FROM_IOU for true in truth if not is_clear(true)
        )
        for c, one in enumerate(claimed)
    )
    return Counts(len(matches), spurious, len(clear) - len(matches))


def compare(frames: Iterable[Frame]) -> Comparison:
    """Compare the detector at its best with the detector and the answers."""
    frames = list(frames)

    def alone(threshold: float) -> Counts:
        return sum((count(f.alone(threshold), f.truth) for f in frames), Counts())

    candidates = sorted({claim.score for frame in frames for claim in frame.claims}) or [0.0]
    best = max(candidates, key=lambda each: alone(each).f1)
    return Comparison(
        len(frames),
        sum(frame.corrected is not None for frame in frames),
        best,
        alone(best),
        sum((count(f.together(best), f.truth) for f in frames), Counts()),
    )
