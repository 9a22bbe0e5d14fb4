# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Tests meet nobody and hang on nothing that another process left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import domain_coordinator
import pytest
from robot import Robot


def test_no_participant_uses_shared_memory(robot: Robot) -> None:
    robot.start()
    names = set()
    for task in Path('/proc/self/task').iterdir():
        # It may end meanwhile.
        with suppress(OSError):
            names.add((task / 'comm').read_text().strip())
    assert any(name.startswith('dds.udp') for name in names)
    assert not any('shm' in name for name in names)


@pytest.mark.skipif(os.geteuid() != 0, reason='a network of its own takes root')
def test_there_is_no_way_out() -> None:
    assert [name for _, name in socket.if_nameindex()] == ['lo']
    # Not by Python, in which the audit hook would refuse it.
    tried = subprocess.run(
        ['bash', '-c', 'exec 3<>/dev/tcp/192.0.2.1/80'], capture_output=True, text=True
    )
    assert tried.returncode != 0 and 'unreachable' in tried.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason='a network of its own takes root')
def test_a_run_starts_where_every_domain_is_in_use() -> None:
    with ExitStack() as others:
        with pytest.raises(RuntimeError):
            while True:
                others.enter_context(domain_coordinator.domain_id())
        started = subprocess.run(
            [sys.executable, '-m', 'pytest', '--collect-only', '-q', '-p', 'no:cacheprovider',
             __file__],
            capture_output=True, text=True, timeout=50,
        )  # fmt: skip
    assert started.returncode == 0, started.stdout + started.stderr
