# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A real detector for the demo: what ships with OpenCV 4, and how sure it says it is.

Three Haar cascades find faces from the front, faces in profile (either side) and cat faces; HOG
with OpenCV's linear SVM finds standing people. Their raw scores are not comparable:

* a cascade gives, in ``levelWeights`` of ``detectMultiScale3``, by how much the last stage that a
  window reached exceeded its threshold;
* HOG gives the distance from the SVM's separating plane.

Each is mapped to [0, 1] by its own logistic, ``1 / (1 + exp(-(raw - even) / spread))``: monotone,
0.5 at the raw score ``even``, 0.73 one ``spread`` above it. ``even`` lies between the raw scores
of right and of wrong hits on photographs such as the demo's: for the frontal cascade 5.6 to 7.5
on faces and below 3.6 elsewhere; for the profile one 1.6 to 3.1 and below 1.3; the cat cascade
gives 0.5 to 2.8 on whole heads, but as much on muzzles; HOG gives 0.2 to 1.0 on poles and
helmets, and users of its default model commonly trust it from about 0.6 on. So a high score means
what it should only for frontal faces: the rest is what a person is asked about.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.demo.scoring import Detection
from spark_ros.drawing.canvas import fitted

Box = tuple[float, float, float, float]

_OVERLAP = 0.4
_MOST = 10
_HOG_LONGEST_PX = 640


@dataclass(frozen=True)
class _Logistic:
    even: float
    spread: float

    def __call__(self, raw: float) -> float:
        return 1 / (1 + math.exp(-(raw - self.even) / self.spread))


@dataclass(frozen=True)
class _Cascade:
    """A cascade and how it is run.

    The image is first shrunk with averaging, to each of ``longest_px`` in turn, since the
    cascade's own pyramid aliases on fine texture such as fur, then continued at its rim by
    ``margin`` of its width, so that heads that the frame cuts off can still be found.
    """

    label: str
    file: str
    score: _Logistic
    longest_px: tuple[int, ...] = (640,)
    margin: float = 0.0
    scale_step: float = 1.1
    neighbors: int = 3
    smallest_px: int = 30
    both_sides: bool = False


_CASCADES = (
    _Cascade('face', 'haarcascade_frontalface_default.xml', _Logistic(3.5, 1.0)),
    _Cascade('face', 'haarcascade_profileface.xml', _Logistic(1.5, 1.0), neighbors=2,
             both_sides=True),
    _Cascade('cat face', 'haarcascade_frontalcatface_extended.xml', _Logistic(1.5, 0.8),
             longest_px=(112, 144, 176), margin=0.2, scale_step=1.05, neighbors=2, smallest_px=24),
)
_PEOPLE = _Logistic(0.6, 0.3)


class Detector:
    """Find faces, cat faces and people. Not safe for use by two threads at once."""

    labels = ('face', 'cat face', 'person')

    def __init__(self) -> None:
        self._cascades = [(each, _load(each.file)) for each in _CASCADES]
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector()))

    def detect(self, image_bgr: NDArray[np.uint8]) -> list[Detection]:
        """Detect on a BGR image (H, W, 3), uint8: at most 10 boxes, the surest first.

        Boxes lie inside the image. Of two boxes that overlap by 40 % of the smaller one, whatever
        their labels, the surer one stays; a face on a person's body is no such overlap.
        """
        grey = np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY), np.uint8)
        found = [hit for rule, cascade in self._cascades for hit in _search(rule, cascade, grey)]
        found += self._people(grey)
        height, width = grey.shape
        inside = (_clipped(hit, width, height) for hit in found)
        return _distinct([hit for hit in inside if min(hit.box[2:]) >= 1])[:_MOST]

    def _people(self, grey: NDArray[np.uint8]) -> list[Detection]:
        small, scale = _shrunk(grey, _HOG_LONGEST_PX)
        if small.shape[0] < 128 or small.shape[1] < 64:
            return []
        boxes, raws = self._hog.detectMultiScale(
            small, winStride=(8, 8), padding=(16, 16), scale=1.05)
        return [
            _detection('person', box, scale, _PEOPLE(float(raw)))
            for box, raw in zip(boxes, np.ravel(raws), strict=True)
        ]


def _load(file: str) -> cv2.CascadeClassifier:
    in_wheel = getattr(cv2, 'data', None)
    folder = Path(in_wheel.haarcascades if in_wheel else '/usr/share/opencv4/haarcascades')
    if not (folder / file).is_file():
        raise RuntimeError(f'{folder / file} is missing: the opencv-python 4 wheel or the '
                           'package opencv-data brings it')
    return cv2.CascadeClassifier(str(folder / file))


def _search(
    rule: _Cascade, cascade: cv2.CascadeClassifier, grey: NDArray[np.uint8],
) -> list[Detection]:
    found = []
    for longest_px in rule.longest_px:
        small, scale = _shrunk(grey, longest_px)
        rim = round(rule.margin * small.shape[1])
        padded = cv2.copyMakeBorder(small, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
        for mirrored in ((False, True) if rule.both_sides else (False,)):
            seen = cv2.flip(padded, 1) if mirrored else padded
            boxes, _, raws = cascade.detectMultiScale3(
                seen, scaleFactor=rule.scale_step, minNeighbors=rule.neighbors,
                minSize=(rule.smallest_px, rule.smallest_px), outputRejectLevels=True)
            for (x, y, width, height), raw in zip(boxes, np.ravel(raws), strict=True):
                left = seen.shape[1] - x - width if mirrored else x
                box = (left - rim, y - rim, width, height)
                found.append(_detection(rule.label, box, scale, rule.score(float(raw))))
    return found


def _detection(label: str, box: Iterable[float], scale: float, score: float) -> Detection:
    """Bring a box (x, y, width, height) of the shrunk image back to the image's pixels."""
    x, y, width, height = (float(side) / scale for side in box)
    return Detection(label, (x, y, width, height), score)


def _clipped(hit: Detection, width: int, height: int) -> Detection:
    return hit._replace(box=_shared(hit.box, (0.0, 0.0, float(width), float(height))))


def _shared(one: Box, other: Box) -> Box:
    """Return what two boxes have in common; without that a side is 0 or less."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right = min(one[0] + one[2], other[0] + other[2])
    bottom = min(one[1] + one[3], other[1] + other[3])
    return left, top, right - left, bottom - top


def _distinct(hits: list[Detection]) -> list[Detection]:
    """Suppress the less sure of two that claim the same thing; surest first."""
    kept: list[Detection] = []
    for hit in sorted(hits, key=lambda each: -each.score):
        if not any(_same_thing(hit, other) for other in kept):
            kept.append(hit)
    return kept


def _same_thing(one: Detection, other: Detection) -> bool:
    *_, across, down = _shared(one.box, other.box)
    areas = [box[2] * box[3] for box in (one.box, other.box)]
    on_a_person = {one.label, other.label} == {'face', 'person'}
    of = max(areas) if on_a_person else min(areas)
    return min(across, down) > 0 and across * down > _OVERLAP * of


def _shrunk(grey: NDArray[np.uint8], longest_px: int) -> tuple[NDArray[np.uint8], float]:
    """Scale an image down until its longer side has so many pixels; return it and the factor."""
    small = fitted(grey, 1, longest_px)
    return small, max(small.shape) / max(grey.shape)
