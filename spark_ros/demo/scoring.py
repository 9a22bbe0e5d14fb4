# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How good a list of labelled boxes is, measured against the truth.

Truth files are described in ``spark_ros.service.scripted.recognise``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spark_ros.geometry import iou_xywh

Labelled = tuple[str, tuple[float, float, float, float]]
"""A label and its box (x, y, width, height); pixels or fractions, the same on both sides."""

MATCHED_FROM_IOU = 0.3


@dataclass(frozen=True)
class Score:
    """How well objects were found: 1 is perfect, 0 is nothing right.

    Both means run over all objects, which are the matched, the missed (true, not claimed) and
    the spurious (claimed, not true): a missed or spurious object counts as IoU 0 and as a wrong
    label. Where there is no object at all, both are 1.
    """

    mean_iou: float
    label_accuracy: float
    matched: int
    missed: int
    spurious: int

    @property
    def objects(self) -> int:
        """The number of objects that the means run over."""
        return self.matched + self.missed + self.spurious


@dataclass(frozen=True)
class Match:
    """Which predicted box is taken for which true one (indices), and how well they agree."""

    predicted: int
    true: int
    iou: float


def match(predicted: Sequence[Labelled], truth: Sequence[Labelled]) -> list[Match]:
    """Pair predicted with true boxes, the best IoU first, each box at most once.

    Labels only decide between equal IoUs, so that a right box with a wrong label is a match with
    a wrong label. Pairs below an IoU of 0.3 are none.
    """
    pairs = []
    for p, (predicted_label, predicted_box) in enumerate(predicted):
        for t, (true_label, true_box) in enumerate(truth):
            iou = iou_xywh(predicted_box, true_box)
            if iou >= MATCHED_FROM_IOU:
                pairs.append((-iou, predicted_label != true_label, p, t))
    found: list[Match] = []
    for negative_iou, _, p, t in sorted(pairs):
        if all(p != other.predicted and t != other.true for other in found):
            found.append(Match(p, t, -negative_iou))
    return found


def score(predicted: Sequence[Labelled], truth: Sequence[Labelled]) -> Score:
    """Score the boxes claimed on one frame against the true ones."""
    matches = match(predicted, truth)
    matched = len(matches)
    missed, spurious = len(truth) - matched, len(predicted) - matched
    objects = matched + missed + spurious
    if not objects:
        return Score(1.0, 1.0, 0, 0, 0)
    right = sum(predicted[each.predicted][0] == truth[each.true][0] for each in matches)
    return Score(sum(each.iou for each in matches) / objects, right / objects,
                 matched, missed, spurious)


def combined(scores: Iterable[Score]) -> Score:
    """Score several frames together; each object weighs the same, whatever its frame."""
    scores = list(scores)
    objects = sum(each.objects for each in scores)
    counts = (sum(each.matched for each in scores), sum(each.missed for each in scores),
              sum(each.spurious for each in scores))
    if not objects:
        return Score(1.0, 1.0, *counts)
    return Score(sum(each.mean_iou * each.objects for each in scores) / objects,
                 sum(each.label_accuracy * each.objects for each in scores) / objects, *counts)
