# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Simulated time may stand still, jump and race: what waits, waits on the steady clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from robot import (
    BEST_EFFORT,
    RELIABLE,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from services import Service
from vision_msgs.msg import Detection2DArray

from spark_ros.msg import EngagementStatus
from spark_ros.ros.camera import CameraInput

WAIT_S = 1.0
TIMEOUT_S = 1.5
START_S = 1000.0
Sim = Callable[[float], float]
CLOCKS: dict[str, Sim] = {
    'stands still': lambda elapsed: START_S,
    'jumps back': lambda elapsed: START_S + elapsed - (900.0 if elapsed > 0.3 else 0.0),
    'runs at ten times': lambda elapsed: START_S + 10 * elapsed,
}


@pytest.fixture(params=CLOCKS)
def clock(request: pytest.FixtureRequest, robot: Robot) -> Iterator[Sim]:
    """A /clock at 100 Hz; gives the time it shows."""
    publisher = robot.node.create_publisher(Clock, '/clock', BEST_EFFORT)
    began = time.monotonic()

    def now() -> float:
        return CLOCKS[request.param](time.monotonic() - began)

    def tick() -> None:
        publisher.publish(Clock(clock=stamped(now()).stamp))

    timer = robot.node.create_timer(0.01, tick)
    yield now
    robot.node.destroy_timer(timer)


def start(robot: Robot, clock: Sim, **parameters: Any) -> tuple[Any, Any]:
    """Run the node by the simulated clock; return its camera and its detector."""
    robot.listen()
    given = {'timeout_s': TIMEOUT_S, 'front__frames__wait_s': WAIT_S, **parameters}
    node = robot.start(use_sim_time=True, **given)
    publishers = (
        robot.publisher(Image, '/front/image_raw', BEST_EFFORT),
        robot.publisher(Detection2DArray, '/front/detections', RELIABLE),
    )
    # A clock that has not been heard shows zero.
    robot.until(lambda: node.get_clock().now().nanoseconds > 0)
    return publishers


def only_camera(robot: Robot) -> CameraInput:
    assert robot.spark is not None
    (camera,) = robot.spark._cameras
    return camera


def test_a_detection_without_its_frame_is_given_up_in_time(robot: Robot, clock: Sim) -> None:
    images, detector = start(robot, clock)
    camera = only_camera(robot)
    now = clock()
    images.publish(raw(picture(1), stamped(now - 60.0)))
    robot.until(lambda: camera.frames)
    detector.publish(detections(stamped(now, 'optical'), detection('cat', (5, 6, 100, 80))))
    robot.until(lambda: camera._waiting)
    until = camera._waiting[0][0]
    robot.until(lambda: camera.unmatched)
    assert until <= time.monotonic()
    assert not camera._waiting


def ask(robot: Robot, clock: Sim, publishers: tuple[Any, Any]) -> Any:
    """Publish a frame with a doubted detection; return their header."""
    header = stamped(clock())
    for publisher, message in zip(
        publishers,
        (
            raw(picture(1), header),
            detections(header, detection('cat', (50.0, 60.0, 100.0, 80.0))),
        ),
        strict=True,
    ):
        publisher.publish(message)
    return header


def test_a_question_expires_neither_early_nor_never(robot: Robot, clock: Sim) -> None:
    publishers = start(robot, clock)
    asked = time.monotonic()
    header = ask(robot, clock, publishers)
    expired = EngagementStatus.STATE_EXPIRED
    robot.until(lambda: expired in [status.state for status in robot.statuses])
    # The wait begins after asking, by the calendar.
    assert time.monotonic() - asked >= TIMEOUT_S - 0.1
    assert {status.header == header for status in robot.statuses} == {True}


def test_an_answer_has_its_frames_stamp(
    robot: Robot, clock: Sim, service: Service, tmp_path: Path
) -> None:
    service.start('scripted')
    token_file = tmp_path / 'token'
    token_file.touch(0o600)
    token_file.write_text(service.key)
    # However long the service takes for it.
    publishers = start(
        robot, clock, server__url=service.url, server__token_file=str(token_file), timeout_s=0.0
    )
    header = ask(robot, clock, publishers)
    robot.until(lambda: robot.resolutions)
    (resolution,) = robot.resolutions
    assert resolution.header == header
    # When the operator submitted is told by the service's calendar, not by the simulation.
    assert resolution.closed.sec > 1_600_000_000
