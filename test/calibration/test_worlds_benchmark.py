# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The benchmark on rendered worlds, with a few of them; it finds a promise that is broken."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from made_drives import POLICY, drive

from spark_ros.calibration.calibrate import Promise, calibrate
from spark_ros.calibration.drives import Drive
from spark_ros.calibration.path import shared_path
from spark_ros.calibration.replay import Replays, replay_all

BENCHMARK = Path(__file__).resolve().parents[2] / 'benchmarks' / 'worlds.py'


@pytest.fixture(scope='module')
def benchmark() -> dict[str, Any]:
    return runpy.run_path(str(BENCHMARK))


@pytest.fixture(scope='module')
def drives() -> list[Drive]:
    random = np.random.default_rng(3)
    return [
        drive(str(n), 0.1 + 0.8 * random.beta(2, 3, 3), random.uniform(0.5, 1, 6))
        for n in range(80)
    ]


@pytest.fixture(scope='module')
def replays(drives: list[Drive]) -> Replays:
    return replay_all(drives, shared_path(POLICY))


def test_a_deal_calibrates_as_the_command_does(benchmark, drives, replays) -> None:
    rows = np.random.default_rng(1).permutation(len(drives))[:40]
    index = Promise(0.1).index(benchmark['some_of'](replays, rows))
    assert index is not None
    assert calibrate([drives[row] for row in rows], Promise(0.1)).index == index


def test_a_promise_is_kept_and_a_broken_one_found(benchmark, replays) -> None:
    """Who calibrates by 20 % has not kept 10 %."""
    counted = benchmark['deal'](np.random.default_rng(1), Promise(0.2), replays, 200)
    assert counted.held(0.2) and not counted.held(0.1) and counted.impossible == 0
    strict = benchmark['deal'](np.random.default_rng(1), Promise(0.01), replays, 20)
    assert strict.impossible == 20 and strict.mean == pytest.approx(0.0)


@pytest.mark.slow('twenty worlds are rendered')
@pytest.mark.timeout(600)
def test_a_few_worlds(tmp_path: Path) -> None:
    """The second run, from the log, says the same."""
    picture, log = tmp_path / 'worlds.svg', tmp_path / 'decisions.jsonl'
    command = [
        sys.executable, str(BENCHMARK), '--worlds', '20', '--frames', '6', '--alpha', '0.5',
        '--picture', str(picture), '--log', str(log),
    ]  # fmt: skip
    first, second = (
        subprocess.run(command, text=True, capture_output=True, check=False)
        for _ in range(2)
    )
    assert first.returncode == 0, first.stdout + first.stderr
    row = r'^ 0\.50  one threshold +\d+\.\d +0\.\d+ ± 0\.\d+ .* yes$'
    assert re.search(row, first.stdout, re.MULTILINE), first.stdout
    assert '20 of 20 worlds' in first.stderr and second.stderr == ''
    assert second.stdout == first.stdout
    words = [each.text for each in ElementTree.parse(picture).getroot().findall('{*}text')]
    assert {'ask_below 0.6', '50 %, calibrated', 'oracle', 'one threshold'} <= set(words)
