# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Drives made up for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spark_ros.calibration.decisions import (
    AnswerRecord,
    CameraPolicy,
    Detection,
    DriveRecord,
    FrameRecord,
    Policy,
    Record,
    Said,
)
from spark_ros.calibration.drives import Drive, drives_of
from spark_ros.geometry import Box
from spark_ros.model import CorrectionKind, State

BOX = Box(0.25, 0.25, 0.5, 0.5)
POLICY = Policy({'front': CameraPolicy(cooldown_s=0.0)}, open=0)


def start(id: str, policy: Policy = POLICY, continued: bool = False) -> DriveRecord:
    return DriveRecord(id, 1.0, policy, continued)


def records(
    id: str, scores: Iterable[float], right: Sequence[float] = (), policy: Policy = POLICY,
    missed: int = 0,
) -> list[Record]:  # fmt: skip
    """Return a drive with one audited frame for each score of something that is not there.

    The policy asked about what it doubts; it has neither a cool-down nor limits.

    Args:
        id: of the drive.
        scores: of false detections.
        right: scores of right ones, a frame each.
        policy: by which it asked.
        missed: so many frames show an object that nothing was detected of.
    """
    made: list[Record] = [start(id, policy)]
    wrong = [(score, True) for score in scores]
    for number, (score, is_wrong) in enumerate([*wrong, *((score, False) for score in right)]):
        name = f'{id}/{number}'
        detections = (Detection('a', 'cat', score, BOX),)
        (camera,) = policy.cameras.values()
        asked = camera.thresholds.doubted('cat', score)
        made.append(
            FrameRecord(id, 'front', number, float(number), detections, asked, True, 0.5, name)
        )
        kind = CorrectionKind.REMOVED if is_wrong else CorrectionKind.CONFIRMED
        said = Said(kind, 'a', 'cat', None if is_wrong else BOX)
        made.append(AnswerRecord(id, name, State.CLOSED, 2.0, (said,)))
    for number in range(missed):
        name = f'{id}/m{number}'
        made.append(FrameRecord(id, 'front', 0, 1e4 + number, (), False, True, 0.5, name))
        said = Said(CorrectionKind.ADDED, '', 'dog', BOX)
        made.append(AnswerRecord(id, name, State.CLOSED, 2.0, (said,)))
    return made


def drive(id: str, scores: Iterable[float], right: Sequence[float] = (), missed: int = 0) -> Drive:
    (made,) = drives_of(records(id, scores, right, missed=missed))
    return made
