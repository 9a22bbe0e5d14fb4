# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A robot that doubts and the operator who answers it, one question at a time.

Both are in one process, so that one clock tells when an answer was submitted and when it came.
"""

from __future__ import annotations

import argparse
import array
import json
import threading
import time
from collections.abc import Callable

import httpx
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from spark_ros.msg import EngagementStatus, Resolution

WIDTH, HEIGHT = 64, 48
PATIENCE_S = 20.0
CONSOLE = {'X-Requested-With': 'console'}
RELIABLE = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Asker(Node):
    """Publish questions and note when the service has them and when their answers came."""

    def __init__(self) -> None:
        """Advertise a camera and its detector, and listen to the node."""
        super().__init__('asker')
        self.images = self.create_publisher(Image, 'camera/image_raw', RELIABLE)
        self.detections = self.create_publisher(Detection2DArray, 'camera/detections', RELIABLE)
        self.open: set[int] = set()
        self.answered: dict[int, float] = {}
        self.create_subscription(EngagementStatus, 'spark/engagements', self._on_status, RELIABLE)
        self.create_subscription(Resolution, 'spark/resolutions', self._on_resolution, LATCHED)

    def ask(self, number: int) -> None:
        """Publish a frame and a doubted detection of an object of its own."""
        image = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=3 * WIDTH)
        image.header.stamp.sec = number
        image.data = array.array('B', bytes([number % 256]) * (3 * WIDTH * HEIGHT))
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = f'crate {number}', 0.4
        detection = Detection2D(header=image.header, results=[hypothesis], id=str(number))
        detection.bbox.center.position.x, detection.bbox.center.position.y = 32.0, 24.0
        detection.bbox.size_x, detection.bbox.size_y = 20.0, 16.0
        self.images.publish(image)
        self.detections.publish(Detection2DArray(header=image.header, detections=[detection]))

    def until(self, condition: Callable[[], object]) -> None:
        """Listen until a condition holds. Raises TimeoutError."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f'not within {PATIENCE_S:g} s')
            rclpy.spin_once(self, timeout_sec=0.05)

    def _on_status(self, message: EngagementStatus) -> None:
        if message.state == EngagementStatus.STATE_OPEN:
            self.open.add(message.header.stamp.sec)

    def _on_resolution(self, message: Resolution) -> None:
        self.answered[message.header.stamp.sec] = time.monotonic()


class Operator:
    """Answers what is open through the console's calls."""

    def __init__(self, login: str) -> None:
        """Log in by a link."""
        self._http = httpx.Client(
            base_url=login.partition('/login')[0], headers=CONSOLE, timeout=PATIENCE_S
        )
        token = login.partition('?token=')[2]
        self._http.post('/login', data={'token': token})

    def claim(self) -> str:
        """Claim the one question that waits; return its path."""
        (question,) = self._http.get('/console/api/queue').json()['questions']
        path = f'/console/api/questions/{question["id"]}'
        self._http.post(f'{path}/claim').raise_for_status()
        return path

    def submit(self, path: str) -> tuple[float, float]:
        """Answer; return when it was sent and when the service said that it has it."""
        begun = time.monotonic()
        reply = self._http.post(f'{path}/answer', json={'shapes': [], 'response': ''})
        ended = time.monotonic()
        reply.raise_for_status()
        return begun, ended


def main() -> None:
    """Ask `--questions` times; print a JSON line with the times of each answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--questions', type=int, required=True)
    parser.add_argument('--login', required=True)
    options = parser.parse_args()
    rclpy.init()
    asker, operator = Asker(), Operator(options.login)
    asker.until(
        lambda: asker.images.get_subscription_count() and asker.detections.get_subscription_count()
    )
    answers = []
    for number in range(1, options.questions + 1):
        asker.ask(number)
        asker.until(lambda number=number: number in asker.open)
        path, times = operator.claim(), []
        submitting = threading.Thread(
            target=lambda path=path, times=times: times.extend(operator.submit(path))
        )
        submitting.start()
        asker.until(lambda number=number: number in asker.answered)
        submitting.join()
        begun, ended = times
        answers.append(
            {'home_s': asker.answered[number] - begun, 'floor_s': ended - begun}
        )
    print(json.dumps(answers), flush=True)
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
