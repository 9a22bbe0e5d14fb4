# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The spark_node executable."""

from __future__ import annotations

import signal
import sys
import threading

import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from spark_ros.escalation.journal import JournalError
from spark_ros.ros.allocator import keep_large_buffers
from spark_ros.ros.log import log_to_ros
from spark_ros.ros.node import SparkNode
from spark_ros.ros.parameters import ParameterError


def main(args: list[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM; return 0, or 2 for a wrong configuration.

    The executor runs in a thread and the main thread waits: only so is the context still alive
    when a signal has come, and what is pending can be published.
    """
    keep_large_buffers()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RCLError as error:
        print(f'spark_node: {error}', file=sys.stderr)
        return 2
    log_to_ros('spark')
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        node = SparkNode()
    except (ParameterError, JournalError) as error:
        print(f'spark_node: {error}', file=sys.stderr)
        rclpy.try_shutdown()
        return 2
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinner = threading.Thread(target=_spin, args=(executor, ended), name='executor')
    spinner.start()
    ended.wait()
    executor.shutdown(timeout_sec=0)
    spinner.join()
    node.close()
    rclpy.try_shutdown()
    return 0


def _spin(executor: SingleThreadedExecutor, ended: threading.Event) -> None:
    try:
        while not ended.is_set():
            executor.spin_once()
    except (ExternalShutdownException, KeyboardInterrupt):
        pass
    finally:
        ended.set()


if __name__ == '__main__':
    sys.exit(main())
