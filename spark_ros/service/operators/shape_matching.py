# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many of the shapes that two answers have are the same things. Pure.

Two shapes can be the same thing if they have the same label and an IoU of 0.5 or more, as is usual
in object detection. Equal ones are paired, and of the rest as many as possible, each at most once.
Only shapes whose hulls meet are compared, and the work is bounded whatever the shapes are.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from PIL import Image, ImageChops, ImageDraw

from spark_ros.geometry import Box, Vertex, hull, iou

MATCHED_FROM = 0.5
DOT_DISTANCE = 0.03
"""How far apart two dots of the same thing may be, in fractions of the image."""
TIME_S = 1.0
"""How far apart two marks of the same moment of a video or sound may be."""
MOST_WORK = 250_000
"""The limit for two answers, in comparisons of two boxes; these take about half a second."""
# What else is done, by how many comparisons of boxes take as long.
AREAS_WORK = 30
RESPONSES_WORK = 30
DRAWING_WORK = 200
# A polygon is drawn with so many cells a side, or up to twice as many.
CELLS = 64


@dataclass(frozen=True)
class Mark:
    """A place that one answer marks.

    Attributes:
        on: what it is on: the index of the image or text.
        vertices: one is a dot, more are an area; of one frame with those of the other answer.
        label: of SparkAI's shapes.
        response: to the question for each annotation; hashable.
        t: the moment, in seconds.
        box: whether the area is its axis-aligned hull.
    """

    on: int
    vertices: tuple[Vertex, ...]
    label: str = ''
    response: Any = None
    t: float = 0.0
    box: bool = False


Alike = Callable[[Any, Any], bool]


def count_matched(first: Sequence[Mark], second: Sequence[Mark], alike: Alike) -> int | None:
    """Return how many pairs of the same thing two answers have at most.

    Args:
        alike: whether two responses to the question for each annotation are the same.

    Returns:
        The number, or None where it takes more work than `MOST_WORK` to find.
    """
    # Most shapes are priors that both have left alone: ten thousand of them take no time.
    left, others = ({_key(each): each for each in marks} for marks in (first, second))
    counts = Counter(map(_key, first)), Counter(map(_key, second))
    same = (counts[0] & counts[1]).total()
    some, rest = (
        [_Shape(marks[key]) for key in (mine - theirs).elements()]
        for marks, mine, theirs in ((left, *counts), (others, *counts[::-1]))
    )
    work = _Work()
    near: list[list[int]] = [[] for _ in some]
    try:
        for i, j in _meeting(some, rest, work):
            one, other = some[i].mark, rest[j].mark
            if (
                abs(one.t - other.t) <= TIME_S
                and _nearness(some[i], rest[j], work) >= MATCHED_FROM
            ):
                if one.response is not None:
                    work.spend(RESPONSES_WORK)
                if alike(one.response, other.response):
                    near[i].append(j)
        return same + _count_pairs(near, work)
    except _TooMuch:
        return None


class _TooMuch(Exception):
    """There is more to compare than is worth it."""


class _Work:
    def __init__(self) -> None:
        self._left = MOST_WORK

    def spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise _TooMuch


class _Raster(NamedTuple):
    """A polygon on the grid whose cells have one size: the cells from `left` and `top` on."""

    left: int
    top: int
    mask: Image.Image
    filled: int


class _Shape:
    """A mark with what is computed of it once.

    Attributes:
        around: its hull, larger by what two dots may be apart.
        cell: the width and height of a cell of the grid that it is drawn on.
    """

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.hull = x0, y0, x1, y1 = hull(mark.vertices)
        self.dot = len(mark.vertices) == 1
        reach = DOT_DISTANCE if self.dot else 0.0
        self.around = Box(x0 - reach, y0 - reach, x1 + reach, y1 + reach)
        self.cell = _cell(x1 - x0), _cell(y1 - y0)
        self._drawn: dict[tuple[float, float], _Raster] = {}

    def drawn(self, cell: tuple[float, float], work: _Work) -> _Raster:
        if cell not in self._drawn:
            work.spend(DRAWING_WORK + len(self.mark.vertices))
            self._drawn[cell] = self._draw(*cell)
        return self._drawn[cell]

    def _draw(self, width: float, height: float) -> _Raster:
        x0, y0, x1, y1 = self.hull
        left, top = math.floor(x0 / width), math.floor(y0 / height)
        size = math.floor(x1 / width) - left + 1, math.floor(y1 / height) - top + 1
        mask = Image.new('1', size)
        points = [(x / width - left, y / height - top) for x, y in self.mark.vertices]
        ImageDraw.Draw(mask).polygon(points, fill=255)
        return _Raster(left, top, mask, _count_cells(mask))


