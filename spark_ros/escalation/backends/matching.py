# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Work out corrections from a final list of boxes alone, for services that do not state them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spark_ros.geometry import iou
from spark_ros.model import Annotation, Correction, CorrectionKind

SAME_IOU = 0.3
CONFIRMED_IOU = 0.9


def corrections_by_matching(
    priors: Sequence[Annotation], final: Sequence[Annotation]
) -> tuple[Correction, ...]:
    """Pair priors with shapes, the best overlap first.

    An IoU of at least 0.9 and the same label is CONFIRMED, with the prior's own box kept; one of
    at least 0.3 is MODIFIED. A prior without a partner is REMOVED, a shape without one ADDED.

    Returns:
        One correction per prior, in the order asked, then the additions.
    """
    overlaps = [
        (iou(prior.box, shape.box), prior.label == shape.label, -p, -s)
        for p, prior in enumerate(priors)
        for s, shape in enumerate(final)
    ]
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for overlap, _, minus_p, minus_s in sorted(overlaps, reverse=True):
        if overlap >= SAME_IOU and -minus_p not in partner and -minus_s not in taken:
            partner[-minus_p] = -minus_s
            taken.add(-minus_s)
    of_priors = [
        _paired(prior, final[partner[p]])
        if p in partner
        else Correction(CorrectionKind.REMOVED, prior, None)
        for p, prior in enumerate(priors)
    ]
    added = [
        Correction(CorrectionKind.ADDED, None, shape)
        for s, shape in enumerate(final)
        if s not in taken
    ]
    return (*of_priors, *added)


def _paired(prior: Annotation, shape: Annotation) -> Correction:
    if prior.label == shape.label and iou(prior.box, shape.box) >= CONFIRMED_IOU:
        return Correction(CorrectionKind.CONFIRMED, prior, prior)
    kept = replace(shape, id=prior.id or shape.id, attributes=prior.attributes)
    return Correction(CorrectionKind.MODIFIED, prior, kept)
