# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A camera: 1080p bgr8 at 30 Hz, best effort, as a driver would publish it."""

from __future__ import annotations

import argparse
import array
import signal
import threading
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from reporting import answer_readings
from sensor_msgs.msg import Image

WIDTH, HEIGHT, RATE_HZ = 1920, 1080, 30.0
MATCHED_S = 2.0


def main() -> None:
    """Publish `--frames` frames (0: until standard input ends) to `--subscribers` subscribers."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--frames', type=int, default=0)
    parser.add_argument('--subscribers', type=int, default=0)
    options = parser.parse_args()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('camera')
    publisher = node.create_publisher(Image, 'camera/image_raw', qos_profile_sensor_data)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    sent = 0
    answer_readings(lambda: sent)
    while publisher.get_subscription_count() < options.subscribers and not ended.is_set():
        ended.wait(0.05)
    # A subscriber knows of its publisher a little later than the publisher knows of it.
    ended.wait(MATCHED_S)
    message = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=3 * WIDTH)
    message.header.frame_id = 'camera'
    message.data = array.array('B', bytes(range(256)) * (3 * WIDTH * HEIGHT // 256))
    due = time.monotonic()
    while not (ended.is_set() or (options.frames and sent == options.frames)):
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        sent += 1
        # After a hiccup it goes on at its rate: no driver sends late frames in a burst.
        due = max(due + 1 / RATE_HZ, time.monotonic())
        ended.wait(due - time.monotonic())
    ended.wait()
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
