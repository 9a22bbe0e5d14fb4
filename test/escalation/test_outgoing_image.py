# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What leaves of a frame: laws of the plan, and that nothing hidden is in what is made of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.escalation.pictures.encoding import encode_frame, read_header
from spark_ros.escalation.question.outgoing_image import (
    FORMATS,
    METADATA_KEYS,
    ImageSettings,
    OutgoingImage,
    Region,
    apply,
    black_out,
    chosen,
    plan,
)
from spark_ros.geometry import Box, ImageSize, Vertex

FRAME = ImageSize(320, 240)

sizes = st.builds(ImageSize, st.integers(1, 4000), st.integers(1, 4000))
small_sizes = st.builds(ImageSize, st.integers(1, 90), st.integers(1, 90))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """A normalized box with an area."""
    x0, x1 = sorted(draw(st.tuples(st.floats(0, 0.999), st.floats(0, 0.999))))
    y0, y1 = sorted(draw(st.tuples(st.floats(0, 0.999), st.floats(0, 0.999))))
    return Box(x0, y0, max(x1, x0 + 1e-4), max(y1, y0 + 1e-4))


settings = st.builds(
    ImageSettings,
    format=st.sampled_from(FORMATS),
    quality=st.integers(1, 100),
    max_side=st.integers(0, 5000),
    crop=st.booleans(),
    crop_margin=st.floats(0, 10),
    black_out=st.lists(boxes(), max_size=3).map(tuple),
)


@given(settings, sizes, st.lists(boxes(), max_size=4))
def test_a_plan_shows_what_is_asked_about_and_is_no_larger_than_allowed(
    how: ImageSettings, frame: ImageSize, asked: list[Box]
) -> None:
    outgoing = plan(how, frame, asked)
    x, y, width, height = outgoing.region
    assert 0 <= x < x + width <= frame.width and 0 <= y < y + height <= frame.height
    assert outgoing.whole or (how.crop and asked)
    for box in asked:
        assert x <= box.x0 * frame.width + 1e-6 and box.x1 * frame.width <= x + width + 1e-6
        assert y <= box.y0 * frame.height + 1e-6 and box.y1 * frame.height <= y + height + 1e-6
    longest = max(outgoing.size)
    assert min(outgoing.size) >= 1 and longest <= max(width, height)
    assert longest == min(how.max_side or longest, max(width, height))
    scale = longest / max(width, height)
    assert abs(outgoing.size.width - width * scale) <= 1.0
    assert abs(outgoing.size.height - height * scale) <= 1.0


@given(
    settings, sizes, st.lists(boxes(), min_size=1, max_size=4), st.floats(0, 1), st.floats(0, 1)
)
def test_a_point_goes_there_and_back(
    how: ImageSettings, frame: ImageSize, asked: list[Box], x: float, y: float
) -> None:
    outgoing = plan(how, frame, asked)
    back = outgoing.to_frame(outgoing.to_sent(Vertex(x, y)))
    assert math.isclose(back.x, x, abs_tol=1e-9) and math.isclose(back.y, y, abs_tol=1e-9)
    left, top, _, height = outgoing.region
    corner = outgoing.to_frame(Vertex(0.0, 0.0))
    assert math.isclose(corner.x * frame.width, left, abs_tol=1e-6)
    opposite = outgoing.to_frame(Vertex(1.0, 1.0))
    assert math.isclose(opposite.y * frame.height, top + height, abs_tol=1e-6)


def test_a_crop_is_the_hull_and_a_fraction_of_its_larger_side() -> None:
    asked = [Box(100 / 320, 80 / 240, 140 / 320, 100 / 240), Box(120 / 320, 90 / 240, 0.5, 0.5)]
    how = ImageSettings(crop=True, crop_margin=0.5, max_side=50)
    outgoing = plan(how, FRAME, asked)
    assert outgoing.region == Region(70, 50, 120, 100)
    assert outgoing.size == ImageSize(50, 42)


