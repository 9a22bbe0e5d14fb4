# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Draw an answer onto its frame, so that one sees at a glance what the person changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from spark_ros.drawing.canvas import Canvas, fitted, unit_for
from spark_ros.drawing.marks import (
    BEFORE,
    PAPER,
    Mark,
    Points,
    Style,
    correction_mark,
    legend,
    on_picture,
    outline,
    prior_mark,
)
from spark_ros.escalation.pictures.answer_band import MAX_HEIGHT, draw_band
from spark_ros.escalation.pictures.encoding import decode_pixels, encode_pixels
from spark_ros.escalation.question.escalation import EncodedImage, Resolved
from spark_ros.escalation.question.outgoing_image import Pixels
from spark_ros.geometry import Vertex
from spark_ros.model import Annotation

MAX_MARKS = 300
LONG_SIDE_PX = (640, 1920)
JPEG_QUALITY = 85
# A best-effort message passes between two processes within Fast DDS' default shared memory of
# 512 KB, or UDP's receive buffer: of 500 KB each arrived, of 600 KB fewer than half.
MAX_BYTES = 300_000
Outlines = Mapping[str, Sequence[Vertex]]
NO_OUTLINES: Outlines = {}


def annotated_picture(
    image: EncodedImage, resolved: Resolved, outlines: Outlines = NO_OUTLINES
) -> EncodedImage:
    """Draw priors and corrections, and below the image the answer and a legend.

    The image, as it was sent, keeps its place and shape in the upper left corner; one that is
    very small or very large is scaled, and the whole picture to at most MAX_BYTES. Shapes that
    cannot be drawn are left out.

    Args:
        image: the frame that was asked about.
        resolved: the answer and what was asked.
        outlines: by a prior's id its true outline, where that is not the prior's box: four
            corners of a rotated one, normalized.

    Returns:
        A JPEG.

    Raises:
        EncodingError: the image cannot be decoded.
    """
    pixels = fitted(decode_pixels(image.data), *LONG_SIDE_PX)
    height, width = pixels.shape[:2]
    unit = unit_for(width, height)
    marks = _marks(resolved, outlines)
    shown = sorted(marks, key=lambda mark: -mark.style.weight)[:MAX_MARKS]
    entries = legend(marks)
    if unshown := len(marks) - len(shown):
        entries.append((f'{unshown} more not drawn', Style('', PAPER)))
    canvas = Canvas.blank(width, height + round(MAX_HEIGHT * unit), unit)
    canvas.draw(shown, canvas.paste(pixels, 0, 0))
    end = draw_band(canvas, height, resolved, entries)
    return _small_enough(canvas.picture()[:end])


def _small_enough(picture: Pixels) -> EncodedImage:
    """Encode as JPEG, scaled down until it is not too large to be sent."""
    encoded = encode_pixels(picture, JPEG_QUALITY)
    while len(encoded.data) > MAX_BYTES:
        scale = min(math.sqrt(MAX_BYTES / len(encoded.data)), 0.9)
        picture = fitted(picture, 1, max(round(max(picture.shape[:2]) * scale), 1))
        encoded = encode_pixels(picture, JPEG_QUALITY)
    return encoded


def _marks(resolved: Resolved, outlines: Outlines) -> list[Mark]:
    """Say what is to be drawn: every correction, then the priors that none speaks of."""
    corrections, outgoing = resolved.answer.corrections, resolved.escalation.outgoing

    def after(shape: Annotation, outlines: Outlines = NO_OUTLINES) -> Points:
        vertices = outlines.get(shape.id) or shape.vertices
        return outline(map(outgoing.to_sent, vertices) if outgoing is not None else vertices)

    def before(shape: Annotation) -> Points:
        return after(shape, outlines)

    spoken_of = {each.original.id for each in corrections if each.original is not None}
    marks = [correction_mark(each, before, after) for each in corrections]
    marks += [
        prior_mark(prior, before(prior), BEFORE)
        for prior in resolved.escalation.priors
        if prior.id not in spoken_of
    ]
    return on_picture(marks)
