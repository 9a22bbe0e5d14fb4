# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Draw on pixels, in plain OpenCV."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.drawing.marks import BEFORE, INK, PAPER, Colour, Entry, Mark, Points, on_picture
from spark_ros.drawing.plain_text import plain
from spark_ros.geometry import Box, corners, hull

Pixels = NDArray[np.uint8]

SHADOW: Colour = (20, 18, 16)
LINE = 22.0
SMALL = 0.46
DASH = 8.0
FONT = cv2.FONT_HERSHEY_DUPLEX
# OpenCV takes positions in eighths of a pixel.
SHIFT = 3
# Units below that are drawn at twice the size.
SMOOTH = 1.5
NOTHING = np.empty((0, 4))


class Canvas:
    """Pixels that are drawn on; positions are (x, y) in them, from the upper left corner.

    A large picture is drawn on in place. A small one is drawn at twice its size and scaled down,
    which makes OpenCV's thin lines and small letters smooth.

    Attributes:
        unit: the size of one design pixel: line widths, gaps and text grow with it.
    """

    def __init__(self, pixels: Pixels, unit: float | None = None) -> None:
        """Take BGR pixels, (height, width, 3); by default their size gives the unit."""
        self.height, self.width = pixels.shape[:2]
        self.unit = unit_for(self.width, self.height) if unit is None else unit
        self._fine = 2 if self.unit < SMOOTH else 1
        self._pixels = pixels if self._fine == 1 else pixels.repeat(2, 0).repeat(2, 1)

    @classmethod
    def blank(cls, width: int, height: int, unit: float) -> Canvas:
        """Make a canvas of dark paper."""
        return cls(np.full((height, width, 3), PAPER, np.uint8), unit)

    def picture(self) -> Pixels:
        """Return the image that was drawn."""
        if self._fine == 1:
            return self._pixels
        size = (self.width, self.height)
        return np.asarray(cv2.resize(self._pixels, size, interpolation=cv2.INTER_AREA), np.uint8)

    def paste(self, image: Pixels, x: int, y: int) -> Box:
        """Put an image with its upper left corner at a place; return where it is."""
        fine = self._fine
        large = image.repeat(fine, 0).repeat(fine, 1)
        height, width = large.shape[:2]
        self._pixels[y * fine : y * fine + height, x * fine : x * fine + width] = large
        return Box(x, y, x + image.shape[1], y + image.shape[0])

    def draw(self, marks: Sequence[Mark], panel: Box | None = None) -> None:
        """Draw marks onto a part of the canvas, which they are fractions of, or onto all of it.

        Large ones first, so that the smaller ones stay in view; the labels on top of all.
        """
        panel = panel or Box(0, 0, self.width, self.height)
        marks = on_picture(marks)
        for mark in sorted(marks, key=lambda mark: -_area(mark.around)):
            style = mark.style
            if mark.was:
                of_was = BEFORE if mark.now else style
                self._outline(mark.was, of_was.colour, of_was.weight, True, panel)
            if mark.now:
                self._outline(mark.now, style.colour, style.weight, style.dashed, panel)
            else:
                a, b, c, d = _within(corners(mark.around), panel)
                self.lines([[a, c], [b, d]], style.colour, 1.4, rim=0.6)
        # What was changed is the first to get the place for its label.
        labelled = sorted((m for m in marks if m.words), key=lambda mark: -mark.style.weight)
        taken = np.full((len(labelled), 4), -1.0)
        for number, mark in enumerate(labelled):
            taken[number] = self.label(mark, panel, taken)

    def label(self, mark: Mark, panel: Box, taken: NDArray[np.float64] = NOTHING) -> Box:
        """Write a mark's words on its colour at its upper left corner; return where.

        They go on top of the mark, else into its top, else under it: the first of these places
        within the panel that is not taken.
        """
        words, unit, gap = mark.words, self.unit, 6 * self.unit
        x0, y0, _, y1 = hull(_within(corners(mark.around), panel))
        if not _area(mark.around):
            x0, y0, y1 = x0 - 8 * unit, y0 - 8 * unit, y1 + 8 * unit
        height = 20 * unit
        width = min(text_width(words, 0.5, unit) + 2 * gap, panel.x1 - panel.x0)
        left = min(max(x0, panel.x0), panel.x1 - width)
        places = [
            Box(left, top, left + width, top + height)
            for top in (y0 - height, y0, y1)
            if panel.y0 <= top and top + height <= panel.y1
        ]
        free = (place for place in places if not _overlaps(place, taken))
        at = next(free, (places or [Box(left, panel.y0, left + width, panel.y0 + height)])[0])
        self.fill(at, mark.style.colour)
        ink = ink_on(mark.style.colour)
        self.text(words, (left + gap, at.y0 + height / 2), ink, room=width - 10 * unit)
        return at

    def lines(
        self, lines: Sequence[Points], colour: Colour, weight: float, closed: bool = False,
        rim: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw through points; a dark rim lets lines show on any ground."""
        fixed = [self._fixed(line) for line in lines]
        inner, outer = self._thickness(weight), self._thickness(weight + 2 * rim)
        inks = ((SHADOW, max(outer, inner + 2)), (colour, inner))
        for ink, thickness in inks if rim else inks[1:]:
            cv2.polylines(self._pixels, fixed, closed, ink, thickness, cv2.LINE_AA, SHIFT)

    def fill(self, box: Box, colour: Colour) -> None:
        """Fill a box."""
        x0, y0, x1, y1 = (max(round(side * self._fine), 0) for side in box)
        self._pixels[y0:y1, x0:x1] = colour

    def legend(
        self, entries: Sequence[Entry], left: float, y: float, room: float = math.inf
    ) -> float:
        """Write a legend, the first row at a place; return the last row's y."""
        x, side = left, 13 * self.unit
        for words, style in entries:
            width = legend_width([(words, style)], self.unit)
            if x > left and x + width > left + room:
                x, y = left, y + LINE * self.unit
            square = Box(x, y - side / 2, x + side, y + side / 2)
            if style.dashed:
                self.lines(_dashes(corners(square), side / 4), style.colour, 1.6)
            else:
                self.fill(square, style.colour)
            start = x + 20 * self.unit
            self.text(words, (start, y), INK, SMALL, room=self.width - start)
            x += width
        return y

    def text(
        self, words: str, at: tuple[float, float], ink: Colour = INK, size: float = 0.5,
        weight: float = 1.0, room: float = math.inf,
    ) -> None:  # fmt: skip
        """Write one line, its left end's middle at a place, cut off with dots where room ends."""
        words = _shortened(plain(words), size, self.unit, room)
        scale = size * self.unit * self._fine
        middle = cv2.getTextSize('Hg', FONT, scale, 1)[0][1] * 0.42
        foot = (round(at[0] * self._fine), round(at[1] * self._fine + middle))
        thick = max(1, 2 * round(weight * self.unit * self._fine / 2 - 0.6))
        cv2.putText(self._pixels, words, foot, FONT, scale, ink, thick, cv2.LINE_AA)

    def _outline(
        self, points: Points, colour: Colour, weight: float, dashed: bool, panel: Box
    ) -> None:
        # A line along the panel's edge would be half cut off.
        edge = weight * self.unit / 2
        x0, y0, x1, y1 = panel.x0 + edge, panel.y0 + edge, panel.x1 - edge, panel.y1 - edge
        inside = [(min(max(x, x0), x1), min(max(y, y0), y1)) for x, y in _within(points, panel)]
        if len(points) == 1:
            self.lines([inside * 2], colour, 10.0, rim=1.4)
        elif dashed:
            self.lines(_dashes(inside, DASH * self.unit), colour, weight, rim=0.8)
        else:
            self.lines([inside], colour, weight, closed=True, rim=0.8)

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        """Return positions as OpenCV takes them: from a pixel's middle, in eighths."""
        fixed = np.rint((np.array(points) * self._fine - 0.5) * 2**SHIFT)
        return np.asarray(fixed, np.int32)

    def _thickness(self, weight: float) -> int:
        """Return OpenCV's thickness of a line; 1 is 1.4 pixels wide, 2 3.4, 3 and 4 both 5.4."""
        return max(self._fine, 2 * round(weight * self.unit * self._fine / 2))


def unit_for(width: int, height: int) -> float:
    """Return the unit for a picture that is looked at as a whole, however large."""
    return max(width, height, 560) / 760


def fitted(image: Pixels, shortest: int, longest: int) -> Pixels:
    """Scale an image so that its longer side is within two bounds."""
    side = max(image.shape[:2])
    scale = min(max(side, shortest), longest) / side
    if scale == 1.0:
        return image
    if side == 1:
        # OpenCV 4.5.4, of Ubuntu 22.04, cannot enlarge a single pixel.
        image = image.repeat(2, 0).repeat(2, 1)
        scale /= 2
    size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
    way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)


