# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Run one of the demo's nodes until a signal ends it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)


def spin(make: Callable[[], Node]) -> int:
    """Make a node and spin it; SIGINT and SIGTERM are its ordinary end, so the code is 0."""
    # Not a KeyboardInterrupt, which rclpy turns into a RuntimeError where it comes while a message
    # is taken: rclpy's own handler ends the spinning.
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    rclpy.init()
    try:
        if came:
            # Before rclpy had its handler.
            return 0
        node = make()
        with suppress(ExternalShutdownException):
            rclpy.spin(node)
        # Else others would take it for alive a while longer.
        node.destroy_node()
    except Exception:
        # After the signal, what was under way finds no ROS any more.
        if rclpy.ok():
            raise
    finally:
        rclpy.try_shutdown()
    return 0
