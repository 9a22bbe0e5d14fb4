# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The benchmarks that play a whole robot run as docs/benchmarks.md says, if shortly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / 'benchmarks'
PAGE = BENCHMARKS.parent / 'docs' / 'benchmarks.md'
SHORTLY = {
    'chaos.py --backend spark': '--questions=12 --node-kills=1 --service-kills=1 --seconds=200',
    'many.py': '--open=100 --answered=20 --slowest=60',
    'decisions.py': '--rounds=1 --round-seconds=1',
}


@pytest.mark.slow('starts nodes and services, and kills some of them')
@pytest.mark.timeout(300)
@pytest.mark.parametrize('command', SHORTLY)
def test_it_runs(command: str) -> None:
    assert f'.venv/bin/python benchmarks/{command}\n' in PAGE.read_text('utf-8')
    script, *arguments = f'{command} {SHORTLY[command]}'.split()
    domain = os.environ.get('ROS_DOMAIN_ID', '0')
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments, f'--domain={domain}'],
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
