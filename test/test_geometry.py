# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pixels to fractions and back: what every box of ours goes through."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_ros.geometry import (
    BELOW_ONE,
    Box,
    Fit,
    GeometryError,
    ImageSize,
    PixelBox,
    clamp,
    corners,
    hull,
    iou,
    iou_xywh,
    normalize,
    pixel_hull,
    placement,
    scale,
    to_pixels,
)
from spark_ros.model import box_annotation
from spark_ros.wire.annotations import annotation_json

# A busy machine is no failure of a law.
settings.register_profile('unhurried', deadline=None)
settings.load_profile('unhurried')

VGA = ImageSize(640, 480)
sides = st.integers(1, 8192)
sizes = st.builds(ImageSize, sides, sides)
angles = st.floats(-10, 10)
anything = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def boxes_inside(draw: st.DrawFn) -> tuple[PixelBox, ImageSize]:
    """An axis-aligned box of at least a hundredth of a pixel, inside its image."""
    image = draw(sizes)
    low_x, low_y = (draw(st.floats(0, side - 0.01)) for side in image)
    high_x = draw(st.floats(low_x + 0.01, image.width))
    high_y = draw(st.floats(low_y + 0.01, image.height))
    box = PixelBox((low_x + high_x) / 2, (low_y + high_y) / 2, high_x - low_x, high_y - low_y)
    return box, image


@st.composite
def boxes_somewhere(draw: st.DrawFn) -> tuple[PixelBox, ImageSize]:
    """A box of any angle around an image, that may lie partly or wholly outside."""
    image = draw(sizes)
    x, y = (draw(st.floats(-0.5 * side, 1.5 * side)) for side in image)
    width, height = (draw(st.floats(0.01, 2.0 * side)) for side in image)
    return PixelBox(x, y, width, height, draw(angles)), image


def rotated_corners(box: PixelBox) -> list[tuple[float, float]]:
    """The four corners of a box that is turned about its center."""
    cos, sin = math.cos(box.theta), math.sin(box.theta)
    return [
        (
            box.center_x + sx * box.size_x / 2 * cos - sy * box.size_y / 2 * sin,
            box.center_y + sx * box.size_x / 2 * sin + sy * box.size_y / 2 * cos,
        )
        for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        (PixelBox(320, 240, 320, 240), (0.25, 0.25, 0.75, 0.75)),
        (PixelBox(320, 240, 640, 480), (0.0, 0.0, BELOW_ONE, BELOW_ONE)),
        (PixelBox(0, 0, 64, 48), (0.0, 0.0, 0.05, 0.05)),
        (PixelBox(640, 480, 64, 48), (0.95, 0.95, BELOW_ONE, BELOW_ONE)),
        (PixelBox(320, 240, 1e6, 1e6), (0.0, 0.0, BELOW_ONE, BELOW_ONE)),
        (PixelBox(320, 240, 100, 50, math.pi / 2), (295 / 640, 190 / 480, 345 / 640, 290 / 480)),
        (PixelBox(320, 240, 100, 50, math.pi), (270 / 640, 215 / 480, 370 / 640, 265 / 480)),
    ],
)
def test_known_boxes(box: PixelBox, expected: tuple[float, ...]) -> None:
    """Boxes worked out by hand."""
    assert normalize(box, VGA) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ('box', 'image', 'reason'),
    [
        (PixelBox(700, 240, 50, 50), VGA, 'outside'),
        (PixelBox(-100, 240, 50, 50), VGA, 'outside'),
        (PixelBox(320, 600, 50, 50), VGA, 'outside'),
        (PixelBox(665, 240, 50, 50), VGA, 'outside'),
        (PixelBox(-25, 240, 50, 50), VGA, 'outside'),
        (PixelBox(320, 240, 0, 50), VGA, 'no area'),
        (PixelBox(320, 240, 50, 0), VGA, 'no area'),
        (PixelBox(320, 240, -50, 50), VGA, 'no area'),
        (PixelBox(math.nan, 240, 50, 50), VGA, 'not finite'),
        (PixelBox(320, 240, math.inf, 50), VGA, 'not finite'),
        (PixelBox(320, -math.inf, 50, 50), VGA, 'not finite'),
        (PixelBox(320, 240, 50, 50, math.nan), VGA, 'not finite'),
        (PixelBox(1.7e308, 0, 1.7e308, 50), VGA, 'not a finite'),
        (PixelBox(320, 240, 50, 50), ImageSize(0, 480), 'no area'),
        (PixelBox(320, 240, 50, 50), ImageSize(640, -1), 'no area'),
        (PixelBox(320, 240, 1e-200, 1e-200), VGA, 'too small'),
    ],
)
def test_refused_with_a_reason(box: PixelBox, image: ImageSize, reason: str) -> None:
    """What cannot be a box says why."""
    with pytest.raises(GeometryError, match=reason):
        normalize(box, image)


