# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The benchmark of what a question costs comes to its end, with a coarse ceiling."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT


@pytest.mark.slow('loads a service, and the floor beside it')
def test_a_create_costs_little_more_than_its_statements(tmp_path: Path) -> None:
    report = tmp_path / 'report.json'
    said = subprocess.run(
        [sys.executable, str(ROOT / 'benchmarks' / 'floor.py'), '--quick', '--json', str(report)],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert report.is_file(), said.stderr
    [turns] = json.loads(report.read_text())['rounds']
    for clients in ('1 client', '8 clients'):
        ours, floor = (
            turns[name][f'create, {clients}']['cpu_ms'] for name in ('service', 'floor')
        )
        # Without the means that are measured at length, it is above 5.
        assert ours < 6 * floor, said.stdout
    assert turns['service']['whole question']['per_s'] > 0
