# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Correct priors towards known true boxes, as a careful person would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spark_ros.geometry import Box, Vertex, clamp, corners, hull, iou

SAME_OBJECT = 0.3
GOOD_ENOUGH = 0.9

TrueBox = tuple[str, Box]


def confirm(priors: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the answer that leaves every prior as it is."""
    return {'shapes': [_unchanged(prior) for prior in priors], 'response': 'confirmed'}


def correct(priors: Sequence[dict[str, Any]], truth: Sequence[TrueBox]) -> dict[str, Any]:
    """Match priors to true boxes, best overlap first, and make the outcome the truth.

    A prior with the right label that overlaps its box by 0.9 is left as it is; another matched
    one takes the true box and label; an unmatched prior is removed, an unmatched box added.

    Args:
        priors: as the console's API gives them.
        truth: labels and normalized boxes.

    Returns:
        The answer: its shapes, and what was done in words.
    """
    matched = _match(priors, truth)
    shapes: list[dict[str, Any]] = []
    modified = 0
    for at, prior in enumerate(priors):
        if at not in matched:
            continue
        label, box = truth[matched[at]]
        if prior['label'] == label and iou(_hull(prior), box) >= GOOD_ENOUGH:
            shapes.append(_unchanged(prior))
        else:
            modified += 1
            shapes.append(_shape(label, box, prior['index']))
    missing = [each for at, each in enumerate(truth) if at not in matched.values()]
    shapes += [_shape(label, box, None) for label, box in missing]
    counts = {
        'modified': modified,
        'added': len(missing),
        'removed': len(priors) - len(matched),
    }
    done = ', '.join(f'{count} {what}' for what, count in counts.items() if count)
    return {'shapes': shapes, 'response': done or 'confirmed'}


def _match(priors: Sequence[dict[str, Any]], truth: Sequence[TrueBox]) -> dict[int, int]:
    pairs = sorted(
        (
            (overlap, prior['label'] == label, -at, -which)
            for at, prior in enumerate(priors)
            for which, (label, box) in enumerate(truth)
            if (overlap := iou(_hull(prior), box)) >= SAME_OBJECT
        ),
        reverse=True,
    )
    matched: dict[int, int] = {}
    for _, _, at, which in pairs:
        if -at not in matched and -which not in matched.values():
            matched[-at] = -which
    return matched


def _hull(prior: dict[str, Any]) -> Box:
    return hull(Vertex(vertex['x'], vertex['y']) for vertex in prior['vertices'])


def _unchanged(prior: dict[str, Any]) -> dict[str, Any]:
    kept = {name: prior[name] for name in ('label', 'type', 'vertices')}
    return {'prior': prior['index'], **kept}


def _shape(label: str, box: Box, prior: int | None) -> dict[str, Any]:
    inside = Box(*(clamp(value) for value in box))
    return {
        'prior': prior,
        'label': label,
        'type': 'bounding_box',
        'vertices': [{'x': corner.x, 'y': corner.y} for corner in corners(inside)],
    }
