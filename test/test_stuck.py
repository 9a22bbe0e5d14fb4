# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A test that hangs ends, and shows where, even if it never lets go of the interpreter's lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow('waits for tests that hang')

ROOT = Path(__file__).parents[1]
# What is called by PyDLL keeps the lock.
STUCK = """
import ctypes

def test_stuck():
    ctypes.PyDLL(None).pause()

def test_after_it():
    pass
"""


@pytest.mark.parametrize('processes', [0, 1])
def test_a_stuck_test_ends_with_its_stack(tmp_path: Path, processes: int) -> None:
    """Without xdist it takes the run with it; with xdist the run goes on, and fails."""
    file = tmp_path / 'test_it.py'
    file.write_text(STUCK)
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-c', str(ROOT / 'pyproject.toml'), '--rootdir', tmp_path,
         '-o', 'faulthandler_timeout=2', '-p', 'no:cacheprovider', f'-n{processes}', file],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert 'Timeout' in done.stderr and 'test_it.py", line 5 in test_stuck' in done.stderr
    if processes:
        assert '1 failed, 1 passed' in done.stdout
