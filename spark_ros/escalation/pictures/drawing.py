# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Draw prior boxes onto a frame, for services whose questions cannot carry them."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from spark_ros.escalation.pictures.encoding import EncodingError, encode_pixels
from spark_ros.escalation.question.asking import DOUBTED
from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.escalation.question.outgoing_image import JPEG_QUALITY, Pixels
from spark_ros.model import Annotation

DOUBTED_BGR = (60, 200, 255)
SURE_BGR = (235, 235, 235)
DARK_BGR = (30, 30, 30)


def draw_priors(
    image: EncodedImage, priors: Iterable[Annotation], quality: int = JPEG_QUALITY
) -> EncodedImage:
    """Return the image with each prior's outline, label and score on it, in its own format.

    Args:
        image: JPEG or PNG.
        priors: in fractions of that image.
        quality: of a JPEG, 1 to 100.

    Raises:
        EncodingError: the image cannot be decoded.
    """
    decoded = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise EncodingError('the image cannot be decoded to draw on it')
    pixels = np.asarray(decoded, np.uint8)
    for prior in priors:
        _draw(pixels, prior)
    return encode_pixels(pixels, quality, image.format)


def _draw(pixels: Pixels, prior: Annotation) -> None:
    height, width = pixels.shape[:2]
    colour = DOUBTED_BGR if DOUBTED in prior.attributes else SURE_BGR
    thickness = max(1, round(max(height, width) / 640))
    points = np.array(
        [[round(v.x * (width - 1)), round(v.y * (height - 1))] for v in prior.vertices], np.int32
    )
    for line, ink in ((thickness + 2, DARK_BGR), (thickness, colour)):
        cv2.polylines(pixels, [points], True, ink, line, cv2.LINE_AA)
    words = prior.label if prior.score is None else f'{prior.label} {prior.score:.0%}'
    _write(pixels, words, (int(points[:, 0].min()), int(points[:, 1].min())), colour, thickness)


def _write(
    pixels: Pixels, words: str, corner: tuple[int, int], colour: tuple[int, int, int], line: int
) -> None:
    """Write words above a corner, or below it where there is no room."""
    size = 0.4 * line
    (_, text_height), below = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, size, line)
    x, y = corner
    y = y - below - line if y > text_height + below + line else y + text_height + 2 * line
    for width, ink in ((line + 2, DARK_BGR), (line, colour)):
        cv2.putText(
            pixels, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, width, cv2.LINE_AA
        )
