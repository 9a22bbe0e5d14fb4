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
from spark_ros.cli.spark import main
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.health.decisions import DecisionsState, check_decisions
from spark_ros.escalation.promise_watch import PromiseWatch
from spark_ros.geometry import Box
from spark_ros.model import CorrectionKind, State
from spark_ros.policy import Thresholds

POLICY = Policy({'front': CameraPolicy(Thresholds(0.6, 0.1))})
STRICTER = Policy({'front': CameraPolicy(Thresholds(0.95, 0.1))})
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


def test_what_can_wait_is_written_with_what_cannot_or_at_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('spark_ros.escalation.decision_log.LATER_S', 3600.0)
    log = DecisionLog(path, 1_000_000)
    log.post(lambda: FrameRecord('d', 'front', 0, 1.0), soon=False)
    held = Held()
    log.post(held)
    held.wait()
    (waited,) = read_log([path])
    held.go.set()
    log.post(lambda: FrameRecord('d', 'front', 10, 1.0), soon=False)
    log.close()
    assert [each.stamp_ns for each in read_log([path])] == [0, 9, 10]
    assert waited == FrameRecord('d', 'front', 0, 1.0)


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
        writer.write(DriveRecord('now', 1.0, POLICY))
        for _ in range(2):
            watch = PromiseWatch(path, 0.1)
            watch.look()
            assert (watch.seen.drives, watch.seen.mean) == (3, 0.0)
        assert not check_decisions(DecisionsState(path, watch=watch.seen)).problems
        for number in range(12):
            drive(writer, f'bad {number}', 3)
        writer.write(DriveRecord('then', 1.0, POLICY))
        watch.look()
        assert watch.seen.drives == 15 and watch.seen.mean == pytest.approx(0.6)
        assert watch.seen.broken
        (problem,) = check_decisions(DecisionsState(path, watch=watch.seen)).problems
        assert problem.kind == 'promise broken' and 'spark calibrate' in problem.words
        writer.write(DriveRecord('then', 1.0, STRICTER, continued=True))
        watch.look()
        assert watch.seen.drives == 0
        drive(writer, 'after', 3, STRICTER)
        writer.write(DriveRecord('next', 1.0, STRICTER))
        watch.look()
        # What was asked counts, not what the policy would have asked.
        assert (watch.seen.drives, watch.seen.mean) == (1, 0.75)
        other = PromiseWatch(path, 0.2)
        other.look()
        assert (other.seen.drives, other.seen.alpha) == (1, 0.2)


def test_a_drive_that_runs_is_not_over_and_one_that_goes_on_counts_once(path: Path) -> None:
    watch, seen = PromiseWatch(path, 0.1), []
    with DecisionWriter(path) as writer:
        for id in ('a', 'b', 'a', 'c', 'd'):
            drive(writer, id, 2)
            watch.look()
            seen.append(watch.seen.drives)
    assert seen == [0, 1, 2, 2, 3]


def test_drives_that_begin_while_it_looks_are_looked_at_by_the_same_thread(path: Path) -> None:
    looking, alone = threading.Lock(), []

    class Alone(PromiseWatch):
        def look(self) -> None:
            alone.append(looking.acquire(blocking=False))
            super().look()
            looking.release()

    watch = Alone(path, 0.1)
    with DecisionWriter(path) as writer:
        for number in range(30):
            drive(writer, f'{number}', 2)
            watch.began(DriveRecord(f'{number}', 1.0, POLICY))
    # One that has looked may not have ended when the next one begins.
    for thread in threading.enumerate():
        if thread.name == 'promise':
            thread.join(20.0)
    assert alone and all(alone)
    assert (watch.seen.drives, watch.problem) == (29, '')


def test_it_reads_only_what_it_has_to(path: Path) -> None:
    """Neither drives with another policy nor those that it counted, though they are damaged."""
    with DecisionWriter(path) as writer:
        drive(writer, 'old', 3)
    with path.open('a') as file:
        file.write('{"kind":"frame","drive":"old"}\n')
    watch = PromiseWatch(path, 0.1)
    with DecisionWriter(path) as writer:
        drive(writer, 'new', 1, STRICTER)
        writer.write(DriveRecord('now', 1.0, STRICTER))
    watch.look()
    assert (watch.seen.drives, watch.problem) == (1, '')
    with path.open('a') as file:
        file.write('{"kind":"frame","drive":"new"}\n')
    watch.look()
    assert (watch.seen.drives, watch.problem) == (1, '')


def test_an_answer_after_a_crash_does_not_hide_the_torn_line_before_it(path: Path) -> None:
    with DecisionWriter(path) as writer:
        drive(writer, 'before', 1)
    with path.open('a') as file:
        file.write('{"kind":"frame","drive":"before","cam')
    with DecisionWriter(path) as writer:
        writer.write(DriveRecord('now', 1.0, POLICY))
        writer.write(AnswerRecord('before', 'before/9', State.CLOSED, 2.0))
    watch = PromiseWatch(path, 0.1)
    watch.look()
    assert (watch.seen.drives, watch.problem) == (1, '')


def test_the_node_and_the_command_say_the_same(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of drives with the newest policy, without those in the course of which it changed."""
    with DecisionWriter(path) as writer:
        drive(writer, 'one', 3)
        drive(writer, 'two', 1, STRICTER)
        drive(writer, 'three', 3)
        drive(writer, 'changed', 4)
        writer.write(DriveRecord('changed', 1.0, STRICTER, continued=True))
        drive(writer, 'four', 2, STRICTER)
        writer.write(DriveRecord('now', 1.0, STRICTER))
    watch = PromiseWatch(path, 0.1)
    watch.look()
    assert (watch.seen.drives, watch.seen.mean, watch.seen.left_out) == (2, 0.375, 1)
    values = check_decisions(DecisionsState(path, watch=watch.seen)).values
    assert values['drives left out, policy changed'] == '1'
    main(['decisions', str(path), '--alpha', '0.1', '--json'])
    said = json.loads(capsys.readouterr().out)['watch']
    assert {name: getattr(watch.seen, name) for name in said} == said
    main(['decisions', str(path), '--alpha', '0.1'])
    out = capsys.readouterr().out
    assert '1 drives are left out: their policy changed during them' in out
    assert '2 drives had another policy than the last drive' in out


def test_a_damaged_log_is_said_and_looked_at_again(path: Path) -> None:
    path.write_text('{"kind":"drive"}\n')
    watch = PromiseWatch(path, 0.1)
    watch.look()
    assert str(path) in watch.problem
    with DecisionWriter(path) as writer:
        path.write_text('')
        writer.write(DriveRecord('now', 1.0, POLICY))
    watch.look()
    assert not watch.problem
    json.loads(path.with_name('decisions.jsonl.watch').read_text())
