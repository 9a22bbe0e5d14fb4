# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Write the log of decisions on a thread of its own; a disk that refuses stops nothing else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Full, Queue

from spark_ros.calibration.decision_files import DecisionWriter
from spark_ros.calibration.decisions import DriveRecord, Record

FILES = 10
MAX_QUEUED = 10_000
TRY_AGAIN_S = 10.0
logger = logging.getLogger(__name__)


class DecisionLog:
    """A log of decisions that may be written from any thread, without waiting.

    Attributes:
        path: of the newest file.
        refused: why it cannot be written now, or empty.
        lost: how many records could not be written.
    """

    def __init__(
        self, path: Path, max_bytes: int, began: Callable[[DriveRecord], None] = lambda _: None
    ) -> None:
        """Start the thread.

        Args:
            path: of the newest file; its folder is made.
            max_bytes: what all files together may take.
            began: called on the thread with each drive, and each changed policy, once the log has
                it; may raise nothing.
        """
        self.path = path
        self.refused, self.lost = '', 0
        self._max_bytes, self._began = max_bytes, began
        self._queue: Queue[Callable[[], Record] | None] = Queue(MAX_QUEUED)
        self._writer: DecisionWriter | None = None
        self._drive: DriveRecord | None = None
        self._try_at = 0.0
        self._thread = threading.Thread(target=self._run, name='decisions', daemon=True)
        self._thread.start()

    def post(self, make: Callable[[], Record]) -> None:
        """Write what is made of something on the thread; returns at once."""
        try:
            self._queue.put_nowait(make)
        except Full:
            self._lose('the disk is too slow')

    def close(self) -> None:
        """Write what was posted, and end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (make := self._queue.get()) is not None:
            try:
                self._write(make())
            except Exception as error:
                self._give_up()
                self._try_at = time.monotonic() + TRY_AGAIN_S
                self._lose(str(error) or type(error).__name__)
        self._give_up()

    def _write(self, record: Record) -> None:
        drive = self._drive
        if isinstance(record, DriveRecord):
            self._drive = record
        if self._writer is None:
            if time.monotonic() < self._try_at:
                self.lost += 1
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = DecisionWriter(self.path, self._max_bytes // FILES, FILES)
            if drive is not None and self._drive is drive:
                # What was lost before it may have been the drive's beginning.
                self._writer.write(replace(drive, continued=True))
        self._writer.write(record)
        if self.refused:
            logger.info('the log of decisions %s is written again', self.path)
            self.refused = ''
        if isinstance(record, DriveRecord):
            self._began(record)

    def _give_up(self) -> None:
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None

    def _lose(self, why: str) -> None:
        self.lost += 1
        if not self.refused:
            self.refused = why
            logger.warning(
                'the log of decisions %s cannot be written: %s. Its drive cannot be calibrated '
                'on; asking goes on', self.path, why,
            )  # fmt: skip