def _cell(length: float) -> float:
    """Return the power of two of which a length has `CELLS`, or up to twice as many.

    Shapes of about the same size so have the same grid, and are drawn once.
    """
    return 2.0 ** (math.frexp(length)[1] - 1) / CELLS


def _count_cells(mask: Image.Image) -> int:
    return mask.histogram()[-1]


def _key(mark: Mark) -> tuple[Any, ...]:
    return mark.on, mark.vertices, mark.label, mark.response, mark.t, mark.box


def _meeting(
    some: Sequence[_Shape], rest: Sequence[_Shape], work: _Work
) -> Iterator[tuple[int, int]]:
    """Yield the indexes of the pairs of one image and label whose hulls meet.

    A line sweeps over them from left to right.
    """
    groups: dict[tuple[int, str], list[tuple[float, int, int]]] = defaultdict(list)
    for side, shapes in enumerate((some, rest)):
        for i, shape in enumerate(shapes):
            groups[shape.mark.on, shape.mark.label].append((shape.around.x0, side, i))
    for group in groups.values():
        under: tuple[list[int], list[int]] = ([], [])
        for x, side, i in sorted(group):
            mine, theirs = (some, rest)[:: 1 - 2 * side]
            box = mine[i].around
            others = under[1 - side]
            others[:] = [j for j in others if theirs[j].around.x1 >= x]
            work.spend(1 + len(others))
            under[side].append(i)
            for j in others:
                if theirs[j].around.y0 <= box.y1 and box.y0 <= theirs[j].around.y1:
                    yield (j, i) if side else (i, j)


def _nearness(one: _Shape, other: _Shape, work: _Work) -> float:
    """The IoU of two areas; of two dots a number that is 0.5 at `DOT_DISTANCE`."""
    if one.dot or other.dot:
        if one.dot != other.dot:
            return 0.0
        apart = math.dist(one.mark.vertices[0], other.mark.vertices[0])
        return max(0.0, 1.0 - apart / DOT_DISTANCE * (1.0 - MATCHED_FROM))
    of_hulls = iou(one.hull, other.hull)
    if of_hulls <= 0.0 or (one.mark.box and other.mark.box):
        return of_hulls
    return _iou_of_areas(one, other, work)


def _iou_of_areas(one: _Shape, other: _Shape, work: _Work) -> float:
    """The IoU of two polygons, drawn on the coarser of their grids: exact to some percent."""
    work.spend(AREAS_WORK)
    cell = max(one.cell[0], other.cell[0]), max(one.cell[1], other.cell[1])
    a, b = one.drawn(cell, work), other.drawn(cell, work)
    left, top = max(a.left, b.left), max(a.top, b.top)
    right = min(each.left + each.mask.width for each in (a, b))
    bottom = min(each.top + each.mask.height for each in (a, b))
    if right <= left or bottom <= top:
        return 0.0
    shared = _count_cells(ImageChops.logical_and(*(
        each.mask.crop((
            left - each.left, top - each.top, right - each.left, bottom - each.top,
        ))
        for each in (a, b)
    )))  # fmt: skip
    return shared / (a.filled + b.filled - shared)


def _count_pairs(near: Sequence[Sequence[int]], work: _Work) -> int:
    """Return how many can have a partner at once (by augmenting paths in a bipartite graph).

    Args:
        near: for each on one side, who on the other side may be its partner.
    """
    partner: dict[int, int] = {}
    partner_of_other: dict[int, int] = {}
    for start in range(len(near)):
        came_from: dict[int, int] = {}
        reached = [start]
        free = None
        for one in reached:
            work.spend(1 + len(near[one]))
            for other in near[one]:
                if other in came_from:
                    continue
                came_from[other] = one
                if other not in partner_of_other:
                    free = other
                    break
                reached.append(partner_of_other[other])
            if free is not None:
                break
        while free is not None:
            one = came_from[free]
            partner_of_other[free] = one
            partner[one], free = free, partner.get(one)
    return len(partner)
