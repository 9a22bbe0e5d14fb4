# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a person who knows the truth finds wrong on a frame."""

from __future__ import annotations

import pytest

from spark_ros.calibration.decisions import FrameRecord, from_line, to_line
from spark_ros.calibration.drives import DetectorError, Drive, ErrorKind, drives_of
from spark_ros.demo.scoring import Detection
from spark_ros.demo.warehouse.audits import asking, audits
from spark_ros.demo.warehouse.comparison import RIGHT_FROM_IOU, Frame
from spark_ros.geometry import ImageSize

SIZE = ImageSize(320, 240)
HERE, THERE, BESIDE = (20, 20, 40, 40), (200, 100, 40, 40), (22, 20, 40, 40)


def drive(*frames: Frame, audit_rate: float = 1.0) -> Drive:
    stamped = [(n * 1_000_000_000, frame) for n, frame in enumerate(frames)]
    records = list(audits('d', stamped, SIZE, asking(0.6), audit_rate))
    assert [from_line(to_line(each)) for each in records] == records
    (made,) = drives_of(records, RIGHT_FROM_IOU)
    return made


@pytest.mark.parametrize(
    ('truth', 'claim', 'error'),
    [
        (Detection('ball', HERE), Detection('ball', BESIDE, 0.9), None),
        (
            Detection('ball', HERE), Detection('crate', BESIDE, 0.9),
            DetectorError(ErrorKind.LABEL, 'crate', '0'),
        ),
        (None, Detection('crate', HERE, 0.9), DetectorError(ErrorKind.NOTHING, 'crate', '0')),
        (Detection('ball', HERE), None, DetectorError(ErrorKind.MISSED, 'ball')),
        # Of the true one too little is seen: it counts neither for nor against.
        (Detection('ball', HERE, 0.1), Detection('crate', HERE, 0.9), None),
        (Detection('ball', HERE, 0.1), None, None),
        # Under ignore_below it was not shown.
        (None, Detection('crate', HERE, 0.01), None),
    ],
)  # fmt: skip
def test_an_error_by_its_kind(
    truth: Detection | None, claim: Detection | None, error: DetectorError | None
) -> None:
    frame = Frame([truth] if truth else [], [claim] if claim else [])
    assert drive(frame).errors == {0: (error,) if error else ()}


def test_a_box_that_is_far_off_is_two_errors() -> None:
    found = drive(Frame([Detection('ball', HERE)], [Detection('ball', THERE, 0.9)])).errors[0]
    assert {error.kind for error in found} == {ErrorKind.NOTHING, ErrorKind.MISSED}


def test_the_node_asks_by_its_thresholds() -> None:
    frames = [Frame([], [Detection('ball', HERE, score)]) for score in (0.01, 0.3, 0.6, 0.9)]
    made = drive(*frames)
    assert [frame.asked for frame in made.frames] == [False, True, False, False]
    assert [frame.at_s for frame in made.frames] == [0.0, 1.0, 2.0, 3.0]


def test_some_frames_are_audited() -> None:
    """The same ones each time, and each stands for more."""
    frames = [Frame([], [Detection('ball', HERE, 0.9)])] * 200
    made = drive(*frames, audit_rate=0.25)
    assert 30 <= made.audits <= 70
    assert made.weight == 4 * made.audits
    assert made == drive(*frames, audit_rate=0.25)
    assert all(isinstance(f, FrameRecord) and f.audit_rate == 0.25 for f in made.frames)
