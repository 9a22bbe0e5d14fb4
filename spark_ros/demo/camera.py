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
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from spark_ros.demo.detector import Detection, Detector
from spark_ros.demo.errors import DemoError
from spark_ros.demo.photographs import Photograph, default_photographs, load_images
from spark_ros.ros.workarounds.allocator import keep_large_buffers

CAMERA = 'camera'
FRAME_ID = 'camera_optical_frame'
DISCOVERY_S = 30.0


class ReplayCamera(Node):
    """Publish photographs and what the detector makes of them."""

    def __init__(self) -> None:
        """Advertise `camera/image_raw` and `camera/detections`."""
        super().__init__('replay_camera')
        qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
        self._images = self.create_publisher(Image, f'{CAMERA}/image_raw', qos)
        self._detections = self.create_publisher(Detection2DArray, f'{CAMERA}/detections', qos)
        self._detector = Detector()

    def wait_for_listeners(self, images: int) -> bool:
        """Wait until so many nodes listen to the images and one to the detections.

        Nodes are counted and not subscriptions: a node may hold two for a moment. False when it
        takes too long.
        """
        deadline = time.monotonic() + DISCOVERY_S
        while time.monotonic() < deadline:
            listeners = self.get_subscriptions_info_by_topic(self._images.topic_name)
            nodes = {(info.node_namespace, info.node_name) for info in listeners}
            if len(nodes) >= images and self._detections.get_subscription_count():
                return True
            rclpy.spin_once(self, timeout_sec=0.05)
        return False

    def show(self, photograph: Photograph, tell: Callable[[str], None]) -> None:
        """Publish one frame and its detections; tell about them in between, as JSON."""
        height, width = photograph.image.shape[:2]
        image = Image(
            height=height, width=width, encoding='bgr8', step=width * 3,
        )  # fmt: skip
        image.header.stamp = self.get_clock().now().to_msg()
        image.header.frame_id = FRAME_ID
        image.data.frombytes(photograph.image.tobytes())
        self._images.publish(image)
        found = self._detector.detect(photograph.image)
        stamp = image.header.stamp
        frame = {
            'name': photograph.name,
            'stamp_ns': stamp.sec * 10**9 + stamp.nanosec,
            'detections': [
                [one.label, one.score, [one.x, one.y, one.width, one.height]] for one in found
            ],
        }
        tell(json.dumps(frame))
        array = Detection2DArray(header=image.header)
        array.detections = [detection_message(image, one) for one in found]
        self._detections.publish(array)

    def finish(self) -> None:
        """Wait until reliable subscribers have everything."""
        publishers: tuple[Publisher, ...] = (self._images, self._detections)
        for publisher in publishers:
            publisher.wait_for_all_acked(Duration(seconds=5))


def detection_message(image: Image, found: Detection) -> Detection2D:
    """Return a detection in the image's pixels as vision_msgs has it."""
    message = Detection2D(header=image.header)
    hypothesis = ObjectHypothesisWithPose()
    hypothesis.hypothesis.class_id = found.label
    hypothesis.hypothesis.score = found.score
    message.results = [hypothesis]
    message.bbox.center.position.x = found.x + found.width / 2
    message.bbox.center.position.y = found.y + found.height / 2
    message.bbox.size_x = float(found.width)
    message.bbox.size_y = float(found.height)
    return message


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
    if not camera.wait_for_listeners(arguments.listeners):
        print('camera: nobody listens', file=sys.stderr)
        return 1
    for photograph in photographs:
        due = time.monotonic() + arguments.period
        camera.show(photograph, tell)
        while (rest := due - time.monotonic()) > 0:
            rclpy.spin_once(camera, timeout_sec=rest)
    camera.finish()
    camera.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
