# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A short loop as a user drives it: asking makes the result better, and the picture says so."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import cv2
import pytest
from checkout import linked_checkout, make_environment

from spark_ros.demo.__main__ import main
from spark_ros.demo.warehouse.run import ASKING

ROW = r'^{} +([\d.]+) +([\d.]+) +([\d.]+) +(\d+) +(\d+) +(\d+)$'


def row(name: str, told: str) -> list[float]:
    """Return precision, recall, F1, right, wrong and missed of a line of the table."""
    found = re.search(ROW.format(re.escape(name)), told, re.M)
    assert found, told
    return [float(number) for number in found.groups()]


@pytest.mark.slow('a robot drives through the whole hall, twice')
@pytest.mark.timeout(420)
def test_asking_makes_the_result_better(tmp_path, monkeypatch):
    marker = f'LOOP_OF_TEST={tmp_path}'
    monkeypatch.setenv(*marker.split('=', 1))
    checkout = linked_checkout(tmp_path / 'checkout')
    done = subprocess.run(
        ['make', 'demo', 'SCENE=warehouse'], cwd=checkout, env=make_environment(),
        text=True, capture_output=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    alone, together = (
        row(name, done.stdout) for name in ('detector alone', 'detector + resolutions'))
    frames, asked = map(int, re.search(
        r'^frames +(\d+), of which (\d+) were asked', done.stdout, re.M).groups())
    assert frames >= 10 and asked >= 4, done.stdout
    assert 0.5 < alone[2] < 0.9, done.stdout
    assert together[2] > alone[2] + 0.08, done.stdout
    # Both are scored against the same true objects.
    assert alone[3] + alone[5] == together[3] + together[5]
    picture = cv2.imread(str(checkout / 'demo_output' / 'warehouse' / 'f1.png'))
    assert picture is not None and picture.shape[1] == 1240
    monkeypatch.delenv('LOOP_OF_TEST')
    assert left_behind(marker) == []


@pytest.mark.slow('forty worlds are rendered, and a robot drives through the whole hall')
@pytest.mark.timeout(640)
def test_calibrated_thresholds_miss_less(tmp_path):
    """By the node itself: it asks about just the frames that the replay says."""
    checkout = linked_checkout(tmp_path / 'checkout')
    done = subprocess.run(
        ['make', 'demo', 'SCENE=warehouse', 'CALIBRATE=1'], cwd=checkout, env=make_environment(),
        text=True, capture_output=True, timeout=620, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert '40 of 40 worlds' in done.stdout
    (default, calibrated) = re.findall(
        r'^(?:ask_below|calibrated:) (0\.\d+) +(\d+) +(\d+) of (\d+)$', done.stdout, re.MULTILINE)
    assert float(default[0]) == float(ASKING['ask_below'])
    assert int(calibrated[2]) < int(default[2]) / 2, done.stdout
    asked = re.search(r', of which (\d+) were asked', done.stdout)
    assert asked and asked[1] == calibrated[1], done.stdout
    made = (checkout / 'demo_output' / 'warehouse' / 'thresholds.yaml').read_text('utf-8')
    assert f'ask_below: {calibrated[0].rstrip("0")}' in made


def test_calibrating_needs_a_scene(tmp_path, capsys):
    assert main(['--calibrate', '--output', str(tmp_path)]) == 1
    assert capsys.readouterr().err == 'demo: --calibrate needs a --scene, such as warehouse\n'


def test_a_world_that_is_not_there_is_named(tmp_path, capsys):
    assert main(['--scene', 'nowhere', '--output', str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith('demo: ') and said.endswith('nowhere.sdf: there is no such world\n')


def left_behind(marker: str) -> list[str]:
    """Return the command lines of processes whose environment has a marker."""
    found = []
    for process in Path('/proc').glob('[0-9]*'):
        try:
            if marker.encode() in (process / 'environ').read_bytes():
                found.append((process / 'cmdline').read_bytes().decode().replace('\0', ' '))
        except OSError:
            continue
    return [line for line in found if str(os.getpid()) not in line]