def test_a_detector_image_without_area_is_refused() -> None:
    """`given_in` is checked like the image."""
    with pytest.raises(GeometryError, match='detector image is 0x480'):
        normalize(PixelBox(320, 240, 50, 50), VGA, given_in=ImageSize(0, 480))


@given(boxes_inside())
def test_there_and_back(given_box: tuple[PixelBox, ImageSize]) -> None:
    """A box inside the frame comes back within 1e-9 px."""
    box, image = given_box
    back = to_pixels(corners(normalize(box, image)), image)
    for was, now in zip(box, back, strict=True):
        assert abs(was - now) <= 1e-9


@given(boxes_somewhere())
def test_a_fraction_is_never_one_nor_negative(given_box: tuple[PixelBox, ImageSize]) -> None:
    """Whatever the box, what comes out is in [0, 1) and has an area."""
    box, image = given_box
    try:
        result = normalize(box, image)
    except GeometryError:
        return
    assert all(0.0 <= value < 1.0 for value in result)
    assert result.x0 < result.x1 and result.y0 < result.y1


@given(st.builds(PixelBox, anything, anything, anything, anything, anything), sizes)
def test_garbage_is_refused_or_in_range(box: PixelBox, image: ImageSize) -> None:
    """No float at all makes it fail in another way."""
    try:
        result = normalize(box, image)
    except GeometryError:
        return
    assert all(0.0 <= value < 1.0 for value in result)


@given(boxes_somewhere())
def test_a_rotated_box_becomes_its_tight_hull(given_box: tuple[PixelBox, ImageSize]) -> None:
    """The hull holds every rotated corner, and each of its sides touches one."""
    box, _ = given_box
    around = pixel_hull(box)
    points = rotated_corners(box)
    slack = 1e-9 * (abs(box.center_x) + abs(box.center_y) + box.size_x + box.size_y)
    for side, want in zip(around, hull(points), strict=True):
        assert side == pytest.approx(want, abs=slack)


@given(boxes_somewhere())
def test_the_hull_of_a_turned_box_is_clamped(given_box: tuple[PixelBox, ImageSize]) -> None:
    """Normalizing is the hull as fractions, cut at the frame."""
    box, image = given_box
    try:
        result = normalize(box, image)
    except GeometryError:
        return
    around = hull(rotated_corners(box))
    for value, pixel, side in zip(result, around, (*image, *image), strict=True):
        assert value == pytest.approx(min(max(pixel / side, 0.0), 1.0), abs=1e-6)


@given(boxes_somewhere(), sizes)
def test_another_size_of_the_same_image(
    given_box: tuple[PixelBox, ImageSize], image: ImageSize
) -> None:
    """Fractions do not depend on the size that the detector saw."""
    box, given_in = given_box
    try:
        seen = normalize(box, given_in)
        scaled = normalize(box, image, given_in=given_in)
    except GeometryError:
        return
    assert scaled == pytest.approx(seen, abs=1e-9)


def test_scaling_by_hand() -> None:
    """A detector that saw 320x320 of a 640x480 image."""
    box = normalize(PixelBox(160, 160, 32, 64), VGA, given_in=ImageSize(320, 320))
    assert box == pytest.approx((0.45, 0.4, 0.55, 0.6))
    assert to_pixels(corners(box), VGA) == pytest.approx((320, 240, 64, 96, 0))


