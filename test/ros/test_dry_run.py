# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A dry run needs no service and no key, asks nobody, and says what it would ask."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from asker import Asker
from front import Front
from rclpy.parameter import Parameter
from robot import TOKEN, Robot

from spark_ros.escalation.question.dry_run import Summary
from spark_ros.msg import EngagementStatus

WOULD_ASK = EngagementStatus.STATE_WOULD_ASK


def set_dry_run(robot: Robot, on: bool) -> Any:
    (result,) = robot.spark.set_parameters([Parameter('dry_run', value=on)])
    return result


def journaled(robot: Robot) -> int:
    """Return how many questions are in the journal's file."""
    path = Path(robot.parameters['journal.path'])
    with sqlite3.connect(f'file:{path}?mode=ro', uri=True) as reader:
        return reader.execute('SELECT COUNT(*) FROM escalation').fetchone()[0]


def test_without_a_key_it_only_tells(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('SPARK_TOKEN')
    node = robot.start(dry_run=True)
    robot.listen()
    robot.until(lambda: _heard(robot))
    front = Front(robot)
    front.see('cat', 0.42)
    front.see('cat', 0.42)
    front.see('dog', 0.9)
    front.see('dog', 0.3)
    robot.until(lambda: len(robot.statuses) == 2)
    cat, dog = robot.statuses
    assert (cat.state, cat.token, cat.camera, cat.header.frame_id) == (
        WOULD_ASK, '', 'front', 'optical',
    )  # fmt: skip
    assert cat.detail == 'cat 0.42 is under its ask_below 0.6'
    assert dog.detail == 'dog 0.3 is under its ask_below 0.6'
    assert node._runtime.dry_run == Summary(2, {'cat': 1, 'dog': 1}, {'front': 2})
    assert not Path(robot.parameters['journal.path']).exists()


def test_without_a_key_it_cannot_be_switched_off(
    robot: Robot, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('SPARK_TOKEN')
    node = robot.start(dry_run=True, server__url=listener.url)
    robot.listen()
    robot.until(lambda: _heard(robot))
    result = set_dry_run(robot, False)
    assert not result.successful and 'SPARK_TOKEN' in result.reason
    assert node.get_parameter('dry_run').value is True
    front = Front(robot)
    front.see('cat', 0.4)
    robot.until(lambda: robot.statuses)
    assert robot.statuses[0].state == WOULD_ASK
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    result = set_dry_run(robot, False)
    assert result.successful, result.reason
    assert not listener.bodies
    front.see('cat', 0.4)
    robot.until(lambda: listener.bodies)
    # The service may have it before the test has heard of it.
    queued = EngagementStatus.STATE_QUEUED
    robot.until(lambda: queued in [status.state for status in robot.statuses])
    assert node._runtime.dry_run is None


def test_with_a_key_it_calls_nobody_either(
    robot: Robot, listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No service is looked for, and no journal made: it says so at the start."""
    caplog.set_level(logging.INFO)
    robot.start(dry_run=True, server__url=listener.url)
    robot.listen()
    robot.until(lambda: _heard(robot))
    Front(robot).see('cat', 0.42)
    robot.until(lambda: robot.statuses)
    assert not robot.spark._runtime.connected and not listener.received
    assert not Path(robot.parameters['journal.path']).exists()
    assert 'dry run' in caplog.text and 'asking http' not in caplog.text


def test_switched_on_it_asks_nobody_any_more(robot: Robot, listener: Any) -> None:
    """Not even on purpose; what a person has already been asked may still be answered."""
    robot.start(server__url=listener.url)
    robot.listen()
    robot.until(lambda: _heard(robot))
    front = Front(robot)
    front.see('cat', 0.4)
    robot.until(lambda: listener.bodies)
    assert set_dry_run(robot, True).successful
    front.see('dog', 0.4)
    robot.until(lambda: WOULD_ASK in [status.state for status in robot.statuses])
    said = Asker(robot).call('ask_now')
    assert not said.success and 'dry_run is on' in said.message
    assert len(listener.bodies) == 1 and journaled(robot) == 1
    assert set_dry_run(robot, False).successful
    front.see('dog', 0.4)
    robot.until(lambda: len(listener.bodies) == 2)


def _heard(robot: Robot) -> bool:
    """Whether what the node says of its questions reaches the test."""
    (said,) = robot.node.get_publishers_info_by_topic('/spark/engagements') or [None]
    return said is not None and robot.spark._outputs._statuses.get_subscription_count() > 0
