# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Cameras: bgr8 at 30 Hz, best effort, as a driver would publish them, and their detectors."""

from __future__ import annotations

import argparse
import array
import signal
import threading
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from reporting import answer_readings, camera_names
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

RATE_HZ = 30.0
MATCHED_S = 2.0


def main() -> None:
    """Publish `--frames` frames in all (0: until standard input ends), camera by camera."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--frames', type=int, default=0)
    parser.add_argument('--subscribers', type=int, default=0, help='of each camera')
    parser.add_argument('--cameras', type=int, default=1)
    parser.add_argument('--detections', type=int, default=0, help='on each frame; 0: no detector')
    parser.add_argument('--width', type=int, default=1920)
    parser.add_argument('--height', type=int, default=1080)
    options = parser.parse_args()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('camera')
    publishers = [
        node.create_publisher(Image, f'{name}/image_raw', qos_profile_sensor_data)
        for name in camera_names(options.cameras)
    ]
    detectors = [
        node.create_publisher(Detection2DArray, f'{name}/detections', 10)
        for name in camera_names(options.cameras)
        if options.detections
    ]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    sent = 0
    answer_readings(lambda: sent)
    while not ended.is_set() and any(
        each.get_subscription_count() < options.subscribers for each in publishers
    ):
        ended.wait(0.05)
    # A subscriber knows of its publisher a little later than the publisher knows of it.
    ended.wait(MATCHED_S)
    width, height = options.width, options.height
    message = Image(height=height, width=width, encoding='bgr8', step=3 * width)
    message.header.frame_id = 'camera'
    message.data = array.array('B', bytes(range(256)) * (3 * width * height // 256))
    every = 1 / RATE_HZ / len(publishers)
    due = time.monotonic()
    while not (ended.is_set() or (options.frames and sent == options.frames)):
        message.header.stamp = node.get_clock().now().to_msg()
        publishers[sent % len(publishers)].publish(message)
        if detectors:
            found = _sure(options.detections, message)
            detectors[sent % len(publishers)].publish(found)
        sent += 1
        # After a hiccup it goes on at its rate: no driver sends late frames in a burst.
        due = max(due + every, time.monotonic())
        ended.wait(due - time.monotonic())
    ended.wait()
    rclpy.try_shutdown()


def _sure(number: int, image: Image) -> Detection2DArray:
    """Return detections that nobody is asked about."""
    array = Detection2DArray(header=image.header)
    for index in range(number):
        found = Detection2D(header=image.header)
        found.bbox.center.position.x = image.width * (index + 0.5) / number
        found.bbox.center.position.y = image.height / 2
        found.bbox.size_x = found.bbox.size_y = image.width / (2 * number)
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = 'cat', 0.9
        found.results = [hypothesis]
        array.detections.append(found)
    return array


if __name__ == '__main__':
    main()
