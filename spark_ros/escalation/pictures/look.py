# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How a part of a picture looks, as a perceptual hash (pHash): what looks alike differs little."""

from __future__ import annotations

import cv2
import numpy as np

from spark_ros.escalation.question.outgoing_image import Pixels
from spark_ros.geometry import Box

SIDE = 32
LOWEST = 8
ALIKE_BITS = 10


def look(pixels: Pixels, box: Box) -> int:
    """Return the hash of what a box shows.

    The signs, around their median, of the lowest frequencies of its discrete cosine transform:
    neither brightness nor contrast changes them, and noise hardly does.

    Args:
        pixels: BGR (H, W, 3) or grey (H, W), upright.
        box: fractions of the picture; at least one pixel is looked at.

    Returns:
        63 bits, as the upper ones of 64.
    """
    height, width = pixels.shape[:2]
    x0, y0 = min(int(box.x0 * width), width - 1), min(int(box.y0 * height), height - 1)
    x1, y1 = max(round(box.x1 * width), x0 + 1), max(round(box.y1 * height), y0 + 1)
    part = pixels[y0:y1, x0:x1]
    grey = part if part.ndim == 2 else cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    # Without the first, which is the mean.
    lowest = cv2.dct(small.astype(np.float32))[:LOWEST, :LOWEST].ravel()[1:]
    bits = lowest > np.median(lowest)
    return int.from_bytes(np.packbits(bits).tobytes(), 'big')


def alike(one: int, other: int) -> bool:
    """Whether two hashes differ in so few bits that they are of the same thing."""
    return (one ^ other).bit_count() <= ALIKE_BITS
