# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Worlds on all processors: in order, and without a process that stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from spark_ros.calibration.drives import drives_of
from spark_ros.demo.warehouse.audits import asking
from spark_ros.demo.warehouse.fleet import drive_worlds

HALL = Path(__file__).parents[3] / 'worlds' / 'warehouse.sdf'
DRIVES = f"""
import os, signal
from pathlib import Path
from spark_ros.demo.warehouse.audits import asking
from spark_ros.demo.warehouse.fleet import drive_worlds

def drive(frames):
    for _ in drive_worlds(Path({str(HALL)!r}), seeds(), asking(0.6), frames=frames,
                          progress=lambda done: print(done, flush=True)):
        pass
"""
ENDLESS = """
def seeds():
    return range(1000)

drive(1)
"""
INTERRUPTED = """
def importing():
    children = Path(f'/proc/self/task/{os.getpid()}/children').read_text().split()
    return any('numpy' in Path('/proc', each, 'maps').read_text() for each in children)

def seeds():
    for seed in range(100):
        if seed == 2:
            while not importing():
                pass
            os.killpg(0, signal.SIGINT)
        yield seed

drive(10**6)
"""


@contextmanager
def started(script: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, '-c', DRIVES + script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


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
    with started(ENDLESS) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == '1\n'
        send(process.pid, number)
        process.stdout.read()
        said = process.stderr.read()
        assert process.wait() == -number
    assert said.count('Traceback') == (number is signal.SIGINT)


def test_ctrl_c_while_processes_start_is_for_the_caller_alone() -> None:
    """And none is waited for: a world would take days."""
    with started(INTERRUPTED) as process:
        told, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT and not told
    assert said.count('Traceback') == 1 and said.endswith('KeyboardInterrupt\n'), said
