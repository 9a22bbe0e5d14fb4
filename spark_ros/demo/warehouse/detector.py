# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A real detector for the simulated hall: crates, barrels and balls by colour and outline.

Strongly coloured pixels of about one hue that hang together are one candidate. Its outline is
laid over what each kind of object looks like from the front, and the overlap (IoU), the ratio of
height to width and the hue together say how likely each kind would look like that. The score is
the best kind's part of the sum over all kinds and "none of these", as Bayes has it.

So it is sure where one kind alone fits, and in doubt where the colour speaks against the outline
or two kinds fit alike. It also errs, as such detectors do: things of one colour that touch or
overlap are one to it, what a pillar divides is two, and a red cabinet can look like a crate. It
knows nothing of the world's file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.demo.scoring import Detection

Mask = NDArray[np.uint8]

_COLOURED_FROM = (85, 35)
_SMALLEST_PX = 14
_LEAST_SCORE = 0.05
# Hues as OpenCV counts them, 0 to 179: reds, browns and oranges, yellows, greens, blues.
_HUES = ((172, 6), (7, 19), (20, 34), (35, 90), (91, 135))
# How much an IoU under 1 makes a kind less likely, and from which IoU on "none" is likelier.
_OVERLAP_SPREAD = 0.04
_NONE_AT_OVERLAP = 0.86
# Every object may have any colour, only less often so.
_ANY_HUE = 0.2
_HUE_SPREAD = 5.0


@dataclass(frozen=True)
class _Candidate:
    """An outline, (h, w) of 0 and 1, at (x, y) in the image, which may cut it off at a side."""

    mask: Mask
    x: int
    y: int
    hue: float
    cut_left: bool
    cut_right: bool


@dataclass(frozen=True)
class _Kind:
    """What is known of a kind: its usual hue, height by width, and what its outline is like."""

    label: str
    hue: float
    tallness: float
    tallness_spread: float
    overlap: Callable[[_Candidate, int], float]


def detect(image_bgr: NDArray[np.uint8]) -> list[Detection]:
    """Find crates, barrels and balls on a BGR image (H, W, 3), uint8: the surest first."""
    found = []
    none = _ANY_HUE * math.exp(-(1 - _NONE_AT_OVERLAP) / _OVERLAP_SPREAD)
    for seen in _candidates(image_bgr):
        likely = {kind.label: _likelihood(kind, seen) for kind in _KINDS}
        label = max(likely, key=lambda each: likely[each])
        score = likely[label] / (sum(likely.values()) + none)
        if score >= _LEAST_SCORE:
            height, width = seen.mask.shape
            found.append(Detection(label, (seen.x, seen.y, width, height), score))
    return sorted(found, key=lambda each: -each.score)


def _candidates(image_bgr: NDArray[np.uint8]) -> Iterator[_Candidate]:
    hsv = cv2.cvtColor(cv2.medianBlur(image_bgr, 3), cv2.COLOR_BGR2HSV)
    coloured = (hsv[..., 1] >= _COLOURED_FROM[0]) & (hsv[..., 2] >= _COLOURED_FROM[1])
    hues = hsv[..., 0].astype(int)
    for low, high in _HUES:
        within = (hues >= low) & (hues <= high) if low <= high else (hues >= low) | (hues <= high)
        mask = cv2.morphologyEx(
            (coloured & within).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        _, places, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        for number, box in enumerate(np.asarray(boxes)[1:], 1):
            x, y, width, height = (int(side) for side in box[:4])
            if min(width, height) >= _SMALLEST_PX:
                part = places[y:y + height, x:x + width] == number
                hue = _mean_hue(hues[y:y + height, x:x + width][part])
                yield _Candidate(_filled(part.astype(np.uint8)), x, y, hue, x <= 1,
                                 x + width >= mask.shape[1] - 1)


def _likelihood(kind: _Kind, seen: _Candidate) -> float:
    height, width = seen.mask.shape
    if seen.cut_left != seen.cut_right:
        # As wide as such a thing of this height would be, if the image did not end.
        width = max(width, round(height / kind.tallness))
    apart = abs((seen.hue - kind.hue + 90) % 180 - 90) / _HUE_SPREAD
    colour = _ANY_HUE + (1 - _ANY_HUE) * math.exp(-apart * apart / 2)
    tall = math.log(height / width / kind.tallness) / kind.tallness_spread
    overlap = math.exp(-(1 - kind.overlap(seen, width)) / _OVERLAP_SPREAD)
    return colour * math.exp(-tall * tall / 2) * overlap


def _like_a_crate(seen: _Candidate, _: int) -> float:
    """Lay it over the polygon of at most six corners that a box shows."""
    outlines = cv2.findContours(seen.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    hull = cv2.convexHull(outlines[0])
    length = cv2.arcLength(hull, True)
    best = 0.0
    for coarseness in (0.015, 0.025, 0.04):
        corners = cv2.approxPolyDP(hull, coarseness * length, True)
        if 4 <= len(corners) <= 6:
            model = np.zeros_like(seen.mask)
            cv2.fillPoly(model, [corners], 1)
            best = max(best, _iou(model, seen.mask))
    return best


def _like_a_barrel(seen: _Candidate, width: int) -> float:
    """Lay it over an upright cylinder, seen from a little above."""
    height = seen.mask.shape[0]
    return max(_laid_over(_cylinder(height, width, end), seen) for end in (0.05, 0.1, 0.15))


def _like_a_ball(seen: _Candidate, width: int) -> float:
    """Lay it over a disc."""
    height = seen.mask.shape[0]
    disc = np.zeros((height, width), np.uint8)
    cv2.ellipse(disc, (((width - 1) / 2, (height - 1) / 2), (width, height), 0), 1, -1)
    return _laid_over(disc, seen)


def _cylinder(height: int, width: int, end: float) -> Mask:
    """Draw a rectangle whose ends are half ellipses, as deep as a part of its width."""
    model = np.zeros((height, width), np.uint8)
    deep = min(height / 2, end * width)
    cv2.rectangle(model, (0, round(deep)), (width - 1, round(height - 1 - deep)), 1, -1)
    for y in (deep, height - 1 - deep):
        cv2.ellipse(model, (((width - 1) / 2, y), (width, 2 * deep), 0), 1, -1)
    return model


_KINDS = (
    _Kind('crate', 14.0, 0.9, 0.25, _like_a_crate),
    _Kind('barrel', 111.0, 1.5, 0.2, _like_a_barrel),
    _Kind('ball', 1.0, 1.0, 0.1, _like_a_ball),
)


def _laid_over(model: Mask, seen: _Candidate) -> float:
    """Give the IoU; of a wider model the part counts that lies inside the image."""
    width = seen.mask.shape[1]
    inside = model[:, model.shape[1] - width:] if seen.cut_left else model[:, :width]
    return _iou(inside, seen.mask)


def _iou(one: Mask, other: Mask) -> float:
    return int((one & other).sum()) / max(1, int((one | other).sum()))


def _filled(mask: Mask) -> Mask:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(mask, outlines, -1, 1, -1)
    return mask


def _mean_hue(hues: NDArray[np.int64]) -> float:
    """Average on the circle of 180 hues."""
    angle = hues * (math.pi / 90)
    return math.atan2(np.sin(angle).mean(), np.cos(angle).mean()) * 90 / math.pi
