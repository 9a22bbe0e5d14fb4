# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is truly on a simulated camera's images: `python -m spark_ros.demo.warehouse.truth_node`.

`camera/image_raw` and `robot/pose` in, `camera/truth` out: every object of the world's file that
the camera sees from where the robot was at the image's stamp, with the share of it that is in
view in place of a score. The same goes into a truth file, by which the scripted operator knows
the image when it is asked about it.

Parameters: `world`, the world's file; `truth_file`, empty for none.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.messages import CAMERA, IMAGES, detections_message
from spark_ros.demo.scoring import Detection
from spark_ros.demo.spinning import RELIABLE, spin
from spark_ros.demo.warehouse.comparison import is_clear
from spark_ros.demo.warehouse.render import Renderer
from spark_ros.demo.warehouse.scene import Array, Pose, Scene
from spark_ros.escalation.frames import START_NS
from spark_ros.ros.conversions import stamp_ns
from spark_ros.ros.images import check_image, to_pixels
from spark_ros.service.scripted.recognise import dhash

POSE = 'robot/pose'
TRUTH = f'{CAMERA}/truth'
# Images that wait for a pose at or after their stamp, poses to look it up among, and entries of
# the truth file: a question about an older image is only confirmed.
IMAGES_KEPT, POSES_KEPT, ENTRIES_KEPT = 5, 500, 300
WIDEST_GAP_NS = 500_000_000


class TruthNode(Node):
    """Tell the truth about each image, once the robot's pose at its stamp is known."""

    def __init__(self, **of_node: Any) -> None:
        """Read the world, subscribe and advertise; `of_node` goes to rclpy's node.

        Raises:
            OSError, SceneError: the world cannot be used.
        """
        super().__init__('truth', **of_node)
        world = self.declare_parameter('world', '').value
        truth_file = self.declare_parameter('truth_file', '').value
        self._renderer = Renderer(Scene.load(world))
        self._file = Path(truth_file) if truth_file else None
        self._entries: deque[dict[str, object]] = deque(maxlen=ENTRIES_KEPT)
        self._poses: deque[tuple[int, Array, Array]] = deque(maxlen=POSES_KEPT)
        self._first_pose_ns = 0
        self._waiting: deque[Image] = deque(maxlen=IMAGES_KEPT)
        self._truth = self.create_publisher(Detection2DArray, TRUTH, RELIABLE)
        self.create_subscription(PoseStamped, POSE, self._on_pose, RELIABLE)
        self.create_subscription(Image, IMAGES, self._on_image, RELIABLE)

    def _on_pose(self, message: PoseStamped) -> None:
        at, turn = message.pose.position, message.pose.orientation
        numbers = np.array([at.x, at.y, at.z, turn.w, turn.x, turn.y, turn.z])
        stamp = stamp_ns(message.header.stamp)
        if not np.isfinite(numbers).all() or not np.linalg.norm(numbers[3:]):
            return
        if self._poses and stamp <= self._poses[-1][0]:
            if stamp == self._poses[-1][0]:
                return
            # Simulated time began anew.
            self._poses.clear()
        if not self._poses:
            self._first_pose_ns = stamp
        self._poses.append((stamp, numbers[:3], numbers[3:]))
        self._tell()

    def _on_image(self, image: Image) -> None:
        camera = self._renderer.scene.camera
        wrong = check_image(image)
        if (image.width, image.height) != (camera.width, camera.height):
            wrong = f'its size is not the {camera.width}x{camera.height} of the world file'
        if wrong:
            self.get_logger().warning(f'an image is left out: {wrong}', throttle_duration_sec=5.0)
            return
        self._waiting.append(image)
        self._tell()

    def _tell(self) -> None:
        while self._waiting and self._poses:
            stamp = stamp_ns(self._waiting[0].header.stamp)
            if stamp > self._poses[-1][0]:
                return
            image = self._waiting.popleft()
            pose = pose_at(stamp, self._poses)
            if pose is None:
                # The camera may begin before the poses come.
                if not 0 < self._first_pose_ns - stamp <= START_NS:
                    self.get_logger().warning(
                        'an image is left out: no pose of its time', throttle_duration_sec=5.0)
                continue
            seen = self._renderer.objects(pose)
            self._write(image, seen)
            self._truth.publish(detections_message(image.header, seen))

    def _write(self, image: Image, seen: list[Detection]) -> None:
        """Replace the truth file; before the truth is published, so that who heard can rely."""
        if self._file is None:
            return
        self._entries.append({
            'name': str(stamp_ns(image.header.stamp)),
            'width': image.width,
            'height': image.height,
            'dhash': f'{dhash(to_pixels(image)):016x}',
            'annotations': [
                {'label': one.label, 'box': one.box} for one in seen if is_clear(one)
            ],
        })  # fmt: skip
        new = self._file.with_name(f'{self._file.name}.new')
        new.write_text(json.dumps({'images': list(self._entries)}), encoding='utf-8')
        os.replace(new, self._file)


def pose_at(stamp: int, poses: deque[tuple[int, Array, Array]]) -> Pose | None:
    """Give the pose at a time in nanoseconds, between those that are known before and after.

    Poses are (stamp, position, quaternion w x y z), in the order of time. None where two poses
    around that time are not known, or lie more than half a second apart.
    """
    after = next((each for each in poses if each[0] >= stamp), None)
    before = next((each for each in reversed(poses) if each[0] <= stamp), None)
    if before is None or after is None or after[0] - before[0] > WIDEST_GAP_NS:
        return None
    part = (stamp - before[0]) / max(1, after[0] - before[0])
    one, other = (each[2] / np.linalg.norm(each[2]) for each in (before, after))
    mixed = one * (1 - part) + other * part * (1 if one @ other >= 0 else -1)
    return Pose(rotation(mixed), before[1] * (1 - part) + after[1] * part)


def rotation(quaternion: Array) -> Array:
    """Give the rotation (3, 3) of a quaternion w x y z of any length but 0."""
    w, *axis = quaternion / np.linalg.norm(quaternion)
    across = np.cross(axis, np.eye(3)).T
    return np.asarray(np.eye(3) + 2 * w * across + 2 * across @ across)


if __name__ == '__main__':
    sys.exit(spin(TruthNode))
