# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A robot that doubts: one frame and one unsure detection at a time; tells when answers came."""

from __future__ import annotations

import argparse
import array
import json
import time

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from spark_ros.msg import Resolution

WIDTH, HEIGHT = 640, 480
PERIOD_S = 2.5
MATCH_S, ANSWER_S = 20.0, 60.0


class Asker(Node):
    """Publish questions and time their answers."""

    def __init__(self) -> None:
        """Advertise a camera and its detector, and listen to the node's answers."""
        super().__init__('asker')
        reliable = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
        self.images = self.create_publisher(Image, 'camera/image_raw', reliable)
        self.detections = self.create_publisher(Detection2DArray, 'camera/detections', reliable)
        self.asked: dict[tuple[int, int], float] = {}
        self.answers: list[dict[str, float]] = []
        self.create_subscription(
            Resolution,
            'spark/resolutions',
            self._on_resolution,
            QoSProfile(
                depth=100,
                reliability=ReliabilityPolicy.RELIABLE,
                durability=DurabilityPolicy.TRANSIENT_LOCAL,
            ),
        )

    def ask(self, number: int) -> None:
        """Publish a frame and a doubted detection of an object of its own."""
        image = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=3 * WIDTH)
        image.header.stamp = self.get_clock().now().to_msg()
        image.data = array.array('B', bytes([number % 256]) * (3 * WIDTH * HEIGHT))
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = 'crate', 0.4
        detection = Detection2D(header=image.header, results=[hypothesis], id=str(number))
        detection.bbox.center.position.x, detection.bbox.center.position.y = 320.0, 240.0
        detection.bbox.size_x, detection.bbox.size_y = 100.0, 80.0
        self.asked[_key(image.header)] = time.time()
        self.images.publish(image)
        self.detections.publish(Detection2DArray(header=image.header, detections=[detection]))

    def _on_resolution(self, message: Resolution) -> None:
        now = time.time()
        closed = message.closed.sec + message.closed.nanosec / 1e9
        self.answers.append(
            {'home_s': now - closed, 'all_s': now - self.asked[_key(message.header)]}
        )


def main() -> None:
    """Ask `--questions` times; print a JSON line with the times of each answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--questions', type=int, required=True)
    questions = parser.parse_args().questions
    rclpy.init()
    asker = Asker()
    end = time.monotonic() + MATCH_S
    while time.monotonic() < end and not (
        asker.images.get_subscription_count() and asker.detections.get_subscription_count()
    ):
        rclpy.spin_once(asker, timeout_sec=0.05)
    for number in range(questions):
        asker.ask(number)
        _spin(asker, questions + 1, PERIOD_S)
    _spin(asker, questions, ANSWER_S)
    print(json.dumps(asker.answers), flush=True)
    rclpy.try_shutdown()


def _spin(asker: Asker, questions: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while len(asker.answers) < questions and (rest := end - time.monotonic()) > 0:
        rclpy.spin_once(asker, timeout_sec=rest)


def _key(header: object) -> tuple[int, int]:
    return header.stamp.sec, header.stamp.nanosec


if __name__ == '__main__':
    main()
