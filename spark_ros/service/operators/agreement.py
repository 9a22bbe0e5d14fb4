# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How far two answers to one question agree, as a number in [0, 1]. Pure.

Two shapes can be the same thing if they have the same label and an IoU of 0.5 or more, as is usual
in object detection; as many as possible are paired, each at most once. Two lists of shapes agree
by 2 · pairs / (shapes of both), which is the F1 score of one measured by the other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops, ImageDraw

from spark_ros.geometry import Box, ImageSize, Vertex, corners, hull, iou
from spark_ros.model import AnnotationType
from spark_ros.wire.annotations import parse_annotation
from spark_ros.wire.heat import MEDIA, HeatRequest, Prompt

AGREES_FROM = 0.95
"""Two answers that agree less are a disagreement; so is one shape too many among ten."""
MATCHED_FROM = 0.5
DOT_DISTANCE = 0.03
"""How far apart two dots of the same thing may be, in fractions of the image."""
TIME_S = 1.0
"""How far apart two marks of the same moment of a video or sound may be."""
MOST_COMPARED = 200
"""Of more shapes that only one answer has as they are, the rest is taken for unmatched."""
# Where the size of an image is not known.
USUAL_SIZE = ImageSize(1280, 960)
RASTER = 128


@dataclass(frozen=True)
class _Mark:
    """A place that one answer marks.

    Attributes:
        on: what it is on: the index of the image or text.
        vertices: one is a dot, more are an area; of one frame with those of the other answer.
        label: of SparkAI's shapes.
        response: to the question for each annotation, as JSON text can be compared.
        t: the moment, in seconds.
        box: whether the area is its axis-aligned hull.
    """

    on: int
    vertices: tuple[Vertex, ...]
    label: str = ''
    response: Any = None
    t: float = 0.0
    box: bool = False


def disagree(agreement: float | None) -> bool:
    """Whether an agreement is a disagreement; what cannot be compared is none."""
    return agreement is not None and agreement < AGREES_FROM


def agreement(
    asked: HeatRequest | None,
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    sizes: Sequence[ImageSize | None] = (),
) -> float | None:
    """Return how far two answers to a question agree, whichever is first.

    * Shapes: see above; polygons by their area, dots within 3 % of the image. Those of several
      images count together. Two empty lists agree.
    * Choices: how many both chose of those that either chose (the Jaccard index).
    * Rating: 1 - difference / length of the scale.
    * Free text: 1 if it is the same but for case and spaces, else 0; numbers by their value.
      Of a SparkAI answer, the response counts where neither answer has shapes or removed any.
    * That a question cannot be answered (an empty answer) agrees with nothing but itself.

    Args:
        asked: the Heat request; None for an engagement of SparkAI.
        first, second: as stored in `questions.answer`, read from JSON.
        sizes: of the upright attachments of a Heat request in pixels, where known.

    Returns:
        A number in [0, 1], or None where two answers cannot be compared: files.
    """
    if not first or not second:
        return float(not first and not second)
    if asked is None:
        return _of_spark(first, second)
    said, other = first.get('response'), second.get('response')
    if asked.annotates:
        return _of_marks(_heat_marks(said, sizes), _heat_marks(other, sizes), asked.per_annotation)
    if asked.prompt.kind in MEDIA:
        return None
    return _of_prompt(asked.prompt, said, other)


