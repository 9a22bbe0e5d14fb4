# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of the `spark` command: read, drawn on, and saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from spark_ros.geometry import ImageSize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.uint8]

KEPT = {b'\xff\xd8\xff': '.jpg', b'\x89PNG\r\n\x1a\n': '.png'}
"""By how a file begins, its ending; of those that every reader of a dataset takes."""

DARK_BGR = (30, 30, 30)
PRIOR_BGR = (60, 200, 255)
CHANGE_BGR = {
    'confirmed': (90, 200, 90), 'modified': (255, 170, 60), 'added': (255, 170, 60),
    'marked': (255, 170, 60), 'removed': (70, 70, 230),
}  # fmt: skip
Outline: TypeAlias = 'tuple[Sequence[tuple[float, float]], str, tuple[int, int, int]]'
"""Its points in pixels, the label, and the colour."""


def decode(content: bytes, name: str) -> Pixels:
    """Return an image's pixels, upright, as a viewer shows it: (height, width, 3), BGR.

    Raises:
        ValueError: it is no image that can be read; `name` is whose.
    """
    # They take a third of a second to import, which most commands do without.
    import cv2
    import numpy as np

    pixels: Any = None
    with suppress(cv2.error):
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f'{name} is no image that can be read')
    return np.asarray(pixels, np.uint8)


def upright(content: bytes, name: str) -> tuple[bytes, str, ImageSize]:
    """Return an image's file as every reader shows it alike, its ending, and its size.

    JPEG and PNG stay as they are, unless a mark in them says that they are to be turned, which
    not every reader does; others become PNG.

    Raises:
        ValueError: it is no image that can be read; `name` is whose.
    """
    import cv2
    import numpy as np

    pixels = decode(content, name)
    ending = next((end for start, end in KEPT.items() if content.startswith(start)), '')
    if ending and b'exif' in content.lower():
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        lying: Any = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        ending = ending if np.array_equal(lying, pixels) else ''
    if not ending:
        ending = '.png'
        content = cv2.imencode(ending, pixels)[1].tobytes()
    return content, ending, size_of(pixels)


def size_of(pixels: Pixels) -> ImageSize:
    """Return the size of decoded pixels."""
    return ImageSize(pixels.shape[1], pixels.shape[0])


def drawn(pixels: Pixels, outlines: Iterable[Outline]) -> bytes:
    """Draw outlines with their labels onto pixels, and return them as a JPEG file."""
    import cv2

    for points, label, colour in outlines:
        _draw(pixels, points, label, colour)
    done, encoded = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])
    if not done:
        raise ValueError('the picture cannot be encoded as JPEG')
    return encoded.tobytes()


def free_path(folder: Path, name: str) -> Path:
    """Return where to save a picture so that none is written over."""
    path, number = folder / f'{name}.jpg', 1
    while path.exists():
        number += 1
        path = folder / f'{name}-{number}.jpg'
    return path


def _draw(
    pixels: Pixels,
    points: Sequence[tuple[float, float]],
    label: str,
    colour: tuple[int, int, int],
) -> None:
    import cv2
    import numpy as np

    height, width = pixels.shape[:2]
    line = max(1, round(max(height, width) / 640))
    ends = np.clip(np.rint(points), 0, (width - 1, height - 1)).astype(np.int32)
    for thick, ink in ((line + 2, DARK_BGR), (line, colour)):
        if len(ends) == 1:
            cv2.circle(pixels, tuple(map(int, ends[0])), 2 * line + thick, ink, -1, cv2.LINE_AA)
        else:
            cv2.polylines(pixels, [ends], True, ink, thick, cv2.LINE_AA)
    # OpenCV's font has ASCII only.
    words = label.encode('ascii', 'replace').decode()
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.4 * line
    (_, tall), below = cv2.getTextSize(words, font, scale, line)
    x, y = int(ends[:, 0].min()), int(ends[:, 1].min())
    y = y - below - line if y > tall + below + line else y + tall + 2 * line
    for thick, ink in ((line + 2, DARK_BGR), (line, colour)):
        cv2.putText(pixels, words, (x, y), font, scale, ink, thick, cv2.LINE_AA)
