# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What stands in a log of decisions, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from spark_ros.calibration.drives import Drive
from spark_ros.calibration.watch import Watch, share_unasked, watch_drives


@dataclass
class Summary:
    """The numbers.

    Attributes:
        frames, asked: by camera; asked by the policy.
        audits: frames chosen for one.
        answered: of those.
        refused: questions and audits that could not be asked, by reason.
        errors: on audited and answered frames, by kind.
        shares: of each whole drive with an answered audit whose policy did not change, the share
            of its errors not asked about.
        changed: the other drives with one: their policy changed in the course of them.
        watch: of the drives with the policy of the last one against a promise, if there is one.
    """

    drives: int = 0
    frames: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    audits: int = 0
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    shares: dict[str, float] = field(default_factory=dict)
    changed: int = 0
    watch: Watch | None = None


def summary_of(drives: Sequence[Drive], alpha: float | None = None) -> Summary:
    """Count, and compare with a promise.

    Args:
        drives: in the order of their beginning.
        alpha: the share of a drive's errors that may go unasked, on average.
    """
    made = Summary(len(drives))
    for drive in drives:
        made.audits += drive.audits
        made.answered += len(drive.errors)
        for frame in drive.frames:
            made.frames[frame.camera] += 1
            made.asked[frame.camera] += frame.asked
            if frame.refused:
                made.refused[frame.refused] += 1
        made.errors.update(e.kind.value for errors in drive.errors.values() for e in errors)
        if drive.whole and drive.errors:
            if drive.changed:
                made.changed += 1
            else:
                made.shares[drive.id] = share_unasked(drive)
    if alpha is not None:
        made.watch = Watch(alpha)
        if drives:
            watch_drives(made.watch, drives, drives[-1].policy)
    return made
