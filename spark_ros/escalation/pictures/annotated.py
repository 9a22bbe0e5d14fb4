# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Draw an answer onto its frame, so that one sees at a glance what the person changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spark_ros.escalation.pictures.answer_band import Legend, band_height, draw_band
from spark_ros.escalation.pictures.canvas import Canvas, Colour, Corners, Point, ink_on
from spark_ros.escalation.pictures.encoding import EncodingError, encode_pixels
from spark_ros.escalation.question.asking import DOUBTED
from spark_ros.escalation.question.escalation import EncodedImage, Resolved
from spark_ros.escalation.question.outgoing_image import Pixels
from spark_ros.geometry import Vertex, hull
from spark_ros.model import Annotation, AnnotationType, Correction, CorrectionKind, same_vertices

# Okabe and Ito's colours, which colour-blind people tell apart; here (blue, green, red).
PRIOR: Colour = (240, 240, 240)
COLOURS: dict[CorrectionKind, Colour] = {
    CorrectionKind.MODIFIED: (66, 228, 240),
    CorrectionKind.ADDED: (233, 180, 86),
    CorrectionKind.REMOVED: (0, 94, 213),
    CorrectionKind.CONFIRMED: (115, 158, 0),
    CorrectionKind.UNMENTIONED: (170, 170, 170),
}
PAPER: Colour = (38, 33, 30)
CHANGED = (CorrectionKind.MODIFIED, CorrectionKind.ADDED, CorrectionKind.REMOVED)
MAX_MARKS = 300
MAX_VERTICES = 2000
LONG_SIDE_PX = (640, 1920)
UNIT_PX = 760.0
JPEG_QUALITY = 85
# A best-effort message passes between two processes within Fast DDS' default shared memory of
# 512 KB, or UDP's receive buffer: of 500 KB each arrived, of 600 KB fewer than half.
MAX_BYTES = 300_000
Outlines = Mapping[str, Sequence[Vertex]]


@dataclass(frozen=True)
class Mark:
    """One thing to draw; outlines in pixels of the picture.

    Attributes:
        kind: what was done to it; None for a prior that the answer does not speak of.
        now: its outline, or None where it was removed.
        was: the prior's outline where that is another, or where it was removed.
    """

    kind: CorrectionKind | None
    words: str
    now: list[Point] | None
    was: list[Point] | None = None

    @property
    def colour(self) -> Colour:
        """The colour of its kind."""
        return COLOURS[self.kind] if self.kind is not None else PRIOR

    @property
    def around(self) -> Corners:
        """The axis-aligned hull."""
        return hull(self.now or self.was or [])


