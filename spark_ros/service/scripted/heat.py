# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How the scripted operator answers a Heat question: by the truth, else the plainest valid way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spark_ros.geometry import ImageSize
from spark_ros.service.heat.staging import first_choices, middle
from spark_ros.wire.heat import ANNOTATIONS, Scale

NONE_OF_THESE = 'none of these'
TEXTS = {'': 'confirmed', 'number': '1', 'url': 'https://example.com/'}

PixelBox = tuple[float, float, float, float]


class Unanswerable(Exception):
    """The question must be flagged; the message is the reason to give."""


@dataclass(frozen=True)
class Seen:
    """A picture that was recognised.

    Attributes:
        size: of the upright picture in pixels.
        boxes: its true labels and (x, y, width, height) in pixels.
    """

    size: ImageSize
    boxes: Sequence[tuple[str, PixelBox]]

    @property
    def labels(self) -> list[str]:
        """The labels of the true boxes."""
        return [label for label, _ in self.boxes]


def decide(question: dict[str, Any], seen: Sequence[Seen | None]) -> Any:
    """Return the response to a question that does not ask for a file.

    Args:
        question: as the console's API gives it.
        seen: the attachments that were recognised, None for the others.

    Raises:
        Unanswerable: no valid response can be given.
    """
    known = [each for each in seen if each is not None]
    if question['prompt']['kind'] == ANNOTATIONS:
        return _annotations(question, seen, known=bool(known))
    labels = [label for each in known for label in each.labels] if known else None
    return _respond(question['prompt'], labels)


def _respond(prompt: dict[str, Any], labels: Sequence[str] | None) -> Any:
    if prompt['kind'] == 'multiple-choice':
        return _choose(prompt, labels)
    if prompt['kind'] == 'rating':
        return middle(Scale(prompt['rating_min'], prompt['rating_max'], prompt['rating_step']))
    return TEXTS[prompt['validation']]


def _choose(prompt: dict[str, Any], labels: Sequence[str] | None) -> list[str]:
    """Choose the labels on the picture, else `none of these`, else the first options."""
    values = [choice['value'] for choice in prompt['choices']]
    wanted = [] if labels is None else [value for value in values if value in labels]
    if labels is not None and NONE_OF_THESE in values:
        wanted.append(NONE_OF_THESE)
    first = wanted[:1]
    others = [value for value in values if value not in first]
    return first_choices([*first, *others], prompt['min_answers'])


def _annotations(
    question: dict[str, Any], seen: Sequence[Seen | None], known: bool
) -> list[dict[str, Any]]:
    least, most = question['min_annotations'], question['max_annotations']
    found = [
        annotation
        for index, picture in enumerate(seen)
        if picture is not None
        for label, box in picture.boxes
        if (annotation := _annotation(question, index, picture.size, label, box)) is not None
    ]
    if len(found) < least:
        why = f'only {len(found)} to mark' if known else 'nothing is known of the attachments'
        raise Unanswerable(f'{why}, but at least {least} annotations are asked')
    return found[:most] if most else found


def _annotation(
    question: dict[str, Any], index: int, size: ImageSize, label: str, box: PixelBox
) -> dict[str, Any] | None:
    """Mark one true box; None where its label is not among those asked about."""
    x, y, width, height = box
    if question['annotations_type'] == 'rectangle':
        place = {'x': x, 'y': y, 'x2': x + width, 'y2': y + height}
    else:
        place = {'x': x + width / 2, 'y': y + height / 2}
    annotation: dict[str, Any] = {
        name: round(min(max(value, 0.0), size.width if name[0] == 'x' else size.height), 2)
        for name, value in place.items()
    }
    if len(question['attachments']) > 1:
        annotation['attachment_index'] = index
    asked = question['per_annotation']
    if asked is None:
        return annotation
    if asked['kind'] == 'multiple-choice':
        if label not in [choice['value'] for choice in asked['choices']]:
            return None
        return {**annotation, 'response': _choose(asked, [label])}
    if asked['kind'] == 'free-text' and not asked['validation']:
        return {**annotation, 'response': label}
    return {**annotation, 'response': _respond(asked, None)}
