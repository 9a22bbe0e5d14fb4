# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Before and after: what the robot thought beside the answer, on the photograph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.demo.answerer import Answerer
from spark_ros.escalation.pictures.annotated import COLOURS, PAPER, PRIOR
from spark_ros.escalation.pictures.canvas import Canvas, Colour, ink_on

Image = NDArray[np.uint8]
Fractions = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawn:
    """A box to draw.

    ``kind`` is prior or doubted for what the robot thought; confirmed, modified, added, removed or
    unmentioned for what the answer says. ``box`` is (x0, y0, x1, y1) in fractions of the image,
    [0, 1), origin at the top left; of a removed box the place where it was. ``old_box`` is where a
    modified box was before, and ``old_label`` what it was called if that changed.
    """

    kind: str
    label: str
    score: float | None
    box: Fractions
    old_box: Fractions | None = None
    old_label: str | None = None


_COLOURS: dict[str, Colour] = {
    'prior': PRIOR,
    'doubted': (167, 121, 204),
    **{kind.value: colour for kind, colour in COLOURS.items()},
}
_INK: Colour = (245, 243, 240)
_FAINT: Colour = (178, 170, 164)

_SHORTEST_LONG_SIDE, _LONGEST_LONG_SIDE = 560, 1200


def before_after(
    image: Image, priors: Sequence[Drawn], answers: Sequence[Drawn], answerer: Answerer,
    title: str = '', note: str = '',
) -> Image:
    """Draw two copies of a BGR image (H, W, 3) side by side under a caption.

    On the left the priors, dashed, with label and score; on the right the answers: modified
    boxes yellow with the old box dashed, added ones blue, removed ones crossed out in vermilion,
    confirmed ones green. Small images are scaled up and large ones down, so that the text can be
    read.

    Args:
        answerer: who gave the answers; the title of the right side says so.
        title: told at the left of the caption.
        note: told more faintly under the title, for instance the time that the answer took.

    Returns:
        A BGR image, uint8, at most 2500 pixels wide.
    """
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f'expected a BGR image (H, W, 3), not one of shape {image.shape}')
    height, width = _panel_size(image)
    unit = max(1.0, max(height, width) / 560)
    gap, head, foot = round(10 * unit), round(40 * unit), round(44 * unit)
    # A picture of less than this width would not hold its caption.
    panel = max(width, round(440 * unit))
    canvas = Canvas(panel * 2 + gap * 3, height + head + foot + gap, unit, PAPER)

    small = cv2.resize(
        image, (width, height),
        interpolation=cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_CUBIC)
    for column, (heading, boxes) in enumerate(
        [('What the robot thought', priors), (answerer.heading, answers)],
    ):
        left = gap + column * (panel + gap)
        canvas.text(heading, (left, head / 2), _INK, size=0.62, weight=1.4)
        origin = (left + (panel - width) // 2, head)
        canvas.paste(np.asarray(small, np.uint8), origin)
        _draw_boxes(canvas, boxes, origin, (width, height))
        if not boxes:
            whole = (origin[0], origin[1], origin[0] + width, origin[1] + height)
            canvas.chip('nothing', whole, PAPER, _INK, whole)
    _caption(canvas, priors, answers, title, note, (gap, head + height + foot / 2 + gap / 2))
    return canvas.image()


def _panel_size(image: Image) -> tuple[int, int]:
    """Give the (height, width) at which an image is shown."""
    longest = max(image.shape[:2])
    scale = min(max(longest, _SHORTEST_LONG_SIDE), _LONGEST_LONG_SIDE) / longest
    return max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))


def _draw_boxes(
    canvas: Canvas, boxes: Sequence[Drawn], origin: tuple[int, int], size: tuple[int, int],
) -> None:
    panel = (origin[0], origin[1], origin[0] + size[0], origin[1] + size[1])
    placed: list[tuple[Drawn, tuple[float, float, float, float]]] = []
    # Large boxes first, so that the smaller ones and their labels stay in view.
    for drawn in sorted(boxes, key=lambda each: -_area(each.box)):
        colour = _COLOURS.get(drawn.kind, _COLOURS['unmentioned'])
        corners = _corners(drawn.box, origin, size)
        if drawn.old_box is not None:
            canvas.box(_corners(drawn.old_box, origin, size), PRIOR, dashed=True, weight=1.2)
        dashed = drawn.kind in ('prior', 'doubted', 'unmentioned')
        canvas.box(corners, colour, dashed=dashed)
        if drawn.kind == 'removed':
            canvas.cross(corners, colour)
        placed.append((drawn, corners))
    for drawn, corners in placed:
        colour = _COLOURS.get(drawn.kind, _COLOURS['unmentioned'])
        canvas.chip(_words(drawn), corners, colour, ink_on(colour), panel)


def _corners(box: Fractions, origin: tuple[int, int], size: tuple[int, int]) -> Fractions:
    x0, y0, x1, y1 = (min(max(side, 0.0), 1.0) for side in box)
    return (origin[0] + x0 * size[0], origin[1] + y0 * size[1],
            origin[0] + x1 * size[0], origin[1] + y1 * size[1])


def _words(drawn: Drawn) -> str:
    words = drawn.label or 'object'
    if drawn.old_label is not None and drawn.old_label != drawn.label:
        words = f'{drawn.old_label} > {words}'
    if drawn.kind == 'removed':
        words = f'not {words}'
    if drawn.kind in ('prior', 'doubted') and drawn.score is not None:
        words += f'  {drawn.score:.0%}'
    return words + ' ?' if drawn.kind == 'doubted' else words


def _area(box: Fractions) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _caption(
    canvas: Canvas, priors: Sequence[Drawn], answers: Sequence[Drawn],
    title: str, note: str, at: tuple[float, float],
) -> None:
    """Write the title and the note at the left, the legend with its counts at the right."""
    left, middle = at
    unit = canvas.unit
    counts = Counter(each.kind for each in (*priors, *answers))
    x = canvas.width - left
    for kind in reversed([kind for kind in _COLOURS if counts[kind]]):
        words = f'{counts[kind]} {kind}'
        x -= canvas.text_width(words, 0.5)
        canvas.text(words, (x, middle), _INK, size=0.5)
        x -= 20 * unit
        canvas.swatch((x, middle), _COLOURS[kind], dashed=kind in ('prior', 'doubted'))
        x -= 16 * unit
    room = x - left
    if note:
        canvas.text(title, (left, middle - 9 * unit), _INK, size=0.56, weight=1.3, room=room)
        canvas.text(note, (left, middle + 10 * unit), _FAINT, size=0.46, room=room)
    else:
        canvas.text(title, (left, middle), _INK, size=0.56, weight=1.3, room=room)
