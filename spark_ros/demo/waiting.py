# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Wait for what other ROS nodes do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import rclpy
from rclpy.node import Node

from spark_ros.demo.processes import delayed_interrupt


def spin_until(
    node: Node, condition: Callable[[], object], timeout_s: float = math.inf
) -> bool:
    """Spin a node until a condition holds; False when that takes too long."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        # rclpy makes a RuntimeError of a KeyboardInterrupt that comes while it takes a message.
        with delayed_interrupt():
            rclpy.spin_once(node, timeout_sec=0.02)
    return True


def spin_for(node: Node, seconds: float) -> None:
    """Spin a node for a while."""
    spin_until(node, lambda: False, seconds)
