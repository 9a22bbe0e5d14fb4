# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An operator does not wait for the console, however many questions wait for the operator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT
from chromium import CHROMIUM

ROUNDS = 3
# Of processor time: other work on the machine takes any amount of the other.
SLOWEST_MS, LONGEST_TASK_MS = 1000, 500
# What waits for nothing that is computed is found by this one.
STUCK_MS = 15_000
TIMEOUT_S = 400
COUNTED = 'page opened, queue painted'
TIMED = {
    'robot POST, row painted': 0,
    'next to submit, prior unchanged': 2,
    'next to submit, box moved': 4,
    'next to submit, polygon drawn': 9,
    '12 megapixels after the one before': 1,
}


@pytest.mark.slow('works in a browser for a minute, before many questions')
@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize('waiting', [230, 5000])
def test_nothing_takes_a_second_and_no_task_half_of_one(tmp_path: Path, waiting: int) -> None:
    if CHROMIUM is None and not os.environ.get('CI'):
        pytest.skip('THE CONSOLE IS NOT TESTED: apt-get install chromium-headless-shell')
    report = tmp_path / 'report.json'
    said = subprocess.run(
        [
            sys.executable, str(ROOT / 'benchmarks' / 'console.py'), f'--waiting={waiting}',
            f'--rounds={ROUNDS}', f'--json={report}',
        ],
        capture_output=True, text=True, timeout=TIMEOUT_S - 10,
    )  # fmt: skip
    assert report.is_file(), said.stderr
    found = json.loads(report.read_text())['waiting'][str(waiting)]
    assert {*found} == {COUNTED, *TIMED}
    # Other work on the machine makes some rounds slower, but none faster.
    for name, keys in TIMED.items():
        assert found[name]['keys'] == keys
        assert 0 < min(found[name]['processor_ms']) < SLOWEST_MS, found
        assert 0 < min(found[name]['ms']) < STUCK_MS, found
    for each in found.values():
        assert 0 < min(each['longest_task_processor_ms']) <= LONGEST_TASK_MS, found
