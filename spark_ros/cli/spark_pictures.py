# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of the `spark` command: read, drawn on, and saved."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from spark_ros.drawing.marks import Mark
from spark_ros.geometry import ImageSize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.uint8]

KEPT = {b'\xff\xd8\xff': '.jpg', b'\x89PNG\r\n\x1a\n': '.png'}
"""By how a file begins, its ending; of those that every reader of a dataset takes."""


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
        raise ValueError(f'{name} is not an image that can be read')
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


def drawn(pixels: Pixels, marks: Iterable[Mark]) -> bytes:
    """Draw what is on the picture, and return it as a JPEG file."""
    import cv2

    from spark_ros.drawing.canvas import Canvas

    canvas = Canvas(pixels)
    canvas.draw(list(marks))
    done, encoded = cv2.imencode('.jpg', canvas.picture(), [cv2.IMWRITE_JPEG_QUALITY, 95])
    if not done:
        raise ValueError('the picture cannot be encoded as JPEG')
    return encoded.tobytes()


def free_path(folder: Path, name: str) -> Path:
    """Return a path for a picture that overwrites no file."""
    path, number = folder / f'{name}.jpg', 1
    while path.exists():
        number += 1
        path = folder / f'{name}-{number}.jpg'
    return path
