# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node of the truth: for each image the pose of its time, and never an end by a message."""

from __future__ import annotations

import json
import math
from collections import deque

import hall
import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.spinning import RELIABLE
from spark_ros.demo.warehouse.scene import Pose, turned
from spark_ros.demo.warehouse.simulator import pose_message
from spark_ros.demo.warehouse.truth_node import POSE, TRUTH, TruthNode, pose_at, rotation
from spark_ros.service.scripted.recognise import Truth

PIXELS = np.random.default_rng(5).integers(0, 255, (hall.HEIGHT, hall.WIDTH, 3), np.uint8)
BALL = hall.model('ball_1', hall.sphere(0.5), '3 0 1 0 0 0')


class Simulation:
    """The node of the truth, beside one that publishes to it and listens."""

    def __init__(self, folder, wait_until) -> None:
        (folder / 'hall.sdf').write_text(hall.text(BALL))
        self.truth_file = folder / 'truth.json'
        self._context = rclpy.Context()
        rclpy.init(context=self._context, args=[
            '--ros-args', '-p', f'world:={folder / "hall.sdf"}',
            '-p', f'truth_file:={self.truth_file}'])
        self.node = TruthNode(context=self._context)
        self.other = rclpy.create_node('simulation', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        for node in (self.node, self.other):
            self._executor.add_node(node)
        self.poses = self.other.create_publisher(PoseStamped, POSE, RELIABLE)
        self.images = self.other.create_publisher(Image, 'camera/image_raw', RELIABLE)
        self.told: list[Detection2DArray] = []
        self.other.create_subscription(
            Detection2DArray, TRUTH, self.told.append, RELIABLE)
        self._wait_until = wait_until
        self.until(lambda: self.poses.get_subscription_count()
                   and self.images.get_subscription_count()
                   and self.other.count_publishers(TRUTH))

    def until(self, condition) -> None:
        self._wait_until(condition, self._executor)

    def pose(self, second: float, y: float = 0.0) -> None:
        pose = Pose(np.eye(3), np.array([0, y, 0]))
        self.poses.publish(pose_message(pose, Header(stamp=stamp(second)), 'test'))

    def image(self, second: float, **wrong) -> None:
        fields = {'width': hall.WIDTH, 'height': hall.HEIGHT, 'encoding': 'bgr8',
                  'step': hall.WIDTH * 3, 'data': PIXELS.tobytes(), **wrong}
        self.images.publish(Image(header=Header(stamp=stamp(second)), **fields))

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()
        rclpy.try_shutdown(context=self._context)


def stamp(second: float) -> Time:
    whole = math.floor(second)
    return Time(sec=whole, nanosec=round((second - whole) * 1e9))


@pytest.fixture
def simulation(tmp_path, wait_until):
    running = Simulation(tmp_path, wait_until)
    yield running
    running.close()


def middle(message: Detection2DArray) -> float:
    (one,) = message.detections
    return one.bbox.center.position.x


def test_an_image_waits_for_its_pose_and_is_told_about_under_its_header(simulation):
    """Half way between two poses the robot was half way: the ball is to the left by its part."""
    simulation.pose(1.0, y=0.0)
    simulation.image(1.05)
    simulation.pose(1.1, y=-1.0)
    simulation.until(lambda: simulation.told)
    (message,) = simulation.told
    assert message.header.stamp == stamp(1.05)
    (found,) = message.detections
    assert found.results[0].hypothesis.class_id == 'ball'
    assert found.results[0].hypothesis.score == pytest.approx(1.0)
    assert middle(message) == pytest.approx(hall.WIDTH / 2 - hall.FOCAL_PX * 0.5 / 3, abs=2)


def test_the_truth_file_knows_the_image_once_it_was_told(simulation):
    simulation.image(2.0)
    simulation.pose(2.0)
    simulation.until(lambda: simulation.told)
    ((label, (x, _, width, _)),) = Truth.load(simulation.truth_file).find(PIXELS)
    assert label == 'ball' and x + width / 2 == pytest.approx(middle(simulation.told[0]))
    assert json.loads(simulation.truth_file.read_text())['images'][0]['name'] == '2000000000'


@pytest.mark.parametrize('wrong', [
    {'width': 10, 'height': 10}, {'encoding': 'nonsense'}, {'data': b''},
    {'width': 0, 'height': 0}, {'step': 3},
])  # fmt: skip
def test_a_bad_image_is_left_out(simulation, wrong):
    simulation.pose(1.0)
    simulation.image(1.0, **wrong)
    simulation.image(1.01)
    simulation.pose(1.02)
    simulation.until(lambda: simulation.told)
    assert [one.header.stamp for one in simulation.told] == [stamp(1.01)]


def test_a_bad_pose_is_left_out(simulation):
    for bad in (math.nan, math.inf):
        simulation.pose(1.0, y=bad)
    simulation.poses.publish(PoseStamped(header=Header(stamp=stamp(1.0))))
    simulation.pose(1.0, y=0.0)
    simulation.image(1.0)
    simulation.until(lambda: simulation.told)
    assert middle(simulation.told[0]) == pytest.approx(hall.WIDTH / 2, abs=1)


def test_images_from_before_the_first_pose_are_no_news(simulation, capfd):
    """The camera began before the poses came; later, a pose that is missing is."""
    simulation.image(0.5)
    simulation.pose(1.0)
    simulation.image(0.9)
    simulation.image(1.0)
    simulation.until(lambda: simulation.told)
    assert [one.header.stamp for one in simulation.told] == [stamp(1.0)]
    assert 'no pose of its time' not in capfd.readouterr().err
    simulation.pose(3.0)
    simulation.image(2.0)
    simulation.image(3.0)
    simulation.until(lambda: len(simulation.told) == 2)
    assert 'no pose of its time' in capfd.readouterr().err


def test_time_may_begin_anew(simulation):
    """As when the simulation is reset."""
    simulation.pose(100.0, y=-1.0)
    simulation.pose(1.0)

    def told() -> list[Detection2DArray]:
        # An image that overtakes the first pose of the new time is left out.
        simulation.image(1.0)
        return simulation.told

    simulation.until(told)
    assert middle(simulation.told[0]) == pytest.approx(hall.WIDTH / 2, abs=1)


def test_a_pose_is_only_known_between_two_that_are_near():
    one = (10**9, np.zeros(3), np.array([1.0, 0, 0, 0]))
    near = (10**9 + 10**8, np.array([1.0, 0, 0]), np.array([0, 0, 0, -1.0]))
    late = (3 * 10**9, np.ones(3), np.array([1.0, 0, 0, 0]))
    known = deque([one, near, late])
    assert pose_at(10**9 - 1, known) is None and pose_at(2 * 10**9, known) is None
    assert pose_at(3 * 10**9 + 1, known) is None and pose_at(1, deque()) is None
    between = pose_at(10**9 + 5 * 10**7, known)
    assert between.at == pytest.approx([0.5, 0, 0])
    # A half turn either way: half of it is a quarter.
    assert abs(between.rotation @ [1, 0, 0])[1] == pytest.approx(1)


def test_a_quaternion_is_the_rotation_that_it_names():
    half = 0.7 / 2
    for axis, angles in enumerate(np.eye(3) * 0.7):
        quaternion = np.array([math.cos(half), *(np.eye(3)[axis] * math.sin(half))])
        assert rotation(3 * quaternion) == pytest.approx(turned(*angles))
