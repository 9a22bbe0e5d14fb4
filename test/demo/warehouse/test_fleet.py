# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Worlds on all processors: in order, and without a process that stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spark_ros.calibration.drives import drives_of
from spark_ros.demo.warehouse.audits import asking
from spark_ros.demo.warehouse.fleet import drive_worlds

HALL = Path(__file__).parents[3] / 'worlds' / 'warehouse.sdf'
ENDLESS = f"""
from pathlib import Path
from spark_ros.demo.warehouse.audits import asking
from spark_ros.demo.warehouse.fleet import drive_worlds
for _ in drive_worlds(Path({str(HALL)!r}), range(1000), asking(0.6), frames=1,
                      progress=lambda done: print(done, flush=True)):
    pass
"""


def begun(caller: int) -> int:
    """Return how many of its processes leave Ctrl-C to a caller by now."""
    found = 0
    for child in Path(f'/proc/{caller}/task/{caller}/children').read_text().split():
        process = Path('/proc', child)
        ignored = int(re.search(r'SigIgn:\s+(\w+)', (process / 'status').read_text())[1], 16)
        worker = b'spawn_main' in (process / 'cmdline').read_bytes()
        found += worker and ignored >> (signal.SIGINT - 1) & 1
    return found


@pytest.mark.slow('processes are started that render')
def test_drives_come_in_the_order_of_their_worlds() -> None:
    told: list[int] = []
    records = drive_worlds(HALL, [4, 2], asking(0.6), frames=2, progress=told.append)
    made = drives_of(records)
    assert [each.id for each in made] == ['world_4', 'world_2']
    assert [len(each.frames) for each in made] == [2, 2]
    assert told == [1, 2]


@pytest.mark.slow('processes are started that render')
@pytest.mark.parametrize(
    ('number', 'send'), [(signal.SIGKILL, os.kill), (signal.SIGINT, os.killpg)],
    ids=['killed', 'ctrl_c'],
)  # fmt: skip
def test_none_outlives_its_caller(
    number: signal.Signals, send: Callable[[int, int], None]
) -> None:
    """All write to one pipe, which ends when the last of them has."""
    with subprocess.Popen(
        [sys.executable, '-c', ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout and process.stderr
        assert process.stdout.readline() == '1\n'
        # One may have driven through a world before another has begun.
        while begun(process.pid) < os.cpu_count():
            assert process.stdout.readline()
        send(process.pid, number)
        process.stdout.read()
        said = process.stderr.read()
    assert process.returncode == -number
    assert said.count('Traceback') == (number is signal.SIGINT)
