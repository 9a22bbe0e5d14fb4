# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A canvas in plain OpenCV whose lines and text come out smooth: it is drawn at twice its size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.escalation.pictures.plain_text import plain

Colour = tuple[int, int, int]
Corners = tuple[float, float, float, float]
Point = tuple[float, float]

_FINE = 2
_FONT = cv2.FONT_HERSHEY_DUPLEX
_DASH = 8.0
_SHADOW: Colour = (20, 18, 16)


class Canvas:
    """A picture to draw on; positions are (x, y) in its pixels, colours (blue, green, red).

    ``unit`` is the size of one design pixel: line widths, gaps and text grow with it.
    """

    def __init__(self, width: int, height: int, unit: float, ground: Colour) -> None:
        self.width, self.height, self.unit = width, height, unit
        self._fine = np.full((height * _FINE, width * _FINE, 3), ground, np.uint8)
        self._chips: list[Corners] = []

    def image(self) -> NDArray[np.uint8]:
        """Give the picture, (height, width, 3) BGR."""
        size = (self.width, self.height)
        return np.asarray(cv2.resize(self._fine, size, interpolation=cv2.INTER_AREA), np.uint8)

    def paste(self, image: NDArray[np.uint8], at: tuple[int, int]) -> None:
        """Put an image with its top-left corner at a place."""
        x, y = at[0] * _FINE, at[1] * _FINE
        large = cv2.resize(image, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_NEAREST)
        self._fine[y:y + large.shape[0], x:x + large.shape[1]] = large

    def fill(self, corners: Corners, colour: Colour) -> None:
        """Fill (x0, y0, x1, y1)."""
        cv2.rectangle(self._fine, _fine(corners[:2]), _fine(corners[2:]), colour, -1)

    def box(
        self, corners: Corners, colour: Colour, dashed: bool = False, weight: float = 2.0,
    ) -> None:
        """Draw the outline of (x0, y0, x1, y1), lying inside it."""
        inset = weight * self.unit / 2
        x0, y0, x1, y1 = corners
        x0, y0, x1, y1 = x0 + inset, y0 + inset, x1 - inset, y1 - inset
        self.outline([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour, dashed, weight)

    def outline(
        self, points: Sequence[Point], colour: Colour, dashed: bool = False, weight: float = 2.0,
    ) -> None:
        """Draw a closed outline with a dark rim, so that it shows on any ground."""
        if dashed:
            points = _far_apart(points, 2 * _DASH * self.unit)
        for ink, extra in ((_SHADOW, 1.6), (colour, 0.0)):
            if dashed:
                for start, end in pairwise([*points, points[0]]):
                    self._line(start, end, ink, weight + extra, dashed)
            else:
                around = np.array([_fine(point) for point in points], np.int32)
                thickness = self._thickness(weight + extra)
                cv2.polylines(self._fine, [around], True, ink, thickness, cv2.LINE_AA)

    def dot(self, at: Point, colour: Colour, hollow: bool = False) -> None:
        """Draw a round mark with a dark rim; a hollow one lets the ground show."""
        rings = ((_SHADOW, 5.6, 3.6), (colour, 5.6, 2.0)) if hollow else (
            (_SHADOW, 7.0, None), (colour, 5.6, None),
        )  # fmt: skip
        for ink, radius, weight in rings:
            thickness = -1 if weight is None else self._thickness(weight)
            size = round(radius * self.unit * _FINE)
            cv2.circle(self._fine, _fine(at), size, ink, thickness, cv2.LINE_AA)

    def cross(self, corners: Corners, colour: Colour) -> None:
        """Cross a box out."""
        x0, y0, x1, y1 = corners
        for ink, extra in ((_SHADOW, 1.2), (colour, 0.0)):
            self._line((x0, y0), (x1, y1), ink, 1.4 + extra)
            self._line((x0, y1), (x1, y0), ink, 1.4 + extra)

    def swatch(self, at: Point, colour: Colour, dashed: bool = False) -> None:
        """Draw a small square of a legend, its left side's middle at a place."""
        side = 13 * self.unit
        x, y = at[0], at[1] - side / 2
        if dashed:
            around = [(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)]
            for start, end in pairwise(around):
                self._line(start, end, colour, 1.6, dashed=True, dash=3.2)
        else:
            self.fill((x, y, x + side, y + side), colour)

    def chip(
        self, words: str, box: Corners, ground: Colour, ink: Colour, panel: Corners,
    ) -> None:
        """Write a label on a coloured ground at a box's top-left corner, inside the panel.

        It goes on top of the box, else into its top, else under it: the first of these places
        where there is room and no other chip.
        """
        width = min(self.text_width(words, 0.5) + 12 * self.unit, panel[2] - panel[0])
        height = 20 * self.unit
        x = min(max(box[0], panel[0]), panel[2] - width)
        tops = [top for top in (box[1] - height, box[1], box[3])
                if panel[1] <= top and top + height <= panel[3]]
        free = [top for top in tops if self._is_free((x, top, x + width, top + height))]
        y = (free or tops or [panel[1]])[0]
        self._chips.append((x, y, x + width, y + height))
        self.fill((x, y, x + width, y + height), ground)
        self.text(words, (x + 6 * self.unit, y + height / 2), ink, room=width - 10 * self.unit)

    def _is_free(self, corners: Corners) -> bool:
        x0, y0, x1, y1 = corners
        return all(x1 <= a0 or a1 <= x0 or y1 <= b0 or b1 <= y0
                   for a0, b0, a1, b1 in self._chips)

    def text(
        self, words: str, at: Point, ink: Colour, size: float = 0.5, weight: float = 1.0,
        room: float | None = None,
    ) -> None:
        """Write one line, its left end's middle at a place, cut off with dots where room ends."""
        words = plain(words)
        if room is not None and self.text_width(words, size) > room:
            while words and self.text_width(words + '...', size) > room:
                words = words[:-1]
            words = words + '...' if words else ''
        scale = size * self.unit * _FINE
        (_, height), _ = cv2.getTextSize('Hg', _FONT, scale, 1)
        x, y = _fine(at)
        thickness = max(1, round(weight * self.unit * _FINE * 0.5))
        cv2.putText(self._fine, words, (x, y + round(height * 0.42)), _FONT, scale, ink,
                    thickness, cv2.LINE_AA)

    def text_width(self, words: str, size: float) -> float:
        """Give the width of one line of text in pixels."""
        (width, _), _ = cv2.getTextSize(plain(words), _FONT, size * self.unit * _FINE, 1)
        return float(width) / _FINE

    def _line(
        self, start: Point, end: Point, colour: Colour, weight: float,
        dashed: bool = False, dash: float = _DASH,
    ) -> None:
        thickness = self._thickness(weight)
        if not dashed:
            cv2.line(self._fine, _fine(start), _fine(end), colour, thickness, cv2.LINE_AA)
            return
        first, last = np.array(start, float), np.array(end, float)
        length = float(np.hypot(*(last - first)))
        # An odd number of equal pieces, every second one drawn, so that all corners are closed.
        pieces = max(1, 2 * round(length / (dash * self.unit) / 2) - 1)
        for piece in range(0, pieces, 2):
            a = first + (last - first) * piece / pieces
            b = first + (last - first) * (piece + 1) / pieces
            cv2.line(self._fine, _fine(a), _fine(b), colour, thickness, cv2.LINE_AA)

    def _thickness(self, weight: float) -> int:
        return max(1, round(weight * self.unit * _FINE))


def ink_on(ground: Colour) -> Colour:
    """Give the text colour that can be read on a ground: near-black or white."""
    blue, green, red = ground
    return (25, 22, 20) if 0.114 * blue + 0.587 * green + 0.299 * red > 120 else (255, 255, 255)


def _far_apart(points: Sequence[Point], distance: float) -> Sequence[Point]:
    """Leave out vertices so near that no dash would fit between them."""
    if len(points) <= 4:
        return points
    kept = [points[0]]
    for x, y in points[1:]:
        if np.hypot(x - kept[-1][0], y - kept[-1][1]) >= distance:
            kept.append((x, y))
    return kept if len(kept) > 2 else points


def _fine(at: Sequence[float] | NDArray[np.float64]) -> tuple[int, int]:
    return round(float(at[0]) * _FINE), round(float(at[1]) * _FINE)
