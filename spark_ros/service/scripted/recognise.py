# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which of the known photographs a picture shows, and the true boxes on it.

The truth file is JSON::

    {"images": [{"name": "cat", "width": 451, "height": 300, "dhash": "0123456789abcdef",
                 "annotations": [{"label": "cat face", "box": [x, y, width, height]}]}]}

Boxes are in pixels of an image of ``width`` x ``height``, x and y of the top-left corner.
``dhash`` is the :func:`dhash` of the image as 16 hexadecimal digits: a picture is recognised by
what it shows, so that it may have been compressed again or scaled on its way. Further keys are
allowed and ignored.
"""

from __future__ import annotations

import json
import logging
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

log = logging.getLogger('spark_ros.service.scripted.recognise')

Box = tuple[float, float, float, float]

# Compression and scaling flip up to about 4 of the 64 bits, a few boxes that were drawn on the
# picture up to about 8. Unlike pictures differ in about 32, and the demo's by 20 or more, so that
# nothing within half of that is nearer to another.
_MAX_DISTANCE = 10
_MAX_ASPECT_CHANGE = 0.03


def dhash(image_bgr: NDArray[np.uint8]) -> int:
    """Give the 64-bit difference hash of a picture (H, W, 3): what it shows, not its exact pixels.

    The picture is averaged to 9 x 8 grey cells; each bit, row by row, the most significant
    first, tells whether a cell is brighter than its left neighbour.
    """
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    bits = cells[:, 1:] > cells[:, :-1]
    return int.from_bytes(np.packbits(bits).tobytes(), 'big')


@dataclass(frozen=True)
class _Entry:
    name: str
    width: float
    height: float
    dhash: int
    annotations: tuple[tuple[str, Box], ...]


class Truth:
    """The true boxes of known photographs."""

    def __init__(self, entries: list[_Entry]) -> None:
        self._entries = entries

    @classmethod
    def load(cls, path: Path | str) -> Truth:
        """Read a truth file.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is malformed; the message says where and how.
        """
        return cls(_read_entries(path))

    def name(self, image_bgr: NDArray[np.uint8]) -> str | None:
        """Return the name of the photograph that a picture (H, W, 3) shows, None if unknown."""
        entry = self._nearest(image_bgr)
        return entry.name if entry else None

    def find(self, image_bgr: NDArray[np.uint8]) -> list[tuple[str, Box]] | None:
        """Give the true (label, (x, y, width, height)) on a picture (H, W, 3), None if unknown.

        Boxes are in pixels of the picture given, whatever the size of the known photograph.
        """
        entry = self._nearest(image_bgr)
        if entry is None:
            return None
        across = image_bgr.shape[1] / entry.width
        down = image_bgr.shape[0] / entry.height
        return [
            (label, (x * across, y * down, width * across, height * down))
            for label, (x, y, width, height) in entry.annotations
        ]

    def _nearest(self, image_bgr: NDArray[np.uint8]) -> _Entry | None:
        height, width = image_bgr.shape[:2]
        alike = [
            entry for entry in self._entries
            if abs(width * entry.height / (height * entry.width) - 1) <= _MAX_ASPECT_CHANGE
        ]
        if not alike:
            return None
        seen = dhash(image_bgr)
        best = min(alike, key=lambda entry: _distance(entry.dhash, seen))
        return best if _distance(best.dhash, seen) <= _MAX_DISTANCE else None


class TruthFile(Truth):
    """The truth of a file, read again whenever it has changed; for use by one thread at a time.

    A file must be replaced as a whole (`os.replace`). One that is gone or malformed is logged,
    and what was known before stays.

    Raises:
        OSError, ValueError: the file cannot be read, or is malformed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version = self._read_version()
        super().__init__(_read_entries(path))

    def find(self, image_bgr: NDArray[np.uint8]) -> list[tuple[str, Box]] | None:
        """Give the true boxes on a picture, see `Truth.find`."""
        try:
            version = self._read_version()
            if version != self._version:
                self._version = version
                self._entries = _read_entries(self._path)
        except (OSError, ValueError) as error:
            log.warning('cannot read the truth file; keeping what was read before: %s', error)
        return super().find(image_bgr)

    def _read_version(self) -> tuple[int, int, int]:
        found = os.stat(self._path)
        return found.st_mtime_ns, found.st_size, found.st_ino


def _read_entries(path: Path | str) -> list[_Entry]:
    try:
        document = json.loads(Path(path).read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: not JSON: {error}') from error
    images = document.get('images') if isinstance(document, dict) else None
    if not isinstance(images, list):
        raise ValueError(f'{path}: expected an object with a list "images"')
    return [_entry(item, f'{path}: images[{index}]') for index, item in enumerate(images)]


def _distance(one: int, other: int) -> int:
    return bin(one ^ other).count('1')


def _entry(item: Any, where: str) -> _Entry:
    if not isinstance(item, dict):
        raise ValueError(f'{where}: expected an object, not {item!r}')
    width, height = (_positive(item.get(key), f'{where}.{key}') for key in ('width', 'height'))
    digits = item.get('dhash')
    if not isinstance(digits, str) or not _is_hash(digits):
        raise ValueError(f'{where}.dhash: expected 16 hexadecimal digits, not {digits!r}')
    annotations = item.get('annotations')
    if not isinstance(annotations, list):
        raise ValueError(f'{where}.annotations: expected a list, not {annotations!r}')
    return _Entry(
        str(item.get('name', '')), width, height, int(digits, 16),
        tuple(
            _annotation(each, width, height, f'{where}.annotations[{index}]')
            for index, each in enumerate(annotations)
        ),
    )


def _annotation(item: Any, width: float, height: float, where: str) -> tuple[str, Box]:
    label = item.get('label') if isinstance(item, dict) else None
    if not isinstance(label, str) or not label:
        raise ValueError(f'{where}.label: expected a text, not {label!r}')
    numbers = item.get('box')
    if not isinstance(numbers, list) or len(numbers) != 4:
        raise ValueError(f'{where}.box: expected [x, y, width, height], not {numbers!r}')
    x, y = (_number(number, f'{where}.box') for number in numbers[:2])
    across, down = (_positive(number, f'{where}.box') for number in numbers[2:])
    if x < 0 or y < 0 or x + across > width or y + down > height:
        raise ValueError(f'{where}.box: {numbers} reaches out of the {width:g} x {height:g} image')
    return label, (x, y, across, down)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f'{where}: expected a number, not {value!r}')
    return float(value)


def _positive(value: Any, where: str) -> float:
    if _number(value, where) <= 0:
        raise ValueError(f'{where}: expected a number above 0, not {value!r}')
    return float(value)


def _is_hash(digits: str) -> bool:
    return len(digits) == 16 and all(digit in '0123456789abcdef' for digit in digits.lower())