@pytest.mark.parametrize(
    ('region', 'rows', 'columns'),
    [
        (Box(0.0, 0.0, 0.25, 0.5), slice(0, 5), slice(0, 5)),
        (Box(0.26, 0.51, 0.74, 0.99), slice(5, 10), slice(5, 15)),
        (Box(0.251, 0.101, 0.252, 0.102), slice(1, 2), slice(5, 6)),
        (Box(0.5, 0.5, 0.5 + 1e-15, 0.5 + 1e-15), slice(5, 6), slice(10, 11)),
        (Box(0.95, 0.9, 1.0, 1.0 + 1e-12), slice(9, 10), slice(19, 20)),
        (Box(0.0, 0.0, 1.0, 1.0), slice(0, 10), slice(0, 20)),
    ],
)
@pytest.mark.parametrize('shape', [(10, 20), (10, 20, 3)])
def test_a_region_grows_outward_to_whole_pixels(
    shape: tuple[int, ...], region: Box, rows: slice, columns: slice
) -> None:
    pixels = np.full(shape, 255, np.uint8)
    seen = black_out(pixels, [region])
    expected = pixels.copy()
    expected[rows, columns] = 0
    np.testing.assert_array_equal(seen, expected)
    assert (pixels == 255).all()


@given(st.lists(boxes(), max_size=3), small_sizes, st.integers(0, 2**32 - 1))
def test_every_pixel_that_a_region_touches_is_black_and_no_pixel_beyond(
    regions: list[Box], size: ImageSize, seed: int
) -> None:
    shape = (size.height, size.width, 3)
    pixels = np.random.default_rng(seed).integers(1, 256, shape, np.uint8)
    untouched = pixels.copy()
    seen = black_out(pixels, regions)
    np.testing.assert_array_equal(pixels, untouched)
    y, x = np.mgrid[: size.height, : size.width]
    hidden = np.zeros(shape[:2], bool)
    for region in regions:
        hidden |= (
            (x + 1 > region.x0 * size.width) & (x < region.x1 * size.width)
            & (y + 1 > region.y0 * size.height) & (y < region.y1 * size.height)
        )  # fmt: skip
    assert not seen[hidden].any()
    np.testing.assert_array_equal(seen[~hidden], pixels[~hidden])


@given(
    settings.filter(lambda how: how.black_out),
    small_sizes,
    st.lists(boxes(), max_size=2),
    st.integers(0, 2**32 - 1),
    st.sampled_from([(), (3,)]),
)
def test_not_one_byte_depends_on_a_hidden_pixel(
    how: ImageSettings, frame: ImageSize, asked: list[Box], seed: int, channels: Any
) -> None:
    """Two frames that differ only where nobody may look are the same file, however made."""
    random = np.random.default_rng(seed)
    one = random.integers(0, 256, (frame.height, frame.width, *channels), np.uint8)
    other = one.copy()
    for region in how.black_out:
        rows = slice(math.floor(region.y0 * frame.height), math.ceil(region.y1 * frame.height))
        columns = slice(math.floor(region.x0 * frame.width), math.ceil(region.x1 * frame.width))
        other[rows, columns] = random.integers(0, 256, other[rows, columns].shape, np.uint8)
    outgoing = plan(how, frame, asked)
    image = encode_frame(one, outgoing)
    assert image == encode_frame(other, outgoing)
    header = read_header(image.data)
    assert image.size == outgoing.size == header.size
    assert image.format == header.format == how.format


def test_what_is_not_hidden_is_sent_as_it_is() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (240, 320, 3), np.uint8)
    outgoing = OutgoingImage(FRAME, Region(100, 50, 80, 60), ImageSize(80, 60))
    np.testing.assert_array_equal(apply(pixels, outgoing), pixels[50:110, 100:180])


def test_black_stays_black_when_it_is_made_small() -> None:
    pixels = np.full((240, 320, 3), 255, np.uint8)
    hidden = Box(0.25, 0.25, 0.75, 0.75)
    outgoing = plan(ImageSettings(max_side=32, black_out=(hidden,)), FRAME, [])
    small = apply(pixels, outgoing)
    assert small.shape == (24, 32, 3)
    assert not small[6:18, 8:24].any() and small[:6].all() and small[:, 24:].all()


def test_metadata_is_sent_by_name() -> None:
    known = {'robot_id': 'rover', 'camera': 'front', 'own': 'word'}
    assert chosen(known, METADATA_KEYS) == {'robot_id': 'rover', 'camera': 'front'}
    assert chosen(known, ('camera',)) == {'camera': 'front'}
    assert chosen(known, ()) == {}
