# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What runs on the robot beside rclpy works with the httpx and the anyio of Ubuntu 22.04."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT
from network import outside

OLDEST = (
    'httpx==0.22.0', 'anyio==3.5.0', 'numpy<2', 'opencv-python-headless<4.12',
    'pytest==9.2.0', 'pytest-timeout==2.4.0', 'hypothesis', 'Pillow',
)  # fmt: skip
TESTS = ROOT / 'test'
# These have the service on the other side, which needs newer libraries.
WITH_SERVICE = (
    'clients/test_spark_cli.py', 'clients/test_spark_round.py', 'clients/test_spark_usage.py',
    'escalation/test_repeated_create.py', 'escalation/test_in_time.py',
)  # fmt: skip


@pytest.fixture(scope='module')
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with the oldest libraries that are promised, of Python 3.10 where it is."""
    folder = tmp_path_factory.mktemp('oldest') / 'venv'
    # What stands in the path may be a shim for a version that is not there.
    there = shutil.which('python3.10') and not subprocess.call(['python3.10', '-c', ''])
    oldest = 'python3.10' if there else getattr(sys, '_base_executable', sys.executable)
    subprocess.run([oldest, '-m', 'venv', folder], check=True)
    pip = [str(folder / 'bin' / 'pip'), 'install', '--quiet', *OLDEST]
    subprocess.run(outside(pip), check=True)
    return str(folder / 'bin' / 'python')


@pytest.mark.slow('installs libraries and runs whole test files again')
@pytest.mark.timeout(900)
@pytest.mark.parametrize('tests', ['clients', 'drawing', 'escalation'])
def test_the_same_tests_pass(python: str, tests: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [python, '-m', 'pytest', '-q', '-c', os.devnull, f'--rootdir={TESTS / tests}',
         f'--confcutdir={TESTS / tests}', '-p', 'no:cacheprovider', '-m', 'not slow',
         # It has no deadline, as the profile of the tests' own configuration.
         '--hypothesis-profile=ci',
         # These want a file system of their own.
         '-k', 'not (full_disk or is_full_from)',
         *(f'--ignore={TESTS / each}' for each in WITH_SERVICE), str(TESTS / tests)],
        cwd=tmp_path, env=os.environ | {'PYTHONPATH': f'{ROOT}{os.pathsep}{TESTS}'},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert ' passed' in run.stdout
