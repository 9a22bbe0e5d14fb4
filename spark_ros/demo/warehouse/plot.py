# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The picture of a scored run: the measures, F1 along the way, and frames before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.demo.scoring import Counts, Detection
from spark_ros.demo.warehouse.comparison import RIGHT_FROM_IOU, Comparison, Frame, count, is_clear
from spark_ros.drawing.canvas import Canvas, legend_width, text_width
from spark_ros.drawing.marks import (
    BEFORE,
    DOUBTED,
    FAINT,
    STYLES,
    Colour,
    Mark,
    Points,
    Style,
    outline,
)
from spark_ros.geometry import Box, corners, iou_xywh
from spark_ros.model import CorrectionKind

Image = NDArray[np.uint8]

_RULE: Colour = (74, 67, 62)
_ALONE: Colour = DOUBTED.colour
_RIGHT, _WRONG = STYLES[CorrectionKind.CONFIRMED], STYLES[CorrectionKind.REMOVED]
_TOGETHER: Colour = _RIGHT.colour
_LEGEND = (
    ('detector alone', Style('', _ALONE)),
    ('detector + resolutions', Style('', _TOGETHER)),
)

_WIDTH, _MARGIN, _GAP = 1240, 36, 14
_CHART_TOP, _CHART_BOTTOM = 118, 330
_BARS_RIGHT = 430
_SMOOTHED_OVER = 5


@dataclass(frozen=True)
class Example:
    """A frame to show: its image, BGR (H, W, 3), and what is known of it."""

    image: Image
    frame: Frame


def plot(
    frames: Sequence[Frame], compared: Comparison, examples: Sequence[Example], title: str
) -> Image:
    """Draw the run as a BGR image, 1240 pixels wide.

    Args:
        frames: in the order of time.
        examples: up to two, shown as the detector saw them and as they are after the answer.
    """
    width = (_WIDTH - 2 * _MARGIN - 3 * _GAP) // 4
    shown = [example.image.shape[:2] for example in examples[:2]]
    below = max((round(width * rows / columns) for rows, columns in shown), default=-70)
    canvas = Canvas.blank(_WIDTH, _CHART_BOTTOM + 110 + below, 1.0)
    canvas.text(title, (_MARGIN, 34), size=0.8, weight=1.6)
    about = (f'{compared.frames} frames, {compared.asked} of them asked about. Right: the label, '
             f'and IoU of 0.5 or more with the true box.')
    canvas.text(about, (_MARGIN, 62), FAINT, size=0.5)
    canvas.legend(_LEGEND, _WIDTH - _MARGIN - legend_width(_LEGEND, 1.0), 34)
    _bars(canvas, compared)
    _along(canvas, frames, compared.threshold)
    top = _CHART_BOTTOM + 80
    for number, example in enumerate(examples[:2]):
        left = _MARGIN + number * 2 * (width + _GAP)
        truth, frame = example.frame.truth, example.frame
        for words, boxes in (
            ('detector alone', frame.alone(compared.threshold)),
            ('with the answer', frame.together(compared.threshold)),
        ):
            canvas.text(words, (left, top - 16), size=0.5, weight=1.2)
            _photograph(canvas, example.image, boxes, frame, (left, top), width)
            counts = count(boxes, truth)
            right = f'F1 {counts.f1:.2f}'
            canvas.text(right, (left + width - text_width(right, 0.5, 1.0), top - 16), FAINT)
            left += width + _GAP
    return canvas.picture()


def _bars(canvas: Canvas, compared: Comparison) -> None:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.fill(Box(_MARGIN, _y(share), _BARS_RIGHT, _y(share) + 1), _RULE)
    measures = ('precision', 'recall', 'F1')
    step = (_BARS_RIGHT - _MARGIN) / len(measures)
    for number, name in enumerate(measures):
        left = _MARGIN + number * step + 0.14 * step
        for counts, colour in ((compared.alone, _ALONE), (compared.together, _TOGETHER)):
            value: float = getattr(counts, name.lower())
            canvas.fill(Box(left, _y(value), left + 0.34 * step, _y(0)), colour)
            words = f'{value:.2f}'
            middle = left + (0.34 * step - text_width(words, 0.5, 1.0)) / 2
            canvas.text(words, (middle, _y(value) - 11), size=0.5, weight=1.2)
            left += 0.38 * step
        middle = _MARGIN + (number + 0.5) * step - text_width(name, 0.5, 1.0) / 2
        canvas.text(name, (middle, _CHART_BOTTOM + 18), FAINT, size=0.5)


def _along(canvas: Canvas, frames: Sequence[Frame], threshold: float) -> None:
    """Draw F1 over the frames, each point over the five around it, and which were asked about."""
    left, right = _BARS_RIGHT + 70.0, float(_WIDTH - _MARGIN)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.fill(Box(left, _y(share), right, _y(share) + 1), _RULE)
        words = f'{share:g}'
        at = (left - 8 - text_width(words, 0.42, 1.0), _y(share))
        canvas.text(words, at, FAINT, size=0.42)
    step = (right - left) / max(1, len(frames) - 1)
    for number, frame in enumerate(frames):
        if frame.corrected is not None:
            x = left + number * step
            canvas.fill(Box(x - 2, _CHART_BOTTOM + 5, x + 2, _CHART_BOTTOM + 11), _TOGETHER)
    for colour, counted in (
        (_ALONE, [count(frame.alone(threshold), frame.truth) for frame in frames]),
        (_TOGETHER, [count(frame.together(threshold), frame.truth) for frame in frames]),
    ):
        values = smoothed(counted)
        points = [(left + number * step, _y(value)) for number, value in enumerate(values)]
        canvas.lines([points], colour, 2.2)
    words = 'F1 along the loop (over five frames each); marks: frames asked about'
    canvas.text(words, (left, _CHART_BOTTOM + 28), FAINT, size=0.5, room=right - left)


def smoothed(counted: Sequence[Counts]) -> list[float]:
    """Give F1 around each frame: of the frame and its neighbours, five together."""
    reach = _SMOOTHED_OVER // 2
    return [
        sum(counted[max(0, place - reach):place + reach + 1], Counts()).f1
        for place in range(len(counted))
    ]


def _photograph(
    canvas: Canvas, image: Image, boxes: Sequence[Detection], frame: Frame,
    at: tuple[int, int], width: int,
) -> None:  # fmt: skip
    """Show a frame with right boxes green, wrong ones red, and what is missed dashed."""
    true = frame.truth
    missed = [each for each in true if is_clear(each) and not _is_among(each, boxes)]
    marks = [Mark(BEFORE, '', _outline(each, image)) for each in missed]
    marks += [
        Mark(_RIGHT if _is_among(each, true) else _WRONG, each.label, _outline(each, image))
        for each in boxes
    ]
    size = (width, round(image.shape[0] * width / image.shape[1]))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    canvas.draw(marks, canvas.paste(small, *at))


def _is_among(one: Detection, others: Sequence[Detection]) -> bool:
    return any(one[0] == other[0] and iou_xywh(one[1], other[1]) >= RIGHT_FROM_IOU
               for other in others)


def _outline(detection: Detection, image: Image) -> Points:
    x, y, width, height = detection.box
    rows, columns = image.shape[:2]
    box = Box(x / columns, y / rows, (x + width) / columns, (y + height) / rows)
    return outline(corners(box))


def _y(share: float) -> float:
    return _CHART_BOTTOM - share * (_CHART_BOTTOM - _CHART_TOP)