def text_width(words: str, size: float, unit: float) -> float:
    """Return the width of one line of text in pixels."""
    return float(cv2.getTextSize(plain(words), FONT, size * unit * 2, 1)[0][0]) / 2


def legend_width(entries: Sequence[Entry], unit: float) -> float:
    """Return how wide a row of a legend is."""
    return sum(text_width(words, SMALL, unit) + 38 * unit for words, _ in entries)


def ink_on(ground: Colour) -> Colour:
    """Return the text colour that can be read on a ground: near-black or white."""
    blue, green, red = ground
    return (25, 22, 20) if 0.114 * blue + 0.587 * green + 0.299 * red > 120 else (255, 255, 255)


def _shortened(words: str, size: float, unit: float, room: float) -> str:
    if text_width(words, size, unit) <= room:
        return words
    fit = bisect_right(
        range(len(words)), room, key=lambda end: text_width(f'{words[:end]}...', size, unit)
    )
    return f'{words[: fit - 1]}...' if fit > 1 else ''


def _dashes(points: Points, dash: float) -> list[Points]:
    """Cut a closed outline into dashes."""
    dashes: list[Points] = []
    # Between vertices that are near one another no dash would fit.
    far_apart = cv2.approxPolyDP(np.array(points, np.float32), dash / 4, True)[:, 0]
    for first, last in pairwise([*far_apart, far_apart[0]]):
        # An odd number of equal pieces, every second one drawn, so that all corners are closed.
        pieces = max(1, 2 * round(float(np.hypot(*(last - first))) / dash / 2) - 1)
        ends = first + np.outer(np.arange(pieces + 1) / pieces, last - first)
        dashes += [ends[piece : piece + 2].tolist() for piece in range(0, pieces, 2)]
    return dashes


def _overlaps(box: Box, others: NDArray[np.float64]) -> bool:
    x0, y0, x1, y1 = others.T
    return bool(((box.x0 < x1) & (x0 < box.x1) & (box.y0 < y1) & (y0 < box.y1)).any())


def _within(points: Points, panel: Box) -> Points:
    """Turn fractions of a panel into positions."""
    width, height = panel.x1 - panel.x0, panel.y1 - panel.y0
    return [(panel.x0 + x * width, panel.y0 + y * height) for x, y in points]


def _area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)