@given(boxes_somewhere(), sizes, st.sampled_from(Fit))
def test_what_a_detector_sees_there_and_back(
    given_box: tuple[PixelBox, ImageSize], seen: ImageSize, fit: Fit
) -> None:
    """A box of the image is found again, however the image was made to fit."""
    box, image = given_box
    place = placement(image, seen, fit)
    assert min(place.left, place.top) >= 0
    assert place.left + place.width <= seen.width * (1 + 1e-12)
    assert place.top + place.height <= seen.height * (1 + 1e-12)
    try:
        known = normalize(box, image)
        back = normalize(to_pixels(corners(known), image, place), image, seen, fit)
    except GeometryError:
        return
    assert back == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize(
    ('fit', 'expected'),
    [
        (Fit.STRETCH, (0, 0, 640, 640)),
        (Fit.LETTERBOX, (0, 140, 640, 360)),
        (Fit.LETTERBOX_TOP_LEFT, (0, 0, 640, 360)),
    ],
)
def test_full_hd_in_a_square(fit: Fit, expected: tuple[float, ...]) -> None:
    """As YOLO's networks have it: a third of the size, with bars."""
    assert placement(ImageSize(1920, 1080), ImageSize(640, 640), fit) == pytest.approx(expected)
    upright = placement(ImageSize(1080, 1920), ImageSize(640, 640), fit)
    left, top, width, height = expected
    assert upright == pytest.approx((top, left, height, width))


def test_a_letterboxed_box_keeps_its_turn() -> None:
    """An even scale keeps a rectangle one, so that its hull is not taken twice."""
    box = PixelBox(320, 320, 100, 20, math.radians(30))
    scaled = scale(box, ImageSize(640, 640), ImageSize(1920, 1080), Fit.LETTERBOX)
    assert scaled == pytest.approx((960, 540, 300, 60, math.radians(30)))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_clamping(value: float) -> None:
    """It changes only what is out of range."""
    result = clamp(value)
    assert 0.0 <= result < 1.0
    if 0.0 <= value < 1.0:
        assert result == value


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_clamping_refuses(value: float) -> None:
    """What is no number has no nearest fraction."""
    with pytest.raises(GeometryError):
        clamp(value)


@given(boxes_somewhere())
def test_what_is_sent_never_says_one(given_box: tuple[PixelBox, ImageSize]) -> None:
    """Down to the decimal string that goes out."""
    box, image = given_box
    try:
        annotation = box_annotation('thing', normalize(box, image))
    except GeometryError:
        return
    for vertex in annotation_json(annotation, as_strings=True)['vertices']:
        for text in vertex.values():
            assert isinstance(text, str)
            assert 0.0 <= float(text) < 1.0
            assert 'e' not in text.lower()


def test_exactly_one_is_not_kept() -> None:
    """A box that ends on the frame's edge ends just under 1."""
    sent = annotation_json(box_annotation('thing', Box(0.5, 0.5, 1.0, 1.0)), as_strings=True)
    assert sent['vertices'][2] == {'x': '0.9999999999999999', 'y': '0.9999999999999999'}


boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    *[st.floats(0, 100)] * 2,
    *[st.floats(0.001, 100)] * 2,
)


@given(boxes, boxes)
def test_iou_laws(a: Box, b: Box) -> None:
    """It is symmetric, within [0, 1], and 1 for a box with itself."""
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert 0.0 <= iou(a, b) <= 1.0
    assert iou(a, a) == pytest.approx(1.0)


def test_iou_by_hand() -> None:
    """Half of each shared: a third; side by side or of no area: nothing."""
    assert iou(Box(0, 0, 2, 1), Box(1, 0, 3, 1)) == pytest.approx(1 / 3)
    assert iou(Box(0, 0, 1, 1), Box(1, 0, 2, 1)) == 0.0
    assert iou(Box(0, 0, 0, 0), Box(0, 0, 0, 0)) == 0.0
    assert iou_xywh((0, 0, 2, 1), (1, 0, 2, 1)) == pytest.approx(1 / 3)


def test_a_shape_without_vertices_is_refused() -> None:
    """There is no hull of nothing."""
    with pytest.raises(GeometryError, match='no vertices'):
        hull([])
