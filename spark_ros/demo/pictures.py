# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Before and after: what the robot thought beside the answer, on the photograph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spark_ros.demo.answerer import Answerer
from spark_ros.drawing.canvas import Canvas, fitted, legend_width
from spark_ros.drawing.marks import (
    FAINT,
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
from spark_ros.model import Annotation, Correction

Image = NDArray[np.uint8]
LONG_SIDE_PX = (560, 1200)
NOTHING = Mark(Style('', PAPER), 'nothing', [(0.0, 0.0), (1.0, 1.0)])


def before_after(
    image: Image, priors: Sequence[Annotation], corrections: Sequence[Correction],
    answerer: Answerer, title: str = '', note: str = '',
) -> Image:  # fmt: skip
    """Draw two copies of a BGR image (H, W, 3) side by side under a caption.

    On the left the priors with label and score, on the right what was answered. Small images are
    scaled up and large ones down, so that the text can be read.

    Args:
        priors: what the robot thought.
        corrections: the answer.
        answerer: who gave it; the title of the right side says so.
        title: told at the left of the caption.
        note: told more faintly under the title, for instance the time that the answer took.

    Returns:
        A BGR image, uint8, at most 2500 pixels wide.
    """
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f'expected a BGR image (H, W, 3), not one of shape {image.shape}')
    shown = fitted(image, *LONG_SIDE_PX)
    height, width = shown.shape[:2]
    unit = max(1.0, max(height, width) / 560)
    gap, head, foot = round(10 * unit), round(40 * unit), round(44 * unit)
    # A picture of less than this width would not hold its caption.
    column = max(width, round(440 * unit))
    canvas = Canvas.blank(column * 2 + gap * 3, height + head + foot + gap, unit)
    before = on_picture(prior_mark(prior, _points(prior)) for prior in priors)
    after = on_picture(correction_mark(each, _points, _points) for each in corrections)
    left = gap
    for heading, marks in (('What the robot thought', before), (answerer.heading, after)):
        canvas.text(heading, (left, head / 2), size=0.62, weight=1.4)
        panel = canvas.paste(shown, left + (column - width) // 2, head)
        canvas.draw(marks, panel)
        if not marks:
            canvas.label(NOTHING, panel)
        left += column + gap
    entries = legend([*before, *after])
    middle = head + height + (foot + gap) / 2
    right = canvas.width - gap - legend_width(entries, unit)
    canvas.legend(entries, right, middle)
    above, below = (-9 * unit, 10 * unit) if note else (0, 0)
    room = right - 2 * gap
    canvas.text(title, (gap, middle + above), size=0.56, weight=1.3, room=room)
    canvas.text(note, (gap, middle + below), FAINT, size=0.46, room=room)
    return canvas.picture()


def _points(shape: Annotation) -> Points:
    return outline(shape.vertices)
