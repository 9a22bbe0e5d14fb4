# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The robot of a Gazebo world without Gazebo: `python -m spark_ros.demo.warehouse.simulator`.

Drives one loop as the world's file says, and publishes what Gazebo would: `robot/pose` and
`camera/image_raw`. The next frame follows when the truth about the last one was told on
`camera/truth`, so that a slow machine only takes longer. Prints one line for each frame.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
from collections.abc import Iterable

if __name__ == '__main__':
    # The imports take a second, in which there is nothing to finish.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))

from geometry_msgs.msg import PoseStamped
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.camera import Camera, run
from spark_ros.demo.errors import DemoError
from spark_ros.demo.spinning import RELIABLE
from spark_ros.demo.waiting import spin_until
from spark_ros.demo.warehouse.render import Renderer
from spark_ros.demo.warehouse.scene import Pose, Scene
from spark_ros.demo.warehouse.truth_node import POSE, TRUTH
from spark_ros.ros.conversions import stamp_ns

PATIENCE_S = 30.0


class Simulator(Camera):
    """Publish a pose and an image for each step of the loop."""

    def __init__(self, scene: Scene, frames: int) -> None:
        """Advertise."""
        super().__init__('simulator')
        self._scene, self._frames, self._renderer = scene, frames, Renderer(scene)
        self._poses = self.create_publisher(PoseStamped, POSE, RELIABLE)
        self._told: set[int] = set()
        self.create_subscription(Detection2DArray, TRUTH, self._on_truth, RELIABLE)

    def has_listeners(self, count: int) -> bool:
        """Whether so many nodes listen to the images, and one to the poses that also answers."""
        heard = self._poses.get_subscription_count() > 0 and self.count_publishers(TRUTH) > 0
        return super().has_listeners(count) and heard

    def show(self, frame: int) -> None:
        """Publish where the robot is at a step of the loop and what it sees.

        Returns when the truth about that has been told.
        """
        drive = self._scene.drive
        pose = drive.pose_at(frame * drive.period_s / self._frames)
        pixels = self._renderer.render(pose, seed=frame)
        header = self.new_header()
        self._poses.publish(pose_message(pose, header, self._scene.name))
        self.publish_image(header, pixels)
        print(f'frame {frame + 1} of {self._frames}', flush=True)
        stamp = stamp_ns(header.stamp)
        if not spin_until(self, lambda: stamp in self._told, PATIENCE_S):
            raise DemoError('the node with the true boxes does not answer')

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
    parser.add_argument(
        '--frames', type=int, default=0,
        help="frames on the loop; 0: as many as the camera's rate gives",
    )  # fmt: skip
    parser.set_defaults(period=0.6, listeners=3)
    return run(parser, _simulate)


def _simulate(arguments: argparse.Namespace) -> tuple[Simulator, Iterable[int]]:
    scene = Scene.load(arguments.world)
    frames = arguments.frames or max(1, round(scene.drive.period_s * scene.camera.rate_hz))
    return Simulator(scene, frames), range(frames)


if __name__ == '__main__':
    sys.exit(main())
