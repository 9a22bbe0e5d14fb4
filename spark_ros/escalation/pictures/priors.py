# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Draw prior boxes onto a frame, for services whose questions cannot carry them."""

from __future__ import annotations

from collections.abc import Iterable

from spark_ros.drawing.canvas import Canvas
from spark_ros.drawing.marks import outline, prior_mark
from spark_ros.escalation.pictures.encoding import decode_pixels, encode_pixels
from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.escalation.question.outgoing_image import JPEG_QUALITY
from spark_ros.model import Annotation


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
    canvas = Canvas(decode_pixels(image.data))
    canvas.draw([prior_mark(prior, outline(prior.vertices)) for prior in priors])
    return encode_pixels(canvas.picture(), quality, image.format)
