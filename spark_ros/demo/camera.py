# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A camera that replays photographs, and a detector beside it, as one would run on a robot.

Run as `python -m spark_ros.demo.camera [--images PATH] [--period S]`. It prints one JSON line
for each frame, waits for a subscriber before the first and ends after the last.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial

import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.detector import Detector
from spark_ros.demo.errors import DemoError
from spark_ros.demo.messages import (
    DETECTIONS,
    FRAME_ID,
    IMAGES,
    detections_message,
    image_message,
)
from spark_ros.demo.photographs import Photograph, default_photographs, load_images
from spark_ros.demo.spinning import RELIABLE
from spark_ros.demo.waiting import listening_nodes, spin_for, spin_until
from spark_ros.ros.allocator import keep_large_buffers
from spark_ros.ros.conversions import stamp_ns

DISCOVERY_S = 30.0


class ReplayCamera(Node):
    """Publish photographs and what the detector makes of them."""

    def __init__(self) -> None:
        """Advertise `camera/image_raw` and `camera/detections`."""
        super().__init__('replay_camera')
        self._images = self.create_publisher(Image, IMAGES, RELIABLE)
        self._detections = self.create_publisher(Detection2DArray, DETECTIONS, RELIABLE)
        self._detector = Detector()

    def has_listeners(self, images: int) -> bool:
        """Whether so many nodes listen to the images and one to the detections."""
        return (listening_nodes(self, self._images) >= images
                and self._detections.get_subscription_count() > 0)  # fmt: skip

    def show(self, photograph: Photograph, tell: Callable[[str], None]) -> None:
        """Publish one frame and its detections; tell about them in between, as JSON."""
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=FRAME_ID)
        self._images.publish(image_message(header, photograph.image))
        found = self._detector.detect(photograph.image)
        frame = {'name': photograph.name, 'stamp_ns': stamp_ns(header.stamp), 'found': found}
        tell(json.dumps(frame))
        self._detections.publish(detections_message(header, found))

    def finish(self) -> None:
        """Wait until reliable subscribers have everything."""
        publishers: tuple[Publisher, ...] = (self._images, self._detections)
        for publisher in publishers:
            publisher.wait_for_all_acked(Duration(seconds=5))


def main() -> int:
    """Replay everything once."""
    parser = argparse.ArgumentParser(description='Replay photographs as a camera would.')
    parser.add_argument('--images', help='folder of images or a video; default: the built-in ones')
    parser.add_argument('--period', type=float, default=0.5, help='seconds between two frames')
    parser.add_argument(
        '--listeners', type=int, default=1, help='nodes to wait for on the image topic'
    )
    arguments = parser.parse_args()
    try:
        return replay(arguments)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 2


def replay(arguments: argparse.Namespace) -> int:
    """Publish one frame after the other, each read when it is its turn."""
    tell = partial(print, flush=True)
    photographs: Iterable[Photograph] = (
        load_images(arguments.images, lambda line: tell(json.dumps({'remark': line})))
        if arguments.images
        else default_photographs()
    )
    keep_large_buffers()
    rclpy.init()
    camera = ReplayCamera()
    if not spin_until(camera, partial(camera.has_listeners, arguments.listeners), DISCOVERY_S):
        print('camera: nobody listens', file=sys.stderr)
        return 1
    for photograph in photographs:
        due = time.monotonic() + arguments.period
        camera.show(photograph, tell)
        spin_for(camera, due - time.monotonic())
    camera.finish()
    camera.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
