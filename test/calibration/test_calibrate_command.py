# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark calibrate` and `spark decisions`, as they are called, and the files that they write."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from made_drives import POLICY, records

from spark_ros.calibration.decision_files import DecisionWriter
from spark_ros.calibration.decisions import CameraPolicy, FrameRecord, Policy
from spark_ros.calibration.drives import SAME_BOX_IOU
from spark_ros.calibration.parameter_file import parameter_file
from spark_ros.cli.spark import FAILED, OK, USAGE, main
from spark_ros.policy import Thresholds

HOSTILE = '</title><script>alert(1)</script><img src=//evil onerror=x>\u202e"\\'
texts = st.text(st.characters(codec='utf-8'), max_size=8)


@pytest.fixture
def log(tmp_path: Path):
    """Return a function that writes a log of drives, and returns its path."""

    def write(*drives, name: str = 'decisions.jsonl') -> str:
        path = tmp_path / name
        with DecisionWriter(path) as writer:
            for number, made in enumerate(drives):
                for record in records(f'{name} {number}', **made):
                    writer.write(record)
        return str(path)

    return write


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    code = main([str(each) for each in arguments])
    return code, *capsys.readouterr()


def test_a_promise_is_kept_and_written(log, tmp_path: Path, capsys) -> None:
    """Two logs of 30 drives each: errors under 0.5, and one drive of 60 with a sure one."""
    logs = [
        log(*[{'scores': [0.3, 0.45], 'right': [0.9]}] * 30),
        log(*[{'scores': [0.3], 'right': [0.8]}] * 29, {'scores': [0.95]}, name='other.jsonl'),
    ]
    code, out, _ = run(capsys, 'calibrate', *logs, '--into', tmp_path / 'made')
    assert code == OK
    assert '60 drives count' in out and 'Promised: on average at most 0.05' in out
    loaded = yaml.safe_load((tmp_path / 'made' / 'thresholds.yaml').read_text())
    front = loaded['/**']['ros__parameters']['front']
    assert front['ask_below'] == 0.46 and front['ask_below_labels'] == []
    report = json.loads((tmp_path / 'made' / 'report.json').read_text())
    assert report['kept'] and report['chosen_step'] == 46 and len(report['drives']) == 60
    shares = [each['unasked_share'] for each in report['drives']]
    assert sum(shares) == 1.0 and shares[-1] == 1.0
    code, out, _ = run(capsys, 'calibrate', *logs, '--into', tmp_path / 'made', '--json')
    assert (code, json.loads(out)) == (OK, report)


def test_what_was_promised_of_each_kind(log, tmp_path: Path, capsys) -> None:
    path = log(*[{'scores': [0.3, 0.45]}] * 100)
    for options, words in (
        (['--delta', '0.05'], 'with probability 0.95, on average at most 0.05'),
        (['--weigh-errors', '4'], '0.05 of all errors go unasked'),
        (['--weigh-errors', '4', '--delta', '0.1'], 'with probability 0.9, on average'),
        (['--learn-from', '0.3', '--seed', '7'], '30 more were set aside'),
    ):
        code, out, _ = run(capsys, 'calibrate', path, '--into', tmp_path / 'made', *options)
        assert code == OK and words in out, out


def test_the_node_watches_only_the_promise_that_it_can(log, tmp_path: Path, capsys) -> None:
    path = log(*[{'scores': [0.3, 0.45]}] * 60)
    for options, watched, words in (
        ([], 0.05, 'report.html'),
        (['--same-box', '0.9'], 0.05, 'report.html'),
        (['--same-box', '0.5'], 0.0, 'overlap less than 0.9 are errors to it, not 0.5'),
        (['--weigh-errors', '4'], 0.0, 'does not weigh drives'),
    ):
        code, out, _ = run(capsys, 'calibrate', path, '--into', tmp_path / 'made', *options)
        loaded = yaml.safe_load((tmp_path / 'made' / 'thresholds.yaml').read_text())
        assert code == OK and words in out, out
        assert ('The node does not watch this promise' in out) == (not watched)
        assert loaded['/**']['ros__parameters']['decisions']['promise'] == watched


def test_too_few_drives(log, tmp_path: Path, capsys) -> None:
    """It says how many more and what holds now, and leaves no older thresholds behind."""
    folder = tmp_path / 'made'
    folder.mkdir()
    (folder / 'thresholds.yaml').write_text('of an earlier run')
    path = log(*[{'scores': [0.3]}] * 12)
    code, out, _ = run(capsys, 'calibrate', path, '--into', folder)
    assert code == FAILED
    assert '7 more drives like these are needed' in out and '0.077 can be promised now' in out
    assert sorted(file.name for file in folder.iterdir()) == ['report.html', 'report.json']


