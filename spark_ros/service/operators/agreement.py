# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How far two answers to one question agree, as a number in [0, 1]. Pure.

Two lists of shapes agree by 2 · pairs / (shapes of both), which is the F1 score of one measured by
the other; `shape_matching` says what a pair is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spark_ros.geometry import Box, ImageSize, Vertex, corners
from spark_ros.model import AnnotationType
from spark_ros.service.operators.shape_matching import Mark, count_matched
from spark_ros.wire.annotations import parse_annotation
from spark_ros.wire.heat import MEDIA, HeatRequest, Prompt

AGREES_FROM = 0.95
"""Two answers that agree less are a disagreement; so is one shape too many among ten."""
# Where the size of an image is not known.
USUAL_SIZE = ImageSize(1280, 960)


def disagree(agreement: float | None) -> bool:
    """Whether an agreement is a disagreement; what cannot be compared is none."""
    return agreement is not None and agreement < AGREES_FROM


def agreement(
    asked: HeatRequest | None,
    first: Sequence[Mapping[str, Any]],
    second: Sequence[Mapping[str, Any]],
    sizes: Sequence[ImageSize | None] = (),
) -> float | None:
    """Return how far two answers to a question agree, whichever is first.

    * Shapes: see above; polygons by their area, dots within 3 % of the image. Those of several
      images count together. Two empty lists agree.
    * Choices: how many both chose of those that either chose (the Jaccard index).
    * Rating: 1 - difference / length of the scale.
    * Free text: 1 if it is the same but for case and spaces, else 0; numbers by their value.
      Of a SparkAI answer, the response counts where neither answer has shapes on any image, or
      removed any.
    * That a question cannot be answered (an empty answer) agrees with nothing but itself.

    Args:
        asked: the Heat request; None for an engagement of SparkAI.
        first, second: what was said of each image, in the same order, as stored in
            `questions.answer`, read from JSON; of a Heat request, just one.
        sizes: of the upright attachments of a Heat request in pixels, where known.

    Returns:
        A number in [0, 1], or None where two answers cannot be compared: files, and so many
        shapes in one place that it would take too long.
    """
    if not all(first) or not all(second):
        return float(not any(first) and not any(second))
    if asked is None:
        return _of_spark(first, second)
    said, other = first[0].get('response'), second[0].get('response')
    if asked.annotates:
        per = asked.per_annotation
        return _of_marks(_heat_marks(said, sizes, per), _heat_marks(other, sizes, per), per)
    if asked.prompt.kind in MEDIA:
        return None
    return _of_prompt(asked.prompt, *(_comparable(asked.prompt, each) for each in (said, other)))


def _of_spark(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]
) -> float | None:
    marks, others = _spark_marks(first), _spark_marks(second)
    removed = any(each.get('removed_annotations') for each in (*first, *second))
    if marks or others or removed:
        return _of_marks(marks, others)
    # There is one for all images.
    return float(_folded(first[0].get('response')) == _folded(second[0].get('response')))


def _spark_marks(answer: Sequence[Mapping[str, Any]]) -> list[Mark]:
    return [
        Mark(on, shape.vertices, shape.label, box=shape.type is AnnotationType.BOUNDING_BOX)
        for on, said in enumerate(answer)
        for name in ('annotations', 'confirmed_annotations')
        for shape in (parse_annotation(raw, name) for raw in said.get(name) or ())
    ]


def _heat_marks(
    said: Any, sizes: Sequence[ImageSize | None], prompt: Prompt | None
) -> list[Mark]:
    found = []
    for each in said or ():
        on = each.get('attachment_index', 0)
        width, height = (sizes[on] if on < len(sizes) else None) or USUAL_SIZE
        if 'start' in each:
            place: tuple[Vertex, ...] = corners(Box(each['start'], 0.0, each['end'], 1.0))
        elif 'x2' in each:
            place = corners(Box(*(float(each[name]) for name in ('x', 'y', 'x2', 'y2'))))
        else:
            place = (Vertex(each.get('x', 0) / width, each.get('y', 0) / height),)
        response = prompt and _comparable(prompt, each.get('response'))
        found.append(Mark(
            on, place, response=response, t=each.get('t', 0.0), box=len(place) > 1
        ))  # fmt: skip
    return found


def _comparable(prompt: Prompt, response: Any) -> Any:
    """Return what `_of_prompt` compares of a response; hashable, and made once for each."""
    if prompt.choices is not None:
        return frozenset(response)
    if prompt.scale is not None:
        return response
    return float(response) if prompt.validation == 'number' else _folded(response)


def _of_prompt(prompt: Prompt, first: Any, second: Any) -> float:
    if prompt.choices is not None:
        either = first | second
        return len(first & second) / len(either) if either else 1.0
    if prompt.scale is not None:
        length = prompt.scale.high - prompt.scale.low
        return max(0.0, 1.0 - float(abs(first - second)) / length)
    return float(first == second)


def _folded(text: Any) -> str:
    return ' '.join(str(text or '').split()).casefold()


def _of_marks(
    first: Sequence[Mark], second: Sequence[Mark], prompt: Prompt | None = None
) -> float | None:
    def alike(one: Any, other: Any) -> bool:
        return prompt is None or _of_prompt(prompt, one, other) >= AGREES_FROM

    total = len(first) + len(second)
    pairs = count_matched(first, second, alike)
    if pairs is None:
        return None
    return 2 * pairs / total if total else 1.0
