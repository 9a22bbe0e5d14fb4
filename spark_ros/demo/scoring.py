# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How good labelled boxes are, measured against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

from spark_ros.geometry import iou_xywh

MATCHED_FROM_IOU = 0.3


class Detection(NamedTuple):
    """A labelled box (x, y, width, height) in pixels of the image, with a score in [0, 1]."""

    label: str
    box: tuple[float, float, float, float]
    score: float = 1.0


@dataclass(frozen=True)
class Counts:
    """How well objects were found, on one frame or, added up, on many.

    Attributes:
        right: true boxes that were found, with the right label.
        spurious: boxes that were claimed and are not true.
        missed: true boxes that nobody claimed.
        mislabelled: true boxes that were found, with a wrong label.
        iou: the sum over all that were found.
    """

    right: int = 0
    spurious: int = 0
    missed: int = 0
    mislabelled: int = 0
    iou: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def objects(self) -> int:
        """The number of true and claimed objects, those that were found once."""
        return self.right + self.spurious + self.missed + self.mislabelled

    @property
    def mean_iou(self) -> float:
        """Over all objects, 0 for a missed or a spurious one; 1 where there is none."""
        return self.iou / self.objects if self.objects else 1.0

    @property
    def label_accuracy(self) -> float:
        """The part of all objects that is right; 1 where there is none."""
        return self.right / self.objects if self.objects else 1.0

    @property
    def precision(self) -> float:
        """The part of the claims that is right; 1 where nothing is claimed."""
        claimed = self.right + self.spurious + self.mislabelled
        return self.right / claimed if claimed else 1.0

    @property
    def recall(self) -> float:
        """The part of the true objects that is found; 1 where there is none."""
        true = self.right + self.missed + self.mislabelled
        return self.right / true if true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two; 1 where there is nothing and nothing is claimed."""
        total = self.right + self.objects + self.mislabelled
        return 2 * self.right / total if total else 1.0


class Match(NamedTuple):
    """Which predicted box is taken for which true one (indices), and how well they agree."""

    predicted: int
    true: int
    iou: float


def match(
    predicted: Sequence[Detection],
    truth: Sequence[Detection],
    from_iou: float = MATCHED_FROM_IOU,
    same_label: bool = False,
) -> list[Match]:
    """Pair predicted with true boxes, the best IoU first, each box at most once.

    Unless they must be the same, labels only decide between equal IoUs, so that a right box with
    a wrong label is a match with a wrong label.
    """
    pairs = sorted(
        (-iou, one.label != true.label, p, t)
        for p, one in enumerate(predicted)
        for t, true in enumerate(truth)
        if (iou := iou_xywh(one.box, true.box)) >= from_iou
        and (one.label == true.label or not same_label)
    )
    found: list[Match] = []
    for negative_iou, _, p, t in pairs:
        if all(p != other.predicted and t != other.true for other in found):
            found.append(Match(p, t, -negative_iou))
    return found


def score(predicted: Sequence[Detection], truth: Sequence[Detection]) -> Counts:
    """Score the boxes claimed on one frame against the true ones."""
    matches = match(predicted, truth)
    found = len(matches)
    right = sum(predicted[each.predicted].label == truth[each.true].label for each in matches)
    return Counts(
        right, len(predicted) - found, len(truth) - found, found - right,
        sum(each.iou for each in matches),
    )  # fmt: skip
