# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of decisions: what a disk that refuses costs, and what a promise is compared with."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from disk import fill_up, mounted

from spark_ros.calibration.decision_files import DecisionWriter, read_log
from spark_ros.calibration.decisions import (
    AnswerRecord,
    CameraPolicy,
    Detection,
    DriveRecord,
    FrameRecord,
    Policy,
    Said,
)
from spark_ros.calibration.drives import drives_of
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.health.decisions import DecisionsState, check_decisions
from spark_ros.escalation.promise_watch import PromiseWatch
from spark_ros.geometry import Box
from spark_ros.model import CorrectionKind, State
from spark_ros.policy import Thresholds

POLICY = Policy({'front': CameraPolicy(Thresholds(0.6, 0.1))})
BOX = Box(0.1, 0.1, 0.3, 0.3)


def test_a_path_that_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / 'file').write_text('in the way')
    log = DecisionLog(tmp_path / 'file' / 'decisions.jsonl', 1_000_000)
    for number in range(20):
        log.post(lambda number=number: FrameRecord('d', 'front', number, 1.0))
    log.close()
    assert log.lost == 20 and 'file' in log.refused
    (said,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert 'asking goes on' in said.message
    assert 'move decisions.path' in check_decisions(
        DecisionsState(log.path, log.refused, log.lost)
    ).message


def test_a_full_disk_loses_records_and_leaves_a_log_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('spark_ros.escalation.decision_log.TRY_AGAIN_S', 0.0)
    with mounted(tmp_path / 'small') as disk:
        log = DecisionLog(disk / 'decisions.jsonl', 100_000_000)
        refused, room = threading.Event(), threading.Event()

        def make_room() -> DriveRecord:
            refused.set()
            assert room.wait(20.0)
            return DriveRecord('d', 1.0, POLICY, continued=True)

        log.post(lambda: DriveRecord('d', 1.0, POLICY))
        log.post(lambda: FrameRecord('d', 'front', 0, 1.0))
        log.post(lambda: fill_up(disk) or FrameRecord('d', 'front', 1, 1.0, refused='x' * 5000))
        log.post(make_room)
        assert refused.wait(20.0) and log.lost == 1 and 'part of a line' in log.refused
        (disk / 'ballast').unlink()
        room.set()
        log.post(lambda: FrameRecord('d', 'front', 2, 1.0))
        log.close()
        assert log.lost == 1 and not log.refused
        (read,) = drives_of(read_log([log.path]))
        assert read.whole and [frame.stamp_ns for frame in read.frames] == [0, 2]


def drive(writer: DecisionWriter, id: str, missed: int, policy: Policy = POLICY) -> None:
    """Write a drive with an audited frame of each of four objects, of which some are not there."""
    writer.write(DriveRecord(id, 1.0, policy))
    for number in range(4):
        name = f'{id}/{number}'
        sure = Detection('0', 'cat', 0.9 if number < missed else 0.3, BOX)
        asked = number >= missed
        writer.write(
            FrameRecord(id, 'front', number, 100.0 * number, (sure,), asked, True, 1.0, name)
        )
        # Frames that change nothing.
        writer.write(FrameRecord(id, 'front', 9, 100.0 * number + 1.0, (sure,)[: not asked]))
        said = (Said(CorrectionKind.REMOVED, '0'),)
        writer.write(AnswerRecord(id, name, State.CLOSED, 2.0, said))


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / 'decisions.jsonl'


def test_each_drive_that_is_over_is_compared_with_the_promise_once(path: Path) -> None:
    """Across restarts, and until there is another policy or promise."""
    with DecisionWriter(path) as writer:
        for number in range(3):
            drive(writer, f'good {number}', 0)
        present = DriveRecord('now', 1.0, POLICY)
        writer.write(present)
        for _ in range(2):
            watch = PromiseWatch(path, 0.1)
            watch.look(present)
            assert (watch.seen.drives, watch.seen.mean) == (3, 0.0)
        assert not check_decisions(DecisionsState(path, watch=watch.seen)).problems
        for number in range(12):
            drive(writer, f'bad {number}', 3)
        watch.look(present)
        assert watch.seen.drives == 15 and watch.seen.mean == pytest.approx(0.6)
        assert watch.seen.broken
        (problem,) = check_decisions(DecisionsState(path, watch=watch.seen)).problems
        assert problem.kind == 'promise broken' and 'spark calibrate' in problem.words
        stricter = Policy({'front': CameraPolicy(Thresholds(0.95, 0.1))})
        watch.look(DriveRecord('now', 1.0, stricter, continued=True))
        assert watch.seen.drives == 0
        drive(writer, 'after', 3, stricter)
        watch.look(DriveRecord('next', 1.0, stricter))
        assert (watch.seen.drives, watch.seen.mean) == (1, 0.0)
        other = PromiseWatch(path, 0.2)
        other.look(DriveRecord('next', 1.0, stricter))
        assert (other.seen.drives, other.seen.alpha) == (0, 0.2)


def test_a_damaged_log_is_said_and_looked_at_again(path: Path) -> None:
    path.write_text('{"kind":"drive"}\n')
    watch = PromiseWatch(path, 0.1)
    watch.look(DriveRecord('now', 1.0, POLICY))
    assert str(path) in watch.problem
    path.write_text('')
    watch.look(DriveRecord('now', 1.0, POLICY))
    assert not watch.problem
    json.loads(path.with_name('decisions.jsonl.watch').read_text())
