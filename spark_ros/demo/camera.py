# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the demos' cameras share: they publish one image after the other, once others listen."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from spark_ros.demo.errors import DemoError
from spark_ros.demo.messages import FRAME_ID, IMAGES, image_message
from spark_ros.demo.processes import delayed_interrupt
from spark_ros.demo.spinning import RELIABLE
from spark_ros.demo.waiting import spin_for, spin_until
from spark_ros.ros.workarounds.allocator import keep_large_buffers

DISCOVERY_S = 30.0


class Camera(Node):
    """A camera; `show` publishes what belongs to one frame."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._images = self.create_publisher(Image, IMAGES, RELIABLE)

    def has_listeners(self, count: int) -> bool:
        """Whether so many nodes listen to the images.

        Not subscriptions: a node may hold two for a moment.
        """
        found = self.get_subscriptions_info_by_topic(self._images.topic_name)
        return len({(info.node_namespace, info.node_name) for info in found}) >= count

    def new_header(self) -> Header:
        """Return the header of an image that is taken now."""
        return Header(stamp=self.get_clock().now().to_msg(), frame_id=FRAME_ID)

    def publish_image(self, header: Header, image_bgr: NDArray[np.uint8]) -> None:
        """Publish BGR pixels (H, W, 3)."""
        self._images.publish(image_message(header, image_bgr))

    def show(self, frame: Any) -> None:
        """Publish a frame.

        Raises:
            DemoError: nobody takes it in.
        """
        raise NotImplementedError


def run(
    parser: argparse.ArgumentParser,
    make: Callable[[argparse.Namespace], tuple[Camera, Iterable[Any]]],
) -> int:
    """Show frames until they or a signal end it; return the exit code.

    Args:
        parser: of the arguments of this camera, with defaults for those that all have.
        make: gives the camera and its frames; each is read when it is its turn.
    """
    parser.add_argument('--period', type=float, help='least seconds between two frames')
    parser.add_argument('--listeners', type=int, help='nodes to wait for on the image topic')
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        arguments = parser.parse_args()
        with ExitStack() as ending:
            # What a signal interrupts while it is made complains.
            with delayed_interrupt():
                keep_large_buffers()
                # Its own handlers end the context in the midst of a frame.
                rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
                rclpy.get_global_executor()
                camera, frames = make(arguments)
                ending.callback(camera.destroy_node)
            if not spin_until(
                camera, lambda: camera.has_listeners(arguments.listeners), DISCOVERY_S
            ):
                raise DemoError('no node subscribes to the camera')
            for frame in frames:
                due = time.monotonic() + arguments.period
                camera.show(frame)
                spin_for(camera, due - time.monotonic())
            # Until those who listen have everything.
            for publisher in camera.publishers:
                publisher.wait_for_all_acked(Duration(seconds=5))
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        rclpy.try_shutdown()
    return 0
