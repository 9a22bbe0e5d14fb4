# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A drive whose truth is known, as it stands in the log of decisions of a node with audits.

The person of the audits knows the truth, and judges as `comparison` does: a box is wrong from an
IoU under 0.5, and what is on an object of which too little is seen is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

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
from spark_ros.demo import scoring
from spark_ros.demo.messages import CAMERA
from spark_ros.demo.warehouse.comparison import RIGHT_FROM_IOU, Frame, is_clear
from spark_ros.geometry import Box, ImageSize, PixelBox, iou_xywh, normalize
from spark_ros.model import CorrectionKind, State
from spark_ros.policy import Thresholds

IGNORE_BELOW = 0.05
"""All that the detector finds: where it is least sure, it often sees two things as one."""


def asking(ask_below: float, ignore_below: float = IGNORE_BELOW) -> Policy:
    """Return the policy of the demo's node with thresholds: no cool-down and no limits."""
    camera = CameraPolicy(Thresholds(ask_below, ignore_below), cooldown_s=0.0)
    return Policy({CAMERA: camera}, open=0)


def audits(
    id: str, frames: Iterable[tuple[int, Frame]], size: ImageSize, policy: Policy,
    audit_rate: float = 1.0,
) -> Iterator[Record]:  # fmt: skip
    """Yield the records of a drive whose audits are answered.

    Args:
        id: of the drive; which frames are audited follows from it.
        frames: stamps in nanoseconds, and what is known of each frame.
        size: of the images, in whose pixels the boxes are.
        policy: by which the node asks.
        audit_rate: the probability that a frame is audited, in (0, 1].
    """
    yield DriveRecord(id, 0.0, policy)
    thresholds, random = policy.cameras[CAMERA].thresholds, Random(id)
    for number, (stamp_ns, frame) in enumerate(frames):
        detections = tuple(
            Detection(str(place), each.label, each.score, _box(each, size))
            for place, each in enumerate(frame.claims)
        )
        asked = any(thresholds.doubted(each.label, each.score) for each in detections)
        audit = random.random() < audit_rate
        question = f'{id}/{number}' if asked or audit else ''
        yield FrameRecord(
            id, CAMERA, stamp_ns, stamp_ns / 1e9, detections, asked, audit, audit_rate, question
        )
        if question:
            shown = [n for n, d in enumerate(detections) if thresholds.counts(d.label, d.score)]
            said = tuple(_said(frame.claims, shown, frame.truth, size))
            yield AnswerRecord(id, question, State.CLOSED, 1.0, said)


def _said(
    claims: Sequence[scoring.Detection], shown: Sequence[int],
    truth: Sequence[scoring.Detection], size: ImageSize,
) -> Iterator[Said]:  # fmt: skip
    clear = [true for true in truth if is_clear(true)]
    matches = scoring.match([claims[n] for n in shown], clear, RIGHT_FROM_IOU)
    of = {shown[each.predicted]: clear[each.true] for each in matches}
    for n in shown:
        true, claim = of.get(n), claims[n]
        if true is not None:
            same = true.label == claim.label
            kind = CorrectionKind.CONFIRMED if same else CorrectionKind.MODIFIED
            yield Said(kind, str(n), true.label, _box(claim if same else true, size))
        elif any(
            iou_xywh(claim.box, each.box) >= RIGHT_FROM_IOU for each in truth if not is_clear(each)
        ):
            yield Said(CorrectionKind.UNMENTIONED, str(n), claim.label, _box(claim, size))
        else:
            yield Said(CorrectionKind.REMOVED, str(n), claim.label)
    found = {each.true for each in matches}
    for place, true in enumerate(clear):
        if place not in found:
            yield Said(CorrectionKind.ADDED, '', true.label, _box(true, size))


def _box(detection: scoring.Detection, size: ImageSize) -> Box:
    x, y, width, height = detection.box
    return normalize(PixelBox(x + width / 2, y + height / 2, width, height), size)
