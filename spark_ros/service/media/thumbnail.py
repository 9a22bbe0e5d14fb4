# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A small picture of a decoded image. Not for the service's process: see `decoder`."""

from __future__ import annotations

import io

from PIL import Image

LONGEST_PX = 128
# Few enough pixels to be filtered well, in hardly any time or memory.
SAMPLED_PX = 512
QUALITY = 75
MAX_BYTES = 16 * 1024
# By the orientation in EXIF: how what is stored is turned upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def thumbnail_of(image: Image.Image, orientation: int | None) -> bytes | None:
    """Return an upright JPEG that fits into 128 x 128 pixels, or None where none can be made.

    Args:
        image: loaded; it stays as it is.
        orientation: as EXIF gives it.
    """
    if image.mode.startswith(('I', 'F')):
        # Depths and the like: how to show them, nobody said.
        return None
    data = io.BytesIO()
    try:
        sampled = image.resize(_fitted(image.size, SAMPLED_PX), Image.Resampling.NEAREST)
        # A comment, or a place and time, would be written along.
        sampled.info.clear()
        small = sampled.convert('RGB')
        small.thumbnail((LONGEST_PX, LONGEST_PX))
        if orientation in TURNS:
            small = small.transpose(TURNS[orientation])
        small.save(data, 'JPEG', quality=QUALITY)
    except Exception:
        # Whatever a damaged file makes of this: the image itself decodes.
        return None
    return data.getvalue() if data.tell() <= MAX_BYTES else None


def thumbnail_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return how large the thumbnail of an image of this size is."""
    return _fitted(size, LONGEST_PX)


def _fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
