# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A robot for each test, and services that live as long as the tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from listener import Listener
from robot import TOKEN, Robot
from services import Service
from serving import free_port


@pytest.fixture
def robot(
    wait_until: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Robot]:
    """A robot whose service cannot be reached: what is asked stays in the journal."""
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    robot = Robot(
        wait_until,
        {
            'server.url': f'http://127.0.0.1:{free_port()}',
            'cameras': ['front'],
            'robot_id': 'rover',
            'journal.path': str(tmp_path / 'journal.db'),
            'poll.interval_s': 0.1,
            'poll.max_interval_s': 1.0,
        },
    )
    yield robot
    # Nobody waits any more.
    monkeypatch.setattr('spark_ros.ros.engage.TOLD_S', 0.0)
    robot.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that the test starts, with or without an operator."""
    service = Service(tmp_path / 'service')
    yield service
    service.stop()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """What the node's questions are sent to where no answer is needed."""
    listening = Listener()
    yield listening
    listening.close()
