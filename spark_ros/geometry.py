# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pixels to fractions of an image and back.

Two coordinate frames, both with the origin in the top-left corner, x right and y down:

* **pixels**: floats from 0 to the image's width or height (as vision_msgs has them);
* **normalized**: fractions of the image in [0, 1), never 1.0 (the SparkAI page's range).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

BELOW_ONE = math.nextafter(1.0, 0.0)


class GeometryError(ValueError):
    """A shape that cannot be used; the message says why."""


class Vertex(NamedTuple):
    """A point, in the frame that its owner names."""

    x: float
    y: float


class Box(NamedTuple):
    """An axis-aligned box by its top-left and bottom-right corners."""

    x0: float
    y0: float
    x1: float
    y1: float


class PixelBox(NamedTuple):
    """A box as vision_msgs/BoundingBox2D has it: center and size in pixels, theta in radians."""

    center_x: float
    center_y: float
    size_x: float
    size_y: float
    theta: float = 0.0


class ImageSize(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class Fit(str, Enum):
    """How an image was made to fit the size that a detector sees.

    Letterboxed it keeps its shape, with bars on two sides, or only right or below.
    """

    STRETCH = 'stretch'
    LETTERBOX = 'letterbox'
    LETTERBOX_TOP_LEFT = 'letterbox_top_left'


class Placement(NamedTuple):
    """Where an image lies in what a detector sees, in the detector's pixels."""

    left: float
    top: float
    width: float
    height: float


def placement(image: ImageSize, seen: ImageSize, fit: Fit = Fit.STRETCH) -> Placement:
    """Return where an image lies in what a detector sees; both have an area.

    Detectors round the bars to whole pixels, so that theirs may be half a pixel elsewhere.
    """
    if fit is Fit.STRETCH:
        return Placement(0.0, 0.0, seen.width, seen.height)
    factor = min(seen.width / image.width, seen.height / image.height)
    # Rounding must not make it larger than what it was made to fit.
    width = min(image.width * factor, float(seen.width))
    height = min(image.height * factor, float(seen.height))
    if fit is Fit.LETTERBOX_TOP_LEFT:
        return Placement(0.0, 0.0, width, height)
    return Placement((seen.width - width) / 2, (seen.height - height) / 2, width, height)


def clamp(value: float) -> float:
    """Clamp a fraction into [0, 1).

    Raises:
        GeometryError: it is NaN or infinite.
    """
    if 0.0 <= value < 1.0:
        return value
    if not math.isfinite(value):
        raise GeometryError(f'a coordinate is {value}, not a finite number')
    return min(max(value, 0.0), BELOW_ONE)


def hull(vertices: Iterable[Sequence[float]]) -> Box:
    """Return the axis-aligned box around points, in their frame.

    Raises:
        GeometryError: there are no points.
    """
    points = list(vertices)
    if not points:
        raise GeometryError('a shape has no vertices')
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return Box(min(xs), min(ys), max(xs), max(ys))


def corners(box: Box) -> tuple[Vertex, Vertex, Vertex, Vertex]:
    """Return the four corners of a box, clockwise from the top-left."""
    return (
        Vertex(box.x0, box.y0),
        Vertex(box.x1, box.y0),
        Vertex(box.x1, box.y1),
        Vertex(box.x0, box.y1),
    )


def scale(
    box: PixelBox, given_in: ImageSize, image: ImageSize, fit: Fit = Fit.STRETCH
) -> PixelBox:
    """Scale a box that was measured in another size of the same image.

    A rotated box is scaled as its axis-aligned hull where the two factors differ, because a
    rectangle does not stay one under an uneven scale.
    """
    place = placement(image, given_in, fit)
    fx, fy = image.width / place.width, image.height / place.height
    if fit is Fit.STRETCH and fx != fy and box.theta:
        around = pixel_hull(box)
        box = PixelBox(
            (around.x0 + around.x1) / 2,
            (around.y0 + around.y1) / 2,
            around.x1 - around.x0,
            around.y1 - around.y0,
        )
    return PixelBox(
        (box.center_x - place.left) * fx,
        (box.center_y - place.top) * fy,
        box.size_x * fx,
        box.size_y * fy,
        box.theta,
    )


def pixel_hull(box: PixelBox) -> Box:
    """Return the axis-aligned hull in pixels of a box that may be rotated about its center."""
    x, y, size_x, size_y, theta = box
    half_x, half_y = size_x / 2, size_y / 2
    if theta != 0.0:
        cos, sin = abs(math.cos(theta)), abs(math.sin(theta))
        half_x, half_y = half_x * cos + half_y * sin, half_x * sin + half_y * cos
    return Box(x - half_x, y - half_y, x + half_x, y + half_y)


def normalize(
    box: PixelBox,
    image: ImageSize,
    given_in: ImageSize | None = None,
    fit: Fit = Fit.STRETCH,
) -> Box:
    """Turn a pixel box into a normalized one, clamped to the image.

    Args:
        box: in pixels of the image, or of `given_in` where that is set; rotated boxes become
            their axis-aligned hull.
        image: the image's size.
        given_in: the size the detector saw, when it is not the image's.
        fit: how the image was made to fit that.

    Returns:
        The box in [0, 1), with an area above zero.

    Raises:
        GeometryError: a number is not finite, a size is not positive, the image has no area,
            the box lies wholly outside the image, or it has no extent that a float can tell.
    """
    if image.width <= 0 or image.height <= 0:
        raise GeometryError(f'the image is {image.width}x{image.height}: it has no area')
    # One look at the sum is much cheaper; it may be infinite where no summand is.
    if not (math.isfinite(sum(box)) or all(map(math.isfinite, box))):
        raise GeometryError(f'the box has a number that is not finite: {tuple(box)}')
    if box.size_x <= 0 or box.size_y <= 0:
        raise GeometryError(f'the box is {box.size_x:g}x{box.size_y:g} pixels: it has no area')
    if given_in is not None and given_in != image:
        if given_in.width <= 0 or given_in.height <= 0:
            raise GeometryError(f'the detector image is {given_in.width}x{given_in.height}: empty')
        box = scale(box, given_in, image, fit)
    around = pixel_hull(box)
    x0, y0, x1, y1 = around
    width, height = image
    normalized = Box(clamp(x0 / width), clamp(y0 / height), clamp(x1 / width), clamp(y1 / height))
    if normalized.x1 <= normalized.x0 or normalized.y1 <= normalized.y0:
        inside = all(
            low < side and high > 0
            for low, high, side in zip(around[:2], around[2:], image, strict=True)
        )
        what = 'is too small to be told from a point in' if inside else 'lies outside'
        raise GeometryError(
            f'the box ({around.x0:g}, {around.y0:g})-({around.x1:g}, {around.y1:g}) '
            f'{what} the {image.width}x{image.height} image'
        )
    return normalized


def to_pixels(
    vertices: Iterable[Sequence[float]], image: ImageSize, place: Placement | None = None
) -> PixelBox:
    """Return the axis-aligned pixel box around normalized vertices.

    A coordinate clamped to just under 1 comes back on the image's edge.

    Args:
        vertices: normalized.
        image: its size.
        place: where it lies in what a detector sees; the box is then in the detector's pixels.
    """
    around = hull(vertices)
    left, top, width, height = place or Placement(0.0, 0.0, *image)
    x0, x1 = left + around.x0 * width, left + around.x1 * width
    y0, y1 = top + around.y0 * height, top + around.y1 * height
    return PixelBox((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes of one frame, in [0, 1]."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    union = (a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - shared
    return min(shared / union, 1.0) if union > 0 else 0.0


def iou_xywh(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the intersection over union of two (x, y, width, height) boxes."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    return iou(Box(ax, ay, ax + aw, ay + ah), Box(bx, by, bx + bw, by + bh))
