# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is said of a question beside its image: where the robot was, and only what may leave."""

from __future__ import annotations

import math
from typing import Any

import pytest
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    PoseWithCovariance,
    PoseWithCovarianceStamped,
    Quaternion,
)
from listener import Listener
from nav_msgs.msg import Odometry
from rclpy.qos import QoSProfile
from robot import (
    BEST_EFFORT,
    LATCHED,
    RELIABLE,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

HEADER = stamped(41.25, 'map')
HERE = Pose(
    position=Point(x=1.5, y=-2.25, z=0.1), orientation=Quaternion(x=0.0, y=0.0, z=0.6, w=0.8)
)
WRITTEN = {'pose': '1.5 -2.25 0.1 0.0 0.0 0.6 0.8', 'pose_frame_id': 'map',
           'pose_stamp': '41.250000000'}  # fmt: skip
USUAL = {'robot_id': 'rover', 'camera': 'front', 'frame_id': 'optical', 'stamp': '3.500000000'}
POSES = {
    'geometry_msgs/PoseStamped': PoseStamped(header=HEADER, pose=HERE),
    'geometry_msgs/PoseWithCovarianceStamped': PoseWithCovarianceStamped(
        header=HEADER, pose=PoseWithCovariance(pose=HERE)
    ),
    'nav_msgs/Odometry': Odometry(header=HEADER, pose=PoseWithCovariance(pose=HERE)),
}


def publish(robot: Robot, pose: Any, qos: QoSProfile) -> None:
    """Publish a pose and wait until the node has taken it."""
    assert robot.spark is not None
    robot.publisher(type(pose), '/pose', qos).publish(pose)
    kept = robot.spark.pose
    robot.until(lambda: kept.newest is not None)


def ask(robot: Robot, listener: Listener) -> dict[str, str]:
    """Have one question asked and return its metadata."""
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera.publish(raw(picture(1), stamped(3.5)))
    detector.publish(detections(stamped(3.5), detection('cat', (50.0, 60.0, 100.0, 80.0))))
    robot.until(lambda: listener.bodies)
    metadata: dict[str, str] = listener.bodies[0].get('metadata', {})
    return metadata


@pytest.mark.parametrize('qos', [BEST_EFFORT, LATCHED], ids=['best effort', 'latched'])
@pytest.mark.parametrize('kind', POSES)
def test_the_newest_pose_goes_along(
    robot: Robot, listener: Listener, kind: str, qos: QoSProfile
) -> None:
    robot.start(server__url=listener.url, pose_topic='/pose', pose_type=kind)
    publish(robot, POSES[kind], qos)
    assert ask(robot, listener) == {**USUAL, **WRITTEN}


def test_without_a_pose_there_is_none(robot: Robot, listener: Listener) -> None:
    robot.start(server__url=listener.url, pose_topic='/pose')
    assert ask(robot, listener) == USUAL


@pytest.mark.parametrize('wrong', [math.nan, math.inf])
def test_a_pose_that_is_nowhere_is_left_out(
    robot: Robot, listener: Listener, wrong: float
) -> None:
    robot.start(server__url=listener.url, pose_topic='/pose')
    publish(robot, PoseStamped(header=HEADER, pose=Pose(position=Point(x=wrong))), RELIABLE)
    assert ask(robot, listener) == USUAL


def test_only_what_was_chosen_leaves(robot: Robot, listener: Listener) -> None:
    robot.start(
        server__url=listener.url, pose_topic='/pose', metadata__send=['pose', 'camera']
    )
    publish(robot, POSES['geometry_msgs/PoseStamped'], RELIABLE)
    assert ask(robot, listener) == {'pose': WRITTEN['pose'], 'camera': 'front'}


@pytest.mark.parametrize('send', [None, []], ids=['all', 'nothing'])
def test_nothing_may_leave_but_the_question(
    robot: Robot, listener: Listener, send: list[str] | None
) -> None:
    """Neither in a body nor in a header or an address; the same search finds them otherwise."""
    names = {
        'robot_id': 'rover-4711',
        'cameras': ['porch'],
        'porch.image_topic': '/front/image_raw',
        'porch.detections_topic': '/front/detections',
    }
    robot.parameters = {**robot.parameters, **names}
    chosen = {} if send is None else {'metadata__send': send}
    robot.start(server__url=listener.url, pose_topic='/pose', **chosen)
    publish(robot, POSES['geometry_msgs/PoseStamped'], RELIABLE)
    metadata = ask(robot, listener)
    robot.until(lambda: any(b'/v1/changes' in request for request in listener.received))
    said = b'\n'.join(listener.received)
    words = [b'rover-4711', b'porch', b'optical', b'-2.25', b'41.25']
    assert [word in said for word in words] == [send is None] * len(words)
    assert bool(metadata) == (send is None)
