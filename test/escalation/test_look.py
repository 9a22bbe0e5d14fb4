# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The hash of what a box shows: light and noise hardly change it, another thing does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.escalation.pictures.look import alike, look
from spark_ros.geometry import Box

WHOLE = Box(0.0, 0.0, 1.0, 1.0)
# Of ten thousand pictures, five pairs look alike by chance.
SEEDS = st.integers(0, 1000)


def picture(seed: int, width: int = 160, height: int = 120) -> np.ndarray:
    """Return BGR patches of all shades that flow into one another."""
    cells = np.random.default_rng(seed).integers(30, 200, (8, 9, 3), np.uint8)
    return cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR)


def changed(pixels: np.ndarray, change: str) -> np.ndarray:
    if change == 'noise':
        noise = np.random.default_rng(1).normal(0, 8, pixels.shape)
        return np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if change == 'compression':
        return cv2.imdecode(cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], 1)
    if change == 'another size':
        return cv2.resize(pixels, (97, 203), interpolation=cv2.INTER_AREA)
    return cv2.convertScaleAbs(pixels, alpha=1.1, beta=20)


@pytest.mark.parametrize('change', ['light', 'noise', 'compression', 'another size'])
@given(seed=SEEDS)
def test_it_is_the_same_under(change: str, seed: int) -> None:
    before = picture(seed)
    assert alike(look(before, WHOLE), look(changed(before, change), WHOLE))


@given(SEEDS, SEEDS)
def test_other_things_look_different(one: int, other: int) -> None:
    same = one == other
    assert alike(look(picture(one), WHOLE), look(picture(other), WHOLE)) is same


@given(st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=4, max_size=4), st.booleans())
def test_every_box_of_every_picture_has_one(numbers: list[float], grey: bool) -> None:
    (x0, x1), (y0, y1) = sorted(numbers[:2]), sorted(numbers[2:])
    box = Box(x0, y0, x1, y1)
    for pixels in (picture(3), np.zeros((1, 1, 3), np.uint8), np.full((3, 70, 3), 255, np.uint8)):
        assert 0 <= look(pixels[..., 0] if grey else pixels, box) < 2**64


def test_only_the_box_counts() -> None:
    pixels, box = picture(5), Box(0.25, 0.25, 0.75, 0.75)
    around = picture(6)
    around[30:90, 40:120] = pixels[30:90, 40:120]
    assert look(pixels, box) == look(around, box)
