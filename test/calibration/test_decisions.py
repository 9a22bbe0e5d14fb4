# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of decisions: written, rotated, torn by a crash, read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_drives import records, start

from spark_ros.calibration.decision_files import DecisionWriter, files_of, read_log
from spark_ros.calibration.decisions import (
    AnswerRecord,
    CameraPolicy,
    DecisionError,
    Detection,
    DriveRecord,
    FrameRecord,
    Policy,
    Said,
    from_line,
    to_line,
)
from spark_ros.geometry import Box
from spark_ros.model import CorrectionKind, State
from spark_ros.policy import Thresholds

shares = st.floats(0, 1)
# Labels come from a topic.
texts = st.text(st.characters(codec='utf-8'), max_size=8)
times = st.floats(0, 1e12)
boxes = st.tuples(*[shares] * 4).map(
    lambda b: Box(min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)
thresholds = st.builds(
    Thresholds, shares, shares, st.dictionaries(texts, shares, max_size=3),
    st.dictionaries(texts, shares, max_size=3),
)  # fmt: skip
policies = st.builds(
    Policy, st.dictionaries(texts, st.builds(CameraPolicy, thresholds, times), max_size=3),
    st.integers(0, 99), st.integers(0, 99),
)  # fmt: skip
detections = st.lists(
    st.builds(Detection, texts, texts, shares, boxes, texts), max_size=4, unique_by=lambda d: d.id
).map(tuple)
saids = st.one_of(
    st.builds(Said, st.just(CorrectionKind.ADDED), st.just(''), texts, boxes),
    st.builds(Said, st.just(CorrectionKind.MODIFIED), texts.filter(bool), texts, boxes),
    st.builds(Said, st.just(CorrectionKind.REMOVED), texts.filter(bool), texts, st.none()),
)
lines = st.one_of(
    st.builds(DriveRecord, texts, times, policies, st.booleans(), st.integers(0, 99)),
    st.builds(
        FrameRecord, texts, texts, st.integers(0, 2**62), times, detections, st.booleans(),
        st.booleans(), st.floats(0.01, 1), texts, texts,
    ),
    st.builds(
        AnswerRecord, texts, texts, st.sampled_from(State), times,
        st.lists(saids, max_size=3).map(tuple),
    ),
)  # fmt: skip


def test_half_a_character_becomes_a_question_mark_and_a_whole_one_stays() -> None:
    """An answer may spell one in JSON; the reader refuses it."""
    found = Detection('0', 'caf\u00e9 \U0001f408 \ud83d', 0.1, Box(0.1, 0.2, 0.1 + 0.2, 0.4))
    read = from_line(to_line(FrameRecord('d', 'front', 1, 2.0, (found,))))
    assert isinstance(read, FrameRecord)
    assert read.detections == (found._replace(label='caf\u00e9 \U0001f408 ?'),)


@given(lines)
def test_there_and_back(record) -> None:
    """With all digits, and on one line whatever a label has in it."""
    line = to_line(record)
    assert '\n' not in line and line.isascii()
    assert from_line(line) == record


FRAME = json.loads(to_line(records('d', [0.5])[1]))
DRIVE = json.loads(to_line(start('d')))
ANSWER = json.loads(to_line(records('d', [0.5])[2]))


@pytest.mark.parametrize(
    'plain',
    [
        [], 1, {}, {**FRAME, 'kind': 'other'}, {**DRIVE, 'version': 2}, {**DRIVE, 'open': -1},
        {**DRIVE, 'lost': -1}, {**DRIVE, 'cameras': {'front': {}}}, {**DRIVE, 'open': True},
        {**FRAME, 'audit_rate': 0}, {**FRAME, 'audit_rate': 1.5}, {**FRAME, 'asked': 1},
        {**FRAME, 'detections': [['a', 'cat', 2.0, [0, 0, 1, 1], '']]},
        {**FRAME, 'detections': [['a', 'cat', 0.5, [1, 0, 0, 1], '']]},
        {**FRAME, 'detections': [['a', 'cat', 0.5, [0, 0, 1], '']]},
        {**FRAME, 'detections': FRAME['detections'] * 2}, {**FRAME, 'stamp_ns': 1.5},
        {key: value for key, value in FRAME.items() if key != 'at_s'},
        {**ANSWER, 'state': 'bored'}, {**ANSWER, 'said': [['removed', 'a', 'cat', [0, 0, 1, 1]]]},
        {**ANSWER, 'said': [['added', 'a', 'cat', [0, 0, 1, 1]]]}, {**ANSWER, 'waited_s': -1},
        {**FRAME, 'camera': '\ud800'},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_record_is_refused(plain) -> None:
    with pytest.raises(DecisionError):
        from_line(json.dumps(plain))


@pytest.mark.parametrize('line', ['', '{', '[' * 100_000, '{"a":NaN}', 'null', b'\xff\xfe'])
def test_garbage_is_refused(line) -> None:
    with pytest.raises(DecisionError):
        from_line(line)


def test_files_are_bounded_and_read_in_the_order_written(tmp_path: Path) -> None:
    """Each begins with the policy, so that losing the oldest costs only what is in it."""
    path, written = tmp_path / 'decisions.jsonl', records('d', [0.5] * 200)
    with DecisionWriter(path, max_bytes=5000, files=3) as writer:
        for record in written:
            writer.write(record)
    files = files_of(path)
    assert [file.name for file in files] == [path.name + end for end in ('.2', '.1', '')]
    assert all(file.stat().st_size <= 5000 + 500 for file in files)
    assert all(from_line(file.read_text().splitlines()[0]).continued for file in files)
    read = [record for record in read_log([path]) if not isinstance(record, DriveRecord)]
    assert read == written[-len(read) :]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_is_read_as_it_was_though_its_files_are_turned_meanwhile(tmp_path: Path) -> None:
    """The robot reads its own log at the beginning of a drive, and goes on writing."""
    path = tmp_path / 'decisions.jsonl'
    with DecisionWriter(path, max_bytes=5000, files=3) as writer:
        for record in records('d', [0.5] * 100):
            writer.write(record)
        before, reading = list(read_log([path])), read_log([path])
        assert len(files_of(path)) == 3
        read = [next(reading)]
        for record in records('e', [0.5] * 20):
            writer.write(record)
        read += reading
    assert read[: len(before)] == before


def test_one_file_is_bounded_too(tmp_path: Path) -> None:
    path = tmp_path / 'decisions.jsonl'
    with DecisionWriter(path, max_bytes=2000, files=1) as writer:
        for record in records('d', [0.5] * 50):
            writer.write(record)
    assert files_of(path) == [path] and path.stat().st_size <= 2500


def test_more_than_nine_files_and_odd_names(tmp_path: Path) -> None:
    path = tmp_path / 'a[1]*.jsonl'
    with DecisionWriter(path, max_bytes=300, files=13) as writer:
        for record in records('d', [0.5] * 30):
            writer.write(record)
    (tmp_path / 'a[1]*.jsonl.bak').write_text('of somebody else')
    assert [file.suffix for file in files_of(path)] == [
        *(f'.{number}' for number in range(12, 0, -1)), '.jsonl',
    ]  # fmt: skip


def test_a_killed_writer_loses_nothing_written_and_the_next_goes_on(tmp_path: Path) -> None:
    """Killed by SIGKILL; then its last line is cut, as a crash of the machine would."""
    path = tmp_path / 'decisions.jsonl'
    program = (
        'import sys; from pathlib import Path; from made_drives import records\n'
        'from spark_ros.calibration.decision_files import DecisionWriter\n'
        'writer = DecisionWriter(Path(sys.argv[1]))\n'
        'for record in records("one", [0.5] * 3): writer.write(record)\n'
        'print("written", flush=True); sys.stdin.read()'
    )
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, '-c', program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == b'written\n'
        process.send_signal(signal.SIGKILL)
    assert list(read_log([path])) == records('one', [0.5] * 3)
    os.truncate(path, path.stat().st_size - 10)
    assert list(read_log([path])) == records('one', [0.5] * 3)[:-1]
    with DecisionWriter(path) as writer:
        writer.write(start('two'))
    assert list(read_log([path, path])) == [*records('one', [0.5] * 3)[:-1], start('two')]


def test_lines_torn_in_a_row_are_left_out_where_a_drive_follows(tmp_path: Path) -> None:
    """A disk that is nearly full tears a line, and the drive's record of each new attempt."""
    path, torn = tmp_path / 'decisions.jsonl', ['{"kind":"frame","drive":"d","ca', '{"kind":"dr']
    (begun, frame, answer), other = records('d', [0.5]), start('e')
    again = start('d', continued=True)
    good = [to_line(each) for each in (begun, frame, again, answer)]
    path.write_text('\n'.join([*good[:2], *torn, '', *good[2:], *torn]))
    assert list(read_log([path])) == [begun, frame, again, answer]
    # The record of another drive after torn ones does, too, where only the first is read.
    path.write_text('\n'.join([*good[:2], *torn, to_line(other), good[3]]))
    assert list(read_log([path], ['d'])) == [begun, frame, other, answer]
    path.write_text('\n'.join([good[0], *torn, good[1]]))
    with pytest.raises(DecisionError, match=r'decisions\.jsonl:2: this is not JSON'):
        list(read_log([path]))
    path.write_text('\n'.join([good[0], torn[0], '{"kind":"frame"}', good[2]]))
    with pytest.raises(DecisionError, match=r'decisions\.jsonl:3: drive is missing'):
        list(read_log([path]))


@pytest.mark.parametrize('id', ['', 'a"b', '\\', 'é\u2028', '","drive":"other', '"drive":"other"'])
def test_one_drive_of_many_is_read(id: str, tmp_path: Path) -> None:
    """Beside the policies of all."""
    path = tmp_path / 'decisions.jsonl'
    with DecisionWriter(path) as writer:
        for record in (*records(id, [0.5]), *records('other', [0.4])):
            writer.write(record)
    assert list(read_log([path], [id])) == [*records(id, [0.5]), start('other')]
    assert list(read_log([path], ['other'])) == [start(id), *records('other', [0.4])]



def test_damage_elsewhere_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / 'decisions.jsonl'
    good = [to_line(record) for record in records('d', [0.5])]
    path.write_text('\n'.join([good[0], '{"kind":', good[1]]))
    with pytest.raises(DecisionError, match=r'decisions\.jsonl:2: this is not JSON'):
        list(read_log([path]))
    path.write_text('\n'.join([good[0], '{"kind":"frame"}']))
    with pytest.raises(DecisionError, match=r'decisions\.jsonl:2: drive is missing'):
        list(read_log([path]))


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_log([tmp_path / 'decisions.jsonl']))
