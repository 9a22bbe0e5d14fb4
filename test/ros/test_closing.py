# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A node that is closed, or could never be made, is no longer there for the others."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asker import QUEUED, Asker, goal
from robot import Robot

from spark_ros.escalation.journal.journal import Journal
from spark_ros.ros.declaring import ParameterError


@pytest.fixture(autouse=True)
def no_garbage_collection() -> Iterator[None]:
    """Keep what nobody tidied up."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def onlooker(robot: Robot, wait_until: Any) -> Iterator[Robot]:
    """Somebody else in the same domain."""
    other = Robot(wait_until, {})
    yield other
    other.close()


def nodes(robot: Robot) -> list[str]:
    return robot.node.get_node_names()


def offered(robot: Robot) -> bool:
    """Return whether anybody serves the action."""
    return bool(robot.node.get_publishers_info_by_topic('/spark/engage/_action/feedback'))


def test_a_closed_node_has_left(robot: Robot, onlooker: Robot) -> None:
    asker = Asker(robot)
    node = robot.start()
    asker.send(goal()).until(QUEUED)
    onlooker.until(lambda: 'spark' in nodes(onlooker) and offered(onlooker))
    robot.executor.remove_node(node)
    node.close()
    robot.spark = None
    onlooker.until(lambda: 'spark' not in nodes(onlooker) and not offered(onlooker))
    asker.gone()
    asker.close()


def test_a_node_that_could_not_be_made_has_left(
    robot: Robot, onlooker: Robot, tmp_path: Path
) -> None:
    """For want of a port, which is found last."""
    journal = tmp_path / 'journal.db'
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ParameterError, match=r'webhook\.port'):
            robot.start(
                webhook__port=port,
                webhook__host='127.0.0.1',
                journal__path=str(journal),
                webhook__public_url=f'http://127.0.0.1:{port}/',
            )
    onlooker.until(lambda: 'robot' in nodes(onlooker) and 'spark' not in nodes(onlooker))
    Journal(journal).close()