def test_missed_objects_cannot_be_promised_away(log, tmp_path: Path, capsys) -> None:
    path = log(*[{'scores': [0.3], 'missed': 1}] * 40)
    code, out, _ = run(capsys, 'calibrate', path, '--into', tmp_path / 'made')
    assert code == FAILED and 'No number of drives changes that' in out


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_a_hostile_label_runs_nothing_in_the_report(tmp_path: Path, capsys) -> None:
    path = tmp_path / 'decisions.jsonl'
    with DecisionWriter(path) as writer:
        for number in range(30):
            policy = Policy({HOSTILE: POLICY.cameras['front']})
            for record in records(str(number), [0.3], policy=policy):
                if isinstance(record, FrameRecord):
                    record = FrameRecord(**{**vars(record), 'camera': HOSTILE})
                writer.write(record)
    code, out, _ = run(capsys, 'calibrate', path, '--into', tmp_path / 'made')
    assert code == OK and '\u202e' not in out
    page = (tmp_path / 'made' / 'report.html').read_text()
    tags = _Tags()
    tags.feed(page)
    assert not tags.tags & {'script', 'img', 'link', 'iframe', 'object'}
    assert not {name for name in tags.attributes if name.startswith('on')} | (
        tags.attributes & {'href', 'src', 'style'}
    )
    assert not re.search(r'https?:|url\(|@import', page) and 'alert(1)' in page
    loaded = yaml.safe_load((tmp_path / 'made' / 'thresholds.yaml').read_text())
    assert list(loaded['/**']['ros__parameters']) == ['decisions', HOSTILE]


def test_decisions_are_summarised(log, capsys) -> None:
    path = log({'scores': [0.9], 'right': [0.5]}, {'scores': [0.3], 'missed': 1})
    code, out, _ = run(capsys, 'decisions', path)
    assert code == OK
    assert '2 drives, 4 frames' in out
    assert '4 of 4 audits answered: 2 nothing there, 1 missed' in out
    assert '0.7500 of the errors of a drive went unasked, on average over 2 drives' in out


def test_a_broken_promise_is_told(log, capsys) -> None:
    path = log(*[{'scores': [0.3]}] * 20, *[{'scores': [0.9]}] * 12)
    code, out, _ = run(capsys, 'decisions', path, '--alpha', '0.05')
    assert code == FAILED and 'the promise of 0.05 is broken' in out
    code, out, _ = run(capsys, 'decisions', path, '--alpha', '0.9', '--json')
    assert code == OK and json.loads(out)['watch']['broken'] is False


@pytest.mark.parametrize('command', ['calibrate', 'decisions'])
def test_clear_errors(command: str, tmp_path: Path, capsys) -> None:
    missing, damaged = tmp_path / 'missing.jsonl', tmp_path / 'damaged.jsonl'
    assert run(capsys, command, missing)[0] == USAGE
    damaged.write_text('{"kind":"frame"}\n')
    code, _, error = run(capsys, command, damaged)
    assert code == USAGE and 'damaged.jsonl:1: drive is missing' in error
    with pytest.raises(SystemExit):
        main([command, str(damaged), '--alpha', '1.5'])
    assert 'a share from 0.001 to 0.999' in capsys.readouterr().err


def test_the_help_names_the_default(capsys) -> None:
    with pytest.raises(SystemExit):
        main(['decisions', '--help'])
    assert f'(default: {SAME_BOX_IOU})' in ' '.join(capsys.readouterr().out.split())


def test_an_empty_log(tmp_path: Path, capsys) -> None:
    (tmp_path / 'decisions.jsonl').touch()
    code, _, error = run(capsys, 'calibrate', tmp_path / 'decisions.jsonl')
    assert code == USAGE and 'none of 0 drives has an answered audit' in error


@given(st.dictionaries(texts, st.floats(0, 1), max_size=4), texts, st.floats(0, 1))
def test_the_parameter_file_loads_as_it_was(labels, camera: str, score: float) -> None:
    """Whatever a label has in it; a score is a double to ROS, thus has a point."""
    rules = Thresholds(score, 0.0, labels, {})
    text = parameter_file(Policy({camera: CameraPolicy(rules)}), ['made\nhere'])
    front = yaml.safe_load(text)['/**']['ros__parameters'][camera]
    made = dict(zip(front['ask_below_labels'], front['ask_below_scores'], strict=True))
    assert (front['ask_below'], made) == (score, labels)
    assert all(isinstance(each, float) for each in (front['ask_below'], *made.values()))
