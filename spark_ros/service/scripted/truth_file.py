# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A truth file that may be written anew while it is used: a simulation goes on telling more."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spark_ros.service.scripted.recognise import Box, Truth

log = logging.getLogger('spark_ros.service.scripted.truth_file')

Version = tuple[int, int, int]


class TruthFile:
    """The truth of a file as it stands when it is asked; for use by one thread at a time.

    A file must be replaced as a whole (`os.replace`). One that is gone or malformed is logged,
    and what was known before stays.
    """

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            OSError, ValueError: it cannot be read, or is malformed.
        """
        self._path = path
        self._version = self._look()
        self._truth = Truth.load(path)

    def find(self, image_bgr: NDArray[np.uint8]) -> list[tuple[str, Box]] | None:
        """Give the true boxes on a picture, see `Truth.find`."""
        try:
            version = self._look()
            if version != self._version:
                self._version = version
                self._truth = Truth.load(self._path)
        except (OSError, ValueError) as error:
            log.warning('the truth of before is used: %s', error)
        return self._truth.find(image_bgr)

    def _look(self) -> Version:
        found = os.stat(self._path)
        return found.st_mtime_ns, found.st_size, found.st_ino
