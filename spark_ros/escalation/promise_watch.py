# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Compare each drive that is over with the promise of the thresholds, across restarts."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from spark_ros.calibration.decision_files import newest_records, read_log
from spark_ros.calibration.decisions import (
    DriveRecord,
    FrameRecord,
    Policy,
    Record,
    to_line,
)
from spark_ros.calibration.drives import Drive, drives_of
from spark_ros.calibration.watch import Watch, watch_drives

logger = logging.getLogger(__name__)


class PromiseWatch:
    """Watches the share of a drive's errors that went unasked.

    At the beginning of a drive it looks at those that are over, on a thread of its own: at each
    once, and only at those with the present policy. Another promise or policy begins anew.

    Attributes:
        alpha: the share that was promised, in (0, 1).
        seen: the drives of the present promise and policy; replaced as a whole, so any thread
            may read it.
        problem: why a log, or the file of what was seen, cannot be used; else empty.
    """

    def __init__(self, log: Path, alpha: float) -> None:
        """Watch.

        Args:
            log: the newest file of the log of decisions; beside it is kept what was seen.
            alpha: the promise.
        """
        self.alpha = alpha
        self.seen, self.problem = Watch(alpha), ''
        self._log, self._file = log, log.with_name(f'{log.name}.watch')
        self._lock = threading.Lock()
        self._running = self._again = False

    def began(self, drive: DriveRecord) -> None:
        """Look at the drives before this one, which the log has; returns at once."""
        with self._lock:
            self._again = True
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name='promise', daemon=True).start()

    def look(self) -> None:
        """Look at the drives before the newest one of the log."""
        try:
            self._look()
            self.problem = ''
        except Exception as error:
            # At the next drive it is tried again.
            self.problem = str(error)
            logger.warning('cannot compare drives with their promise: %s', error)

    def _run(self) -> None:
        while True:
            with self._lock:
                # However many drives began since the last look, one more sees them all.
                self._running, self._again = self._again, False
                if not self._running:
                    return
            self.look()

    def _look(self) -> None:
        over = newest_records([self._log])
        if not over:
            return
        _, present = over.popitem()
        watch, counted = self._recalled(present.policy)
        wanted = {
            id for id, last in over.items() if last.policy == present.policy and id not in counted
        }
        watch_drives(watch, _one_by_one(read_log([self._log], wanted), wanted), present.policy)
        self.seen = watch
        state = {
            'watch': watch.to_plain(),
            'policy': _text(present.policy),
            # What is not in the log any more cannot be counted twice.
            'counted': sorted(over.keys() | counted & {present.drive}),
        }
        temporary = self._file.with_name(f'{self._file.name}.new')
        temporary.write_text(json.dumps(state), encoding='utf-8')
        os.replace(temporary, self._file)

    def _recalled(self, policy: Policy) -> tuple[Watch, set[str]]:
        """Return the watch of a policy, and the drives that it has looked at."""
        try:
            state = json.loads(self._file.read_text(encoding='utf-8'))
            watch, counted = Watch.from_plain(state['watch']), set(map(str, state['counted']))
            same = (watch.alpha, state['policy']) == (self.alpha, _text(policy))
        except FileNotFoundError:
            same = False
        except (ValueError, TypeError, KeyError) as error:
            logger.warning('%s is damaged, and begun anew: %s', self._file, error)
            same = False
        return (watch, counted) if same else (Watch(self.alpha), set())


def _one_by_one(records: Iterable[Record], wanted: Collection[str]) -> Iterator[Drive]:
    """Join the records of each drive until another begins; what comes later is left out."""
    left, joined = set(wanted), list[Record]()
    drive: DriveRecord | None = None
    for record in records:
        if isinstance(record, DriveRecord) and (drive is None or record.drive != drive.drive):
            yield from drives_of(joined)
            joined, drive = [], record if record.drive in left else None
            left.discard(record.drive)
        if drive is not None and record.drive == drive.drive and _needed(record, drive.policy):
            joined.append(record)
    yield from drives_of(joined)


def _needed(record: Record, policy: Policy) -> bool:
    """Whether a record changes anything; most frames are neither doubted nor audited."""
    if not isinstance(record, FrameRecord) or record.audit or record.asked:
        return True
    camera = policy.cameras.get(record.camera)
    return camera is None or any(
        camera.thresholds.doubted(d.label, d.score) for d in record.detections
    )


def _text(policy: Policy) -> str:
    return to_line(DriveRecord('', 0.0, policy))
