# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The spark_node executable."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import threading

import rclpy
from rclpy._rclpy_pybind11 import RCLError, UnknownROSArgsError
from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
)
from rclpy.signals import SignalHandlerOptions

import spark_ros
from spark_ros.escalation.journal.errors import JournalError
from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.log import log_to_ros
from spark_ros.ros.node import SparkNode
from spark_ros.ros.workarounds.allocator import keep_large_buffers
from spark_ros.ros.workarounds.executor import MessageExecutor

END_S = 9.0
logger = logging.getLogger('spark_ros.ros.main')


def main(args: list[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM; return 0, 1 after a crash, 2 if set up wrongly.

    The executor runs in a thread and the main thread waits: only so is the context still alive
    when a signal has come, and what is pending can be published. `END_S` after the signal the
    process ends with 1, whatever the middleware does: the journal loses nothing by it.
    """
    if '--version' in (sys.argv if args is None else args):
        print(f'spark_node {spark_ros.__version__}')
        return 0
    keep_large_buffers()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except UnknownROSArgsError as error:
        return _refuse(f'unknown ROS arguments: {error}')
    except RCLError as error:
        return _refuse(str(error))
    ended, crashed = threading.Event(), threading.Event()

    def died() -> None:
        crashed.set()
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        node = SparkNode(died, log_to_ros)
    except (ParameterError, JournalError) as error:
        rclpy.try_shutdown()
        return _refuse(str(error))
    executor = MessageExecutor(node)
    spinner = threading.Thread(target=_spin, args=(executor, ended, crashed), name='executor')
    spinner.start()
    ended.wait()
    # Not a thread: the middleware may hang in a call that holds the interpreter's lock.
    faulthandler.dump_traceback_later(END_S, exit=True)
    # Shut down only once it is at rest: under way, it would crash for want of its guard condition.
    node.wake()
    spinner.join()
    executor.shutdown()
    node.finish()
    logger.info('stopped; the journal is closed')
    node.leave()
    rclpy.try_shutdown()
    return 1 if crashed.is_set() else 0


def _refuse(reason: str) -> int:
    print(f'spark_node: {reason}', file=sys.stderr)
    return 2


def _spin(
    executor: SingleThreadedExecutor, ended: threading.Event, crashed: threading.Event
) -> None:
    try:
        while not ended.is_set():
            executor.spin_once()
    except (ExternalShutdownException, ShutdownException, KeyboardInterrupt):
        pass
    except Exception:
        logger.exception('the executor crashed; questions stay in the journal')
        crashed.set()
    finally:
        ended.set()


if __name__ == '__main__':
    sys.exit(main())
