# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Compare each drive that is over with the promise of the thresholds, across restarts."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from spark_ros.calibration.decision_files import drive_records, read_log
from spark_ros.calibration.decisions import (
    DecisionError,
    DriveRecord,
    FrameRecord,
    Policy,
    Record,
    to_line,
)
from spark_ros.calibration.drives import drives_of
from spark_ros.calibration.replay import replay_all
from spark_ros.calibration.watch import Watch

logger = logging.getLogger(__name__)


class PromiseWatch:
    """Watches the share of a drive's errors that went unasked.

    It looks at each beginning of a drive, on a thread of its own, at those before it. Another
    promise or another policy is watched from its first drive on.

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
        self._turn = threading.Lock()

    def began(self, drive: DriveRecord) -> None:
        """Look at the drives before this one; returns at once."""
        threading.Thread(target=self.look, args=(drive,), name='promise', daemon=True).start()

    def look(self, drive: DriveRecord) -> None:
        """Look at the drives before this one."""
        with self._turn:
            try:
                self._look(drive)
                self.problem = ''
            except (OSError, DecisionError) as error:
                self.problem = str(error)
                logger.warning('cannot compare drives with their promise: %s', error)

    def _look(self, present: DriveRecord) -> None:
        watch, watched, counted = self._recalled()
        known = drive_records([self._log])
        ended = {id: last for id, last in known.items() if id not in {present.drive, *counted}}
        for drive in drives_of(_needed(read_log([self._log], ended), ended)):
            if not drive.whole or not drive.errors:
                continue
            if (policy := _text(drive.policy)) != watched:
                watch, watched = Watch(self.alpha), policy
            watch.add(float(replay_all([drive], [drive.policy]).shares[0, 0]))
        if (policy := _text(present.policy)) != watched:
            watch, watched = Watch(self.alpha), policy
        self.seen = watch
        looked_at = sorted(known.keys() - {present.drive})
        state = {'watch': watch.to_plain(), 'policy': watched, 'counted': looked_at}
        temporary = self._file.with_name(f'{self._file.name}.new')
        temporary.write_text(json.dumps(state), encoding='utf-8')
        os.replace(temporary, self._file)

    def _recalled(self) -> tuple[Watch, str, list[str]]:
        """Return the watch, its policy, and the drives that have been looked at."""
        try:
            state = json.loads(self._file.read_text(encoding='utf-8'))
            watch, counted = Watch.from_plain(state['watch']), list(map(str, state['counted']))
            policy = str(state['policy'])
        except FileNotFoundError:
            return Watch(self.alpha), '', []
        except (ValueError, TypeError, KeyError) as error:
            logger.warning('%s is damaged, and begun anew: %s', self._file, error)
            return Watch(self.alpha), '', []
        if watch.alpha != self.alpha:
            return Watch(self.alpha), policy, counted
        return watch, policy, counted


def _needed(records: Iterator[Record], last: dict[str, DriveRecord]) -> Iterator[Record]:
    """Leave out frames that change nothing: neither doubted nor audited. A drive has many."""
    for record in records:
        if isinstance(record, FrameRecord) and not record.audit:
            camera = last[record.drive].policy.cameras.get(record.camera)
            if camera and not any(
                camera.thresholds.doubted(d.label, d.score) for d in record.detections
            ):
                continue
        yield record


def _text(policy: Policy) -> str:
    return to_line(DriveRecord('', 0.0, policy))
