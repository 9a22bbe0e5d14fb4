# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The robot of a Gazebo world without Gazebo: `python -m spark_ros.demo.warehouse.simulator`.

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
from functools import partial

import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.messages import FRAME_ID, IMAGES, image_message
from spark_ros.demo.spinning import RELIABLE
from spark_ros.demo.waiting import listening_nodes, spin_for, spin_until
from spark_ros.demo.warehouse.render import Renderer
from spark_ros.demo.warehouse.scene import Pose, Scene
from spark_ros.demo.warehouse.truth_node import POSE, TRUTH
from spark_ros.ros.conversions import stamp_ns

PATIENCE_S = 30.0


class Simulator(Node):
    """Publish a pose and an image for each step of the loop."""

    def __init__(self, scene: Scene) -> None:
        """Advertise."""
        super().__init__('simulator')
        self._scene, self._renderer = scene, Renderer(scene)
        self._images = self.create_publisher(Image, IMAGES, RELIABLE)
        self._poses = self.create_publisher(PoseStamped, POSE, RELIABLE)
        self._told: set[int] = set()
        self.create_subscription(Detection2DArray, TRUTH, self._on_truth, RELIABLE)

    def has_listeners(self, images: int) -> bool:
        """Whether so many nodes listen to the images, and one to the poses that also answers."""
        return (listening_nodes(self, self._images) >= images
                and self._poses.get_subscription_count() > 0
                and self.count_publishers(TRUTH) > 0)  # fmt: skip

    def show(self, time_s: float, seed: int) -> int:
        """Publish where the robot is at a time of its drive and what it sees; give the stamp."""
        pose = self._scene.drive.pose_at(time_s)
        pixels = self._renderer.render(pose, seed)
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=FRAME_ID)
        self._poses.publish(pose_message(pose, header, self._scene.name))
        self._images.publish(image_message(header, pixels))
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
    robot = Simulator(scene)
    try:
        if not spin_until(robot, partial(robot.has_listeners, arguments.listeners), PATIENCE_S):
            print('simulator: nobody listens', file=sys.stderr)
            return 1
        camera_frames = max(1, round(scene.drive.period_s * scene.camera.rate_hz))
        frames = arguments.frames or camera_frames
        for number in range(frames):
            due = time.monotonic() + arguments.period
            stamp = robot.show(number * scene.drive.period_s / frames, seed=number)
            print(f'frame {number + 1} of {frames}', flush=True)
            if not spin_until(robot, partial(robot.knows, stamp), PATIENCE_S):
                print('simulator: nobody tells the truth', file=sys.stderr)
                return 1
            spin_for(robot, due - time.monotonic())
        return 0
    finally:
        robot.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
