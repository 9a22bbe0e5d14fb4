# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Precision, recall and F1 of labelled boxes over many frames, against the truth.

A box is right when it has the label of a true one and an IoU of at least 0.5 with it; each true
box makes one right at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from spark_ros.demo.scoring import Labelled
from spark_ros.geometry import iou_xywh

RIGHT_FROM_IOU = 0.5
SEEN_FROM_SHARE = 0.25
SEEN_FROM_PX = 14.0


@dataclass(frozen=True)
class Claim:
    """A box that a detector claims, with its score in [0, 1]."""

    labelled: Labelled
    score: float


@dataclass(frozen=True)
class TrueObject:
    """A true box, and which share of the object it shows."""

    labelled: Labelled
    share: float

    @property
    def counts(self) -> bool:
        """Whether enough is seen of it that one should find it; else it is left out of account."""
        _, (_, _, width, height) = self.labelled
        return self.share >= SEEN_FROM_SHARE and min(width, height) >= SEEN_FROM_PX


@dataclass
class Frame:
    """All that is known of one frame; ``corrected`` is None where nobody was asked."""

    truth: list[TrueObject] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    corrected: list[Labelled] | None = None

    def alone(self, threshold: float) -> list[Labelled]:
        """What the detector claims from a score on."""
        return [claim.labelled for claim in self.claims if claim.score >= threshold]

    def together(self, threshold: float) -> list[Labelled]:
        """The answer where there is one, else what the detector claims."""
        return self.alone(threshold) if self.corrected is None else self.corrected


@dataclass(frozen=True)
class Counts:
    """Right, spurious and missed boxes."""

    right: int = 0
    spurious: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add frame by frame."""
        return Counts(
            self.right + other.right, self.spurious + other.spurious, self.missed + other.missed
        )

    @property
    def precision(self) -> float:
        """The part of the claims that is right; 1 where nothing is claimed."""
        claimed = self.right + self.spurious
        return self.right / claimed if claimed else 1.0

    @property
    def recall(self) -> float:
        """The part of the true objects that is found; 1 where there is none."""
        true = self.right + self.missed
        return self.right / true if true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two; 1 where there is nothing and nothing is claimed."""
        total = 2 * self.right + self.spurious + self.missed
        return 2 * self.right / total if total else 1.0


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


def count(claimed: Sequence[Labelled], truth: Sequence[TrueObject]) -> Counts:
    """Count on one frame, the best matches first.

    A claim that is on an object of which too little is seen to count is passed over.
    """
    pairs = sorted(
        (
            (iou_xywh(box, true.labelled[1]), c, t)
            for c, (label, box) in enumerate(claimed)
            for t, true in enumerate(truth)
            if true.counts and label == true.labelled[0]
        ),
        reverse=True,
    )
    claims: set[int] = set()
    found: set[int] = set()
    for iou, c, t in pairs:
        if iou >= RIGHT_FROM_IOU and c not in claims and t not in found:
            claims.add(c)
            found.add(t)
    spurious = [
        box for c, (_, box) in enumerate(claimed)
        if c not in claims and not any(
            iou_xywh(box, true.labelled[1]) >= RIGHT_FROM_IOU
            for true in truth if not true.counts)
    ]  # fmt: skip
    missed = sum(true.counts for true in truth) - len(found)
    return Counts(len(found), len(spurious), missed)


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
