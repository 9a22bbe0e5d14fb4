# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node keeps its promises on a rclpy that has only what Humble's has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spark_ros.ros.workarounds.humble import HUMBLE

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MATCHING = ('test_matching_qos.py',)
HELD = (
    'test_killed.py::test_an_answer_from_before_waits_for_who_listens',
    'test_killed.py::test_an_answer_that_nobody_hears_stays_for_the_next_start',
    'test_killed.py::test_what_cannot_be_published_stops_nothing_else',
)
LIVE = ('test_reconfiguring.py', 'test_dry_run.py')


@pytest.mark.slow('runs whole test files again')
@pytest.mark.skipif(HUMBLE, reason='every other test shows it')
@pytest.mark.timeout(600)
@pytest.mark.parametrize('tests', [MATCHING, HELD, LIVE], ids=['matching', 'held', 'live'])
def test_the_same_tests_pass(tests: tuple[str, ...]) -> None:
    run = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'humble_rclpy', '-p', 'no:cacheprovider',
         '-o', 'addopts=--timeout=120', *(f'test/ros/{test}' for test in tests)],
        cwd=ROOT, env={**os.environ, 'PYTHONPATH': f'{HERE}{os.pathsep}{ROOT}'},
        capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert ' passed' in run.stdout
