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
    def threads() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name == 'promise']

    watch, most = PromiseWatch(path, 0.1), 0
    with DecisionWriter(path) as writer:
        for number in range(30):
            drive(writer, f'{number}', 2)
            watch.began(DriveRecord(f'{number}', 1.0, POLICY))
            most = max(most, len(threads()))
    for thread in threads():
        thread.join(20.0)
    assert most == 1 and not threads()
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
