# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Drives, as a log of decisions has them, with the errors that audits found.

A drive is what the guarantee counts: frames of one drive resemble each other, so that a thousand
of them may be worth no more than one. Records of a drive are joined, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from statistics import median

from spark_ros.calibration.decisions import (
    AnswerRecord,
    DriveRecord,
    FrameRecord,
    Policy,
    Record,
    Said,
)
from spark_ros.geometry import iou
from spark_ros.model import Annotation, CorrectionKind, State

SAME_BOX_IOU = 0.9
"""From here on a corrected box counts as the detector's, as for Heat's answers."""


class ErrorKind(str, Enum):
    """What was wrong on an audited frame."""

    LABEL = 'wrong label'
    BOX = 'wrong box'
    NOTHING = 'nothing there'
    MISSED = 'missed'


@dataclass(frozen=True)
class DetectorError:
    """One error on an audited frame.

    Attributes:
        label: the detector's; of a missed object, the person's.
        prior: the id of the detection; empty if the object was missed, or not shown to the person
            because its score is under `ignore_below`.
    """

    kind: ErrorKind
    label: str
    prior: str = ''


@dataclass(frozen=True)
class Drive:
    """One drive.

    Attributes:
        policy: by which it asked, at its end; without cameras if the log does not have it.
        frames: in the order of decision.
        errors: of each audited and answered frame, by its index in `frames`.
        waited_s: by question, how long its answer took.
        audits: how many frames were chosen for one, answered or not.
        whole: all that was decided is in the log: its beginning, the policy of each camera, and no
            record was lost.
        unanswered: the questions that ended without an answer.
        changed: its policy changed in the course of it.
    """

    id: str
    policy: Policy
    frames: tuple[FrameRecord, ...] = ()
    errors: Mapping[int, tuple[DetectorError, ...]] = field(default_factory=dict)
    waited_s: Mapping[str, float] = field(default_factory=dict)
    audits: int = 0
    whole: bool = True
    unanswered: frozenset[str] = frozenset()
    changed: bool = False

    @cached_property
    def annotations(self) -> tuple[tuple[Annotation, ...], ...]:
        """The detections of each frame, as the policy takes them."""
        return tuple(tuple(d.annotation() for d in frame.detections) for frame in self.frames)

    @cached_property
    def usual_wait_s(self) -> float:
        """How long an answer took, usually: the median."""
        return median(self.waited_s.values()) if self.waited_s else 0.0

    @cached_property
    def weight(self) -> float:
        """How many errors the drive had, estimated from those on its audited frames."""
        return sum(
            len(errors) / self.frames[index].audit_rate for index, errors in self.errors.items()
        )


def drives_of(records: Iterable[Record], same_box_iou: float = SAME_BOX_IOU) -> list[Drive]:
    """Join the records of each drive, in the order of their beginning.

    Args:
        records: of any number of logs.
        same_box_iou: a corrected box with less overlap is an error.
    """
    # A drive has a place here from its first record or frame on.
    starts: dict[str, list[DriveRecord]] = {}
    frames: dict[str, list[FrameRecord]] = {}
    answers: dict[str, dict[str, AnswerRecord]] = {}
    for record in records:
        if isinstance(record, DriveRecord):
            starts.setdefault(record.drive, []).append(record)
        elif isinstance(record, FrameRecord):
            starts.setdefault(record.drive, [])
            frames.setdefault(record.drive, []).append(record)
        else:
            # A later answer overrules: one that expired may be answered late.
            answers.setdefault(record.drive, {})[record.question] = record
    return [
        _drive(id, each, frames.get(id, []), answers.get(id, {}), same_box_iou)
        for id, each in starts.items()
    ]


def errors_of(
    frame: FrameRecord, said: Iterable[Said], same_box_iou: float = SAME_BOX_IOU
) -> tuple[DetectorError, ...]:
    """Return what an answer found wrong on a frame."""
    of = {detection.id: detection for detection in frame.detections}
    found = []
    for each in said:
        detection = of.get(each.prior)
        if each.kind is CorrectionKind.ADDED:
            found.append(DetectorError(ErrorKind.MISSED, each.label))
        elif detection is None or each.kind is CorrectionKind.UNMENTIONED:
            continue
        elif each.box is None:
            found.append(DetectorError(ErrorKind.NOTHING, detection.label, detection.id))
        elif each.label != detection.label:
            found.append(DetectorError(ErrorKind.LABEL, detection.label, detection.id))
        elif each.kind is CorrectionKind.MODIFIED and iou(each.box, detection.box) < same_box_iou:
            found.append(DetectorError(ErrorKind.BOX, detection.label, detection.id))
    return tuple(found)


def _drive(
    id: str,
    starts: list[DriveRecord],
    frames: list[FrameRecord],
    answers: Mapping[str, AnswerRecord],
    same_box_iou: float,
) -> Drive:
    errors = {}
    for index, frame in enumerate(frames):
        answer = answers.get(frame.question)
        if frame.audit and answer is not None and answer.state is State.CLOSED:
            errors[index] = errors_of(frame, answer.said, same_box_iou)
    policy = starts[-1].policy if starts else Policy({})
    known = {frame.camera for frame in frames} <= policy.cameras.keys()
    return Drive(
        id,
        policy,
        tuple(frames),
        errors,
        {id: answer.waited_s for id, answer in answers.items()},
        sum(frame.audit for frame in frames),
        known and bool(starts) and not starts[0].continued and not any(s.lost for s in starts),
        frozenset(id for id, answer in answers.items() if answer.state is not State.CLOSED),
        any(each.policy != starts[0].policy for each in starts),
    )
