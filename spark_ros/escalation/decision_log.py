# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Write the log of decisions on a thread of its own; a disk that refuses stops nothing else."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from spark_ros.calibration.decision_files import DecisionWriter
from spark_ros.calibration.decisions import DriveRecord, Record

FILES = 10
MAX_QUEUED = 10_000
MAX_DETECTIONS = 50_000
TRY_AGAIN_S = 10.0
CLOSE_S = 2.0
LATER_S = 0.5
logger = logging.getLogger(__name__)


class _Posted(NamedTuple):
    """What is to be written, of which drive; without `make` only that the drive began."""

    drive: DriveRecord | None
    make: Callable[[], Record] | None = None
    detections: int = 0


class DecisionLog:
    """A log of decisions that may be written from any thread, without waiting.

    What is lost is said in the log once it can be written again, so that nobody takes the drive
    for whole.

    Attributes:
        path: of the newest file.
        refused: why it could not be written in the last `TRY_AGAIN_S`, or empty.
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
        # It guards what follows, up to the next blank line.
        self._changed = threading.Condition()
        self._queue: deque[_Posted] = deque()
        self._detections = 0
        self._soon = False
        self._present: DriveRecord | None = None
        self._closing = False
        # By the id of each drive that lost records: what the log has yet to say of it.
        self._losses: dict[str, DriveRecord] = {}
        self._lost_at = 0.0

        self._writer: DecisionWriter | None = None
        # The last drive that the log has, and the last that the open file has.
        self._known: DriveRecord | None = None
        self._written: DriveRecord | None = None
        self._try_at = self._tell_at = 0.0
        self._thread = threading.Thread(target=self._run, name='decisions', daemon=True)
        self._thread.start()

    def begin(self, drive: DriveRecord) -> None:
        """Write that a drive begins, or goes on by another policy; returns at once.

        What is posted from here on belongs to it. Where the queue is full, it is written with the
        next record instead.
        """
        with self._changed:
            self._present = drive
            self._put(_Posted(drive))

    def post(self, make: Callable[[], Record], detections: int = 0, *, soon: bool = True) -> None:
        """Write what is made of something on the thread; returns at once.

        Args:
            make: called on the thread.
            detections: how many it holds until then.
            soon: False: within `LATER_S`, together with others, which costs much less.
        """
        with self._changed:
            if not self._put(_Posted(self._present, make, detections), soon):
                self._lose(self._present, 'the disk is too slow')

    def close(self) -> None:
        """Write what was posted, and end; what takes longer than `CLOSE_S` is left behind."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            logger.warning(
                'the log of decisions %s is left with %d record(s) unwritten: the disk does not '
                'answer', self.path, len(self._queue),
            )  # fmt: skip

    def _put(self, posted: _Posted, soon: bool = True) -> bool:
        detections = self._detections + posted.detections
        if len(self._queue) >= MAX_QUEUED or (self._queue and detections > MAX_DETECTIONS):
            return False
        if soon or not self._queue:
            self._soon = soon
            self._changed.notify()
        self._queue.append(posted)
        self._detections = detections
        return True

    def _next(self) -> _Posted | None:
        """Wait for what is to be written next; None at the end."""
        with self._changed:
            if not self._queue:
                self._changed.wait_for(lambda: self._queue or self._closing)
                self._changed.wait_for(lambda: self._soon or self._closing, LATER_S)
            if not self._queue:
                return None
            posted = self._queue.popleft()
            self._detections -= posted.detections
            return posted

    def _run(self) -> None:
        while (posted := self._next()) is not None:
            self._try(posted)
        if self._losses or self._present is not self._known:
            self._try_at = self._tell_at = 0.0
            self._try(_Posted(self._present))
        self._give_up()

    def _try(self, posted: _Posted) -> None:
        try:
            self._write(posted, posted.make and posted.make())
        except Exception as error:
            self._give_up()
            self._try_at = time.monotonic() + TRY_AGAIN_S
            self._refuse(posted, str(error) or type(error).__name__)

    def _write(self, posted: _Posted, record: Record | None) -> None:
        now = time.monotonic()
        if self._writer is None:
            if now < self._try_at:
                self._refuse(posted, self.refused)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = DecisionWriter(self.path, self._max_bytes // FILES, FILES)
            # A torn line may be before this one.
            self._written, self._tell_at = None, now
        if self._losses and now >= self._tell_at:
            self._tell_losses(self._writer)
            self._tell_at = now + TRY_AGAIN_S
        self._begin(self._writer, posted.drive)
        if record is not None:
            self._writer.write(record)
        if self.refused and now - self._lost_at >= TRY_AGAIN_S:
            logger.info('the log of decisions %s is written again', self.path)
            self.refused = ''

    def _begin(self, writer: DecisionWriter, drive: DriveRecord | None) -> None:
        if drive is None or drive is self._written:
            return
        writer.write(replace(drive, continued=True) if drive is self._known else drive)
        self._written = drive
        if drive is not self._known:
            self._known = drive
            self._began(drive)

    def _tell_losses(self, writer: DecisionWriter) -> None:
        for id, loss in list(self._losses.items()):
            writer.write(loss)
            with self._changed:
                if self._losses[id] is loss:
                    del self._losses[id]
        self._written = None

    def _give_up(self) -> None:
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self._writer = None

    def _refuse(self, posted: _Posted, why: str) -> None:
        # That a drive began is said again with its next record.
        self._lose(posted.drive, why, records=int(posted.make is not None))

    def _lose(self, drive: DriveRecord | None, why: str, records: int = 1) -> None:
        with self._changed:
            self.lost += records
            self._lost_at = time.monotonic()
            if drive is not None and records:
                before = self._losses.get(drive.drive)
                lost = records + (before.lost if before else 0)
                self._losses[drive.drive] = replace(drive, continued=True, lost=lost)
            again, self.refused = bool(self.refused), self.refused or why
        if not again:
            logger.warning(
                'the log of decisions %s cannot be written: %s. Its drive cannot be calibrated '
                'on; asking goes on', self.path, why,
            )  # fmt: skip