class _Frame:
    """Where what is told as fractions of the frame is on the picture, in pixels."""

    def __init__(self, width: int, height: int, resolved: Resolved, outlines: Outlines) -> None:
        self._width, self._height, self._outlines = width, height, outlines
        self._departure = resolved.escalation.departure

    def points(self, shape: Annotation, outlines: Outlines | None = None) -> list[Point] | None:
        """Return a shape's outline, or None where it is not on the picture."""
        outlines = self._outlines if outlines is None else outlines
        outline = outlines.get(shape.id) or shape.vertices
        if shape.type is AnnotationType.DOT:
            outline = outline[:1]
        if not outline or not all(math.isfinite(v.x) and math.isfinite(v.y) for v in outline):
            return None
        outline = outline[:: len(outline) // MAX_VERTICES + 1]
        if self._departure is not None:
            outline = [self._departure.to_sent(vertex) for vertex in outline]
        box = hull(outline)
        if box.x1 < 0 or box.y1 < 0 or box.x0 > 1 or box.y0 > 1:
            return None
        return [
            (min(max(v.x, 0.0), 1.0) * self._width, min(max(v.y, 0.0), 1.0) * self._height)
            for v in outline
        ]


def annotated_picture(
    image: EncodedImage, resolved: Resolved, outlines: Outlines | None = None
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
    pixels = _decoded(image)
    height, width = pixels.shape[:2]
    unit = max(width, height, LONG_SIDE_PX[0]) / UNIT_PX
    marks = _marks(resolved, _Frame(width, height, resolved, outlines or {}))
    shown = sorted(marks, key=lambda mark: mark.kind not in CHANGED)[:MAX_MARKS]
    legend = _legend(marks, unshown=len(marks) - len(shown))
    below = band_height(width, unit, resolved, legend)
    canvas = Canvas(width, height + below, unit, PAPER)
    canvas.paste(pixels, (0, 0))
    _draw(canvas, shown, (0.0, 0.0, float(width), float(height)))
    draw_band(canvas, height, resolved, legend)
    return _small_enough(canvas.image())


def _small_enough(picture: Pixels) -> EncodedImage:
    """Encode as JPEG, scaled down until it is not too large to be sent."""
    encoded = encode_pixels(picture, JPEG_QUALITY)
    while len(encoded.data) > MAX_BYTES:
        scale = min(math.sqrt(MAX_BYTES / len(encoded.data)), 0.9)
        size = [max(round(side * scale), 1) for side in picture.shape[1::-1]]
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        encoded = encode_pixels(picture, JPEG_QUALITY)
    return encoded


def _decoded(image: EncodedImage) -> Pixels:
    decoded = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise EncodingError('the image cannot be decoded to draw on it')
    longest = max(decoded.shape[:2])
    scale = min(max(longest, LONG_SIDE_PX[0]), LONG_SIDE_PX[1]) / longest
    if scale != 1.0:
        size = [max(round(side * scale), 1) for side in decoded.shape[1::-1]]
        way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
        if longest == 1:
            # OpenCV 4.5.4, of Ubuntu 22.04, cannot enlarge a single pixel.
            decoded = np.tile(decoded, (2, 2, 1))
        decoded = cv2.resize(decoded, size, interpolation=way)
    return np.asarray(decoded, np.uint8)


def _marks(resolved: Resolved, frame: _Frame) -> list[Mark]:
    """Say what is to be drawn: every correction, then the priors that none speaks of."""
    spoken_of = {c.original.id for c in resolved.answer.corrections if c.original is not None}
    marks = [_mark(c, frame) for c in resolved.answer.corrections]
    marks += [
        Mark(None, _prior_words(prior), frame.points(prior))
        for prior in resolved.escalation.priors
        if prior.id not in spoken_of
    ]
    return [mark for mark in marks if mark is not None and (mark.now or mark.was)]


def _mark(correction: Correction, frame: _Frame) -> Mark | None:
    kind, original, corrected = correction.kind, correction.original, correction.corrected
    was = frame.points(original) if original is not None else None
    if corrected is None:
        return Mark(kind, f'not {_name(original)}', None, was) if original is not None else None
    if original is None:
        return Mark(kind, f'+ {_name(corrected)}', frame.points(corrected, {}))
    if same_vertices(original, corrected):
        now, was = was, None
    else:
        now = frame.points(corrected, {})
    words = _name(corrected)
    if kind is CorrectionKind.MODIFIED and original.label != corrected.label:
        words = f'{_name(original)} > {words}'
    return Mark(kind, words, now, was)


def _name(shape: Annotation) -> str:
    return shape.label or 'object'


def _prior_words(prior: Annotation) -> str:
    score = f'  {prior.score:.0%}' if prior.score is not None else ''
    return _name(prior) + score + (' ?' if DOUBTED in prior.attributes else '')


def _draw(canvas: Canvas, marks: Sequence[Mark], panel: Corners) -> None:
    # Large ones first, so that the smaller ones stay in view; the labels on top of all.
    for mark in sorted(marks, key=lambda mark: -_area(mark.around)):
        weight = 3.0 if mark.kind in CHANGED else 2.0
        if mark.was is not None:
            colour = PRIOR if mark.now else mark.colour
            _outline(canvas, mark.was, colour, True, 2.0 if mark.now else weight)
        if mark.now is not None:
            _outline(canvas, mark.now, mark.colour, mark.kind is None, weight)
        else:
            canvas.cross(mark.around, mark.colour)
    # What was changed is the first to get the place for its label.
    for mark in marks:
        around = mark.around if _area(mark.around) else _grown(mark.around, 8 * canvas.unit)
        canvas.chip(mark.words, around, mark.colour, ink_on(mark.colour), panel)


def _outline(
    canvas: Canvas, points: list[Point], colour: Colour, dashed: bool, weight: float
) -> None:
    if len(points) == 1:
        canvas.dot(points[0], colour, hollow=dashed)
        return
    # A line along the image's edge would be half cut off.
    edge = weight * canvas.unit / 2
    right, bottom = canvas.width - edge, canvas.height - edge
    inside = [(min(max(x, edge), right), min(max(y, edge), bottom)) for x, y in points]
    canvas.outline(inside, colour, dashed, weight)


def _area(corners: Corners) -> float:
    return (corners[2] - corners[0]) * (corners[3] - corners[1])


def _grown(corners: Corners, by: float) -> Corners:
    x0, y0, x1, y1 = corners
    return x0 - by, y0 - by, x1 + by, y1 + by


def _legend(marks: Sequence[Mark], *, unshown: int) -> list[Legend]:
    entries = [
        Legend(f'{count} {kind.value}', colour)
        for kind, colour in COLOURS.items()
        if (count := sum(mark.kind is kind for mark in marks))
    ]
    if any(mark.was is not None and mark.now is not None for mark in marks) or any(
        mark.kind is None for mark in marks
    ):
        entries.append(Legend('before', PRIOR, dashed=True))
    if unshown:
        entries.append(Legend(f'{unshown} more not drawn', PAPER))
    return entries
