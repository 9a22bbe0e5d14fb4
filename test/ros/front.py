# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The robot's front camera and its detector."""

from __future__ import annotations

from rclpy.qos import ReliabilityPolicy
from robot import RELIABLE, Robot, detection, detections, picture, raw, stamped
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray


class Front:
    """Publishes frames with detections to a node on the same executor."""

    def __init__(self, robot: Robot) -> None:
        """Advertise, and wait until the node has adapted to it."""
        self._images = robot.publisher(Image, 'front/image_raw', RELIABLE)
        self._found = robot.publisher(Detection2DArray, 'front/detections', RELIABLE)
        self._at = 1.0
        (camera,) = robot.spark._cameras
        robot.until(
            lambda: all(
                one._retiring is None and one._profile.reliability is ReliabilityPolicy.RELIABLE
                for one in camera._subscriptions
            )
        )

    def see_nothing(self) -> None:
        """Publish a frame without a detection on it."""
        self.see_all()

    def see(self, label: str, score: float, x: float = 20.0) -> None:
        """Publish a frame with a detection on it."""
        self.see_all(detection(label, (x, 20.0, 60.0, 60.0), score))

    def see_all(self, *found: Detection2D) -> None:
        """Publish a frame with these detections on it, in this order."""
        self._at += 1.0
        header = stamped(self._at)
        self._images.publish(raw(picture(1), header))
        self._found.publish(detections(header, *found))
