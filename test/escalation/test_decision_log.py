# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of decisions: what a disk that refuses costs, and what a promise is compared with."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import Counter
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


def test_a_full_disk_loses_records_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('spark_ros.escalation.decision_log.TRY_AGAIN_S', 0.0)
    with mounted(tmp_path / 'small') as disk:
        log = DecisionLog(disk / 'decisions.jsonl', 100_000_000)
        held = Held()
        log.begin(DriveRecord('d', 1.0, POLICY))
        log.post(lambda: FrameRecord('d', 'front', 0, 1.0))
        log.post(lambda: fill_up(disk) or FrameRecord('d', 'front', 1, 1.0, refused='x' * 5000))
        log.post(held)
        held.wait()
        assert log.lost == 1 and 'part of a line' in log.refused
        (disk / 'ballast').unlink()
        held.go.set()
        log.begin(DriveRecord('e', 1.0, POLICY))
        log.post(lambda: FrameRecord('e', 'front', 2, 1.0))
        log.close()
        assert log.lost == 1 and not log.refused
        first, second = drives_of(read_log([log.path]))
        assert not first.whole and [frame.stamp_ns for frame in first.frames] == [0, 9]
        assert second.whole and len(second.frames) == 1
        assert lost(log.path) == {'d': 1}


class Held:
    """A record that keeps the thread until it may go on."""

    def __init__(self) -> None:
        self.running, self.go = threading.Event(), threading.Event()

    def __call__(self) -> FrameRecord:
        self.running.set()
        assert self.go.wait(20.0)
        return FrameRecord('d', 'front', 9, 1.0)

    def wait(self) -> None:
        assert self.running.wait(20.0)


def lost(path: Path) -> Counter[str]:
    """Return how many records the log says that each drive lost."""
    found: Counter[str] = Counter()
    for record in read_log([path], kind='drive'):
        assert isinstance(record, DriveRecord)
        if record.lost:
            found[record.drive] += record.lost
    return found


def test_a_full_queue_loses_records_but_never_the_beginning_of_a_drive(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('spark_ros.escalation.decision_log.MAX_QUEUED', 2)
    began: list[str] = []
    log = DecisionLog(path, 1_000_000, lambda drive: began.append(drive.drive))
    first_held, then_held = Held(), Held()
    log.begin(DriveRecord('d', 1.0, POLICY))
    log.post(first_held)
    first_held.wait()
    for make in (then_held, *[lambda: FrameRecord('d', 'front', 1, 1.0)] * 4):
        log.post(make)
    log.begin(DriveRecord('e', 2.0, POLICY))
    first_held.go.set()
    then_held.wait()
    log.post(lambda: FrameRecord('e', 'front', 7, 1.0))
    then_held.go.set()
    log.close()
    first, second = drives_of(read_log([path]))
    assert [frame.stamp_ns for frame in first.frames] == [9, 9, 1] and not first.whole
    assert [frame.stamp_ns for frame in second.frames] == [7] and second.whole
    assert lost(path) == {'d': 3} and log.lost == 3
    assert began == ['d', 'e']


def test_what_is_lost_at_last_is_said_at_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that a drive began of which nothing else came."""
    monkeypatch.setattr('spark_ros.escalation.decision_log.MAX_QUEUED', 2)
    log, held = DecisionLog(path, 1_000_000), Held()
    log.begin(DriveRecord('d', 1.0, POLICY))
    log.post(held)
    held.wait()
    for _ in range(4):
        log.post(lambda: FrameRecord('d', 'front', 0, 1.0))
    log.begin(DriveRecord('e', 1.0, POLICY))
    held.go.set()
    log.close()
    first, second = drives_of(read_log([path]))
    assert (first.whole, len(first.frames), lost(path)) == (False, 3, {'d': 2})
    assert second.whole and second.id == 'e'


def test_many_detections_fill_the_queue_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('spark_ros.escalation.decision_log.MAX_DETECTIONS', 100)
    log, held = DecisionLog(path, 1_000_000), Held()
    log.begin(DriveRecord('d', 1.0, POLICY))
    log.post(held)
    held.wait()
    for number in range(4):
        log.post(lambda number=number: FrameRecord('d', 'front', number, 1.0), 50)
    held.go.set()
    log.close()
    assert log.lost == 2
    (read,) = drives_of(read_log([path]))
    assert [frame.stamp_ns for frame in read.frames] == [9, 0, 1] and not read.whole


def test_a_slow_disk_is_said_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not each time that a record finds room."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr('spark_ros.escalation.decision_log.MAX_QUEUED', 1)
    log, held = DecisionLog(path, 1_000_000), Held()
    log.post(held)
    for _ in range(20):
        held.wait()
        before, held = held, Held()
        log.post(held)
        log.post(Held())
        before.go.set()
    held.go.set()
    log.close()
    assert log.lost == 20 and log.refused
    (said,) = [each.message for each in caplog.records if str(path) in each.message]
    assert 'the disk is too slow' in said


def test_the_end_does_not_wait_for_a_disk_that_hangs(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A pipe hangs until somebody reads it."""
    monkeypatch.setattr('spark_ros.escalation.decision_log.CLOSE_S', 0.1)
    os.mkfifo(path)
    log = DecisionLog(path, 1_000_000)
    log.post(lambda: FrameRecord('d', 'front', 0, 1.0))
    log.post(lambda: FrameRecord('d', 'front', 1, 1.0))
    closing = threading.Thread(target=log.close, daemon=True)
    closing.start()
    try:
        closing.join(20.0)
        assert not closing.is_alive() and log._thread.is_alive() and log._thread.daemon
        assert 'does not answer' in caplog.text
    finally:
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        log._thread.join(20.0)
        os.close(reader)
    assert not log._thread.is_alive()


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
