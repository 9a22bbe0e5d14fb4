# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The least that an rclpy program can do with cameras: subscribe, and count."""

from __future__ import annotations

import argparse
from collections import deque
from contextlib import suppress

import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.executors import ExternalShutdownException
from rclpy.qos import qos_profile_sensor_data
from reporting import answer_readings, camera_names
from sensor_msgs.msg import Image

from spark_ros.ros.workarounds.allocator import keep_large_buffers


def main() -> None:
    """Count frames until standard input ends; `--allocator` sets what the node sets too.

    With `--raw` frames stay serialized, and the last twenty are kept, as in the node's ring.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument('--allocator', action='store_true')
    parser.add_argument('--cameras', type=int, default=1)
    parser.add_argument('--raw', action='store_true')
    options = parser.parse_args()
    if options.allocator:
        keep_large_buffers()
    frames, ring = 0, deque[bytes](maxlen=20)

    def count(message: Image | bytes) -> None:
        nonlocal frames
        frames += 1
        if isinstance(message, bytes):
            ring.append(message)

    rclpy.init()
    node = rclpy.create_node('bare_subscriber')
    for name in camera_names(options.cameras):
        node.create_subscription(
            Image, f'{name}/image_raw', count, qos_profile_sensor_data, raw=options.raw
        )
    answer_readings(lambda: frames)
    # rclpy raises the one or the other, whichever it is doing when the signal comes.
    with suppress(ExternalShutdownException, RCLError):
        rclpy.spin(node)


if __name__ == '__main__':
    main()
