# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What could hold the node for ever, or leave it spinning though it can do nothing any more."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from front import Front
from listener import Listener
from robot import TOKEN, Robot

from spark_ros.msg import EngagementStatus


def test_a_proxy_that_drips_does_not_hold_the_polls(
    robot: Robot, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call has an end, however often a byte comes."""
    monkeypatch.setattr('spark_ros.ros.backends.CALL_S', 0.5)
    listener.drips = True
    robot.start(server__url=listener.url, poll__interval_s=0.1, poll__max_interval_s=0.2)
    robot.listen()
    # Once: more frames would keep the interpreter from calls that have half a second.
    Front(robot).see('cat', 0.4)
    opened = EngagementStatus.STATE_OPEN
    robot.until(lambda: opened in [status.state for status in robot.statuses])

    def polls() -> int:
        return sum(each.startswith(b'/v1/engagement') for each in listener.received)

    seen = polls()
    robot.until(lambda: polls() >= seen + 3)


def test_a_thread_that_ends_ends_the_process(
    robot: Robot, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an exit code by which a launch file starts it again."""
    (tmp_path / 'site').mkdir()
    (tmp_path / 'site' / 'sitecustomize.py').write_text(SPOILED)
    monkeypatch.setenv('PYTHONPATH', f'{tmp_path / "site"}:{os.environ.get("PYTHONPATH", "")}')
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    node = robot.spawn(server__url=listener.url)
    assert node.wait(60) == 1, node.output
    assert 'asking has stopped' in node.output


SPOILED = """
from spark_ros.escalation.answers.feed import Feed

async def run(self):
    raise MemoryError('as by a fault of ours')

Feed.run = run
"""


def test_a_row_that_cannot_be_read_does_not_end_the_node(
    robot: Robot, listener: Listener, tmp_path: Path
) -> None:
    robot.start(server__url=listener.url)
    robot.listen()
    Front(robot).see('cat', 0.4)
    robot.until(lambda: robot.statuses)
    path = Path(robot.parameters['journal.path'])
    robot.executor.remove_node(robot.spark)
    robot.spark.close()
    robot.spark = None
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE escalation SET record = '{}'")
        db.commit()
    robot.statuses.clear()
    node: Any = robot.start(server__url=listener.url)
    front = Front(robot)

    def asked() -> bool:
        front.see('dog', 0.4)
        return bool(robot.statuses)

    robot.until(asked)
    robot.until(lambda: node._runtime.health.unreadable == 1)