def _of_spark(first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
    marks, others = _spark_marks(first), _spark_marks(second)
    removed = first.get('removed_annotations') or second.get('removed_annotations')
    if marks or others or removed:
        return _of_marks(marks, others)
    return float(_folded(first.get('response')) == _folded(second.get('response')))


def _spark_marks(answer: Mapping[str, Any]) -> list[_Mark]:
    found = []
    for name in ('annotations', 'confirmed_annotations'):
        for raw in answer.get(name) or ():
            shape = parse_annotation(raw, name)
            # An answer is about one image, whatever its index in the request.
            found.append(_Mark(
                0, shape.vertices, shape.label, box=shape.type is AnnotationType.BOUNDING_BOX
            ))  # fmt: skip
    return found


def _heat_marks(said: Any, sizes: Sequence[ImageSize | None]) -> list[_Mark]:
    found = []
    for each in said or ():
        on = each.get('attachment_index', 0)
        width, height = (sizes[on] if on < len(sizes) else None) or USUAL_SIZE
        if 'start' in each:
            place: tuple[Vertex, ...] = corners(Box(each['start'], 0.0, each['end'], 1.0))
        elif 'x2' in each:
            place = corners(Box(each['x'], each['y'], each['x2'], each['y2']))
        else:
            place = (Vertex(each.get('x', 0) / width, each.get('y', 0) / height),)
        found.append(_Mark(
            on, place, response=each.get('response'), t=each.get('t', 0.0), box=len(place) > 1
        ))  # fmt: skip
    return found


def _of_prompt(prompt: Prompt, first: Any, second: Any) -> float:
    if prompt.choices is not None:
        chosen, others = set(first), set(second)
        either = chosen | others
        return len(chosen & others) / len(either) if either else 1.0
    if prompt.scale is not None:
        length = prompt.scale.high - prompt.scale.low
        return max(0.0, 1.0 - float(abs(first - second)) / length)
    if prompt.validation == 'number':
        return float(float(first) == float(second))
    return float(_folded(first) == _folded(second))


def _folded(text: Any) -> str:
    return ' '.join(str(text or '').split()).casefold()


def _of_marks(
    first: Sequence[_Mark], second: Sequence[_Mark], prompt: Prompt | None = None
) -> float:
    total = len(first) + len(second)
    return 2 * _count_matched(first, second, prompt) / total if total else 1.0


def _count_matched(
    first: Sequence[_Mark], second: Sequence[_Mark], prompt: Prompt | None
) -> int:
    # Most shapes are priors that both have left alone: ten thousand of them take no time.
    left, others = ({_key(each): each for each in marks} for marks in (first, second))
    counts = Counter(map(_key, first)), Counter(map(_key, second))
    same = (counts[0] & counts[1]).total()
    some, rest = (
        [marks[key] for key in (mine - theirs).elements()][:MOST_COMPARED]
        for marks, mine, theirs in ((left, *counts), (others, *counts[::-1]))
    )
    near = [
        [
            j
            for j, other in enumerate(rest)
            if _same_thing(one, other, prompt) and _nearness(one, other) >= MATCHED_FROM
        ]
        for one in some
    ]
    return same + _count_pairs(near)


def _count_pairs(near: Sequence[Sequence[int]]) -> int:
    """Return how many can have a partner at once (Kuhn's algorithm for bipartite graphs).

    Args:
        near: for each on one side, who on the other side may be its partner.
    """
    partner: dict[int, int] = {}

    def find(one: int, asked: set[int]) -> bool:
        for other in near[one]:
            if other not in asked:
                asked.add(other)
                if other not in partner or find(partner[other], asked):
                    partner[other] = one
                    return True
        return False

    return sum(find(one, set()) for one in range(len(near)))


def _key(mark: _Mark) -> tuple[Any, ...]:
    return mark.on, mark.vertices, mark.label, repr(mark.response), mark.t, mark.box


def _same_thing(one: _Mark, other: _Mark, prompt: Prompt | None) -> bool:
    if (one.on, one.label) != (other.on, other.label) or abs(one.t - other.t) > TIME_S:
        return False
    return prompt is None or _of_prompt(prompt, one.response, other.response) >= AGREES_FROM


def _nearness(one: _Mark, other: _Mark) -> float:
    """The IoU of two areas; of two dots a number that is 0.5 at `DOT_DISTANCE`."""
    if len(one.vertices) == 1 or len(other.vertices) == 1:
        if len(one.vertices) != len(other.vertices):
            return 0.0
        apart = math.dist(one.vertices[0], other.vertices[0])
        return max(0.0, 1.0 - apart / DOT_DISTANCE * (1.0 - MATCHED_FROM))
    if one.box and other.box:
        return iou(hull(one.vertices), hull(other.vertices))
    return _iou_of_areas(one.vertices, other.vertices)


def _iou_of_areas(one: Sequence[Vertex], other: Sequence[Vertex]) -> float:
    """The IoU of two polygons, drawn on a grid over both: exact to some percent."""
    if iou(hull(one), hull(other)) <= 0.0:
        return 0.0
    around = hull([*one, *other])
    drawn = []
    for vertices in (one, other):
        mask = Image.new('1', (RASTER, RASTER))
        points = [
            ((x - around.x0) / (around.x1 - around.x0) * (RASTER - 1),
             (y - around.y0) / (around.y1 - around.y0) * (RASTER - 1))
            for x, y in vertices
        ]  # fmt: skip
        ImageDraw.Draw(mask).polygon(points, fill=1)
        drawn.append(mask)
    inner, outer = ImageChops.logical_and(*drawn), ImageChops.logical_or(*drawn)
    shared, either = (mask.histogram()[-1] for mask in (inner, outer))
    return shared / either if either else 0.0
