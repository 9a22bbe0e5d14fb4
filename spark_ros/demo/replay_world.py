# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The robot of a Gazebo world without Gazebo: `python -m spark_ros.demo.replay_world`.

Drives one loop as the world's file says, and publishes what Gazebo would: `robot/pose` and
`camera/image_raw`. The next frame follows when the truth about the last one was told on
`camera/truth`, so that a slow machine only takes longer. Prints one line for each frame.
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
import time
from collections.abc import Callable
from functools import partial

import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.camera import CAMERA, FRAME_ID
from spark_ros.demo.render import Eye
from spark_ros.demo.scene import Pose, Scene
from spark_ros.demo.spinning import RELIABLE
from spark_ros.demo.truth_node import POSE_TOPIC, TRUTH_TOPIC
from spark_ros.ros.conversions import stamp_ns

PATIENCE_S = 30.0


class ReplayWorld(Node):
    """Publish a pose and an image for each step of the loop."""

    def __init__(self, scene: Scene) -> None:
        """Advertise."""
        super().__init__('replay_world')
        self._scene, self._eye = scene, Eye(scene)
        self._images = self.create_publisher(Image, f'{CAMERA}/image_raw', RELIABLE)
        self._poses = self.create_publisher(PoseStamped, POSE_TOPIC, RELIABLE)
        self._told: set[int] = set()
        self.create_subscription(Detection2DArray, TRUTH_TOPIC, self._on_truth, RELIABLE)

    def has_listeners(self, images: int) -> bool:
        """Whether so many nodes listen to the images, and one to the poses that also answers."""
        found = self.get_subscriptions_info_by_topic(self._images.topic_name)
        nodes = {(info.node_namespace, info.node_name) for info in found}
        return (len(nodes) >= images and self._poses.get_subscription_count() > 0
                and self.count_publishers(TRUTH_TOPIC) > 0)

    def show(self, time_s: float, seed: int) -> int:
        """Publish where the robot is at a time of its drive and what it sees; give the stamp."""
        pose = self._scene.drive.pose_at(time_s)
        pixels = self._eye.look(pose, seed)
        height, width = pixels.shape[:2]
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=FRAME_ID)
        self._poses.publish(pose_message(pose, header, self._scene.name))
        image = Image(
            header=header, height=height, width=width, encoding='bgr8', step=width * 3)
        image.data.frombytes(pixels.tobytes())
        self._images.publish(image)
        return int(stamp_ns(header.stamp))

    def knows(self, stamp: int) -> bool:
        """Whether the truth about an image has been told."""
        return stamp in self._told

    def _on_truth(self, message: Detection2DArray) -> None:
        self._told.add(stamp_ns(message.header.stamp))


def pose_message(pose: Pose, header: Header, frame_id: str) -> PoseStamped:
    """Return a pose that turns about z alone as a message in the world's frame."""
    message = PoseStamped(header=Header(stamp=header.stamp, frame_id=frame_id))
    at, half = message.pose.position, math.atan2(pose.rotation[1, 0], pose.rotation[0, 0]) / 2
    at.x, at.y, at.z = (float(number) for number in pose.at)
    message.pose.orientation.w, message.pose.orientation.z = math.cos(half), math.sin(half)
    return message


def main() -> int:
    """Drive one loop."""
    parser = argparse.ArgumentParser(description='Drive one loop through a world.')
    parser.add_argument('world', help="the world's file")
    parser.add_argument('--frames', type=int, default=0,
                        help="frames on the loop; 0: as many as the camera's rate gives")
    parser.add_argument('--period', type=float, default=0.6, help='least seconds for a frame')
    parser.add_argument('--listeners', type=int, default=3, help='nodes to wait for')
    arguments = parser.parse_args()
    # Its own handlers end the context in the midst of a frame.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _drive(Scene.load(arguments.world), arguments)
    except KeyboardInterrupt:
        return 0
    finally:
        rclpy.try_shutdown()


def _drive(scene: Scene, arguments: argparse.Namespace) -> int:
    world = ReplayWorld(scene)
    try:
        return _show_all(world, scene, arguments)
    finally:
        world.destroy_node()


def _show_all(world: ReplayWorld, scene: Scene, arguments: argparse.Namespace) -> int:
    if not _spin_until(world, lambda: world.has_listeners(arguments.listeners)):
        print('replay: nobody listens', file=sys.stderr)
        return 1
    frames = arguments.frames or frames_of(scene)
    for number in range(frames):
        due = time.monotonic() + arguments.period
        stamp = world.show(number * scene.drive.period_s / frames, seed=number)
        print(f'frame {number + 1} of {frames}', flush=True)
        if not _spin_until(world, partial(world.knows, stamp)):
            print('replay: nobody tells the truth', file=sys.stderr)
            return 1
        _spin_until(world, partial(_is_past, due))
    return 0


def frames_of(scene: Scene) -> int:
    """Give how many frames the camera takes in one loop."""
    return max(1, round(scene.drive.period_s * scene.camera.rate_hz))


def _is_past(due: float) -> bool:
    return time.monotonic() >= due


def _spin_until(node: Node, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        rclpy.spin_once(node, timeout_sec=0.02)
    return True


if __name__ == '__main__':
    sys.exit(main())
