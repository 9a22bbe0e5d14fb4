# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A camera that replays photographs, and a detector beside it, as one would run on a robot.

Run as `python -m spark_ros.demo.replay [--images PATH] [--period S]`. It prints one JSON line
for each frame, waits for a subscriber before the first and ends after the last.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterable

if __name__ == '__main__':
    # The imports take a second, in which there is nothing to finish.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))

from vision_msgs.msg import Detection2DArray

from spark_ros.demo.camera import Camera, run
from spark_ros.demo.detector import Detector
from spark_ros.demo.messages import DETECTIONS, detections_message
from spark_ros.demo.photographs import Photograph, default_photographs, load_images
from spark_ros.demo.spinning import RELIABLE
from spark_ros.ros.conversions import stamp_ns


class ReplayCamera(Camera):
    """Publish photographs and what the detector makes of them."""

    def __init__(self) -> None:
        """Advertise `camera/image_raw` and `camera/detections`."""
        super().__init__('replay_camera')
        self._detections = self.create_publisher(Detection2DArray, DETECTIONS, RELIABLE)
        self._detector = Detector()

    def has_listeners(self, count: int) -> bool:
        """Whether so many nodes listen to the images and one to the detections."""
        return super().has_listeners(count) and self._detections.get_subscription_count() > 0

    def show(self, frame: Photograph) -> None:
        """Publish one frame and its detections; tell about them in between, as JSON."""
        header = self.new_header()
        self.publish_image(header, frame.image)
        found = self._detector.detect(frame.image)
        _tell(name=frame.name, stamp_ns=stamp_ns(header.stamp), found=found)
        self._detections.publish(detections_message(header, found))


def main() -> int:
    """Replay everything once."""
    parser = argparse.ArgumentParser(description='Replay photographs as a camera would.')
    parser.add_argument('--images', help='folder of images or a video; default: the built-in ones')
    parser.set_defaults(period=0.5, listeners=1)
    return run(parser, lambda arguments: (ReplayCamera(), _photographs(arguments.images)))


def _photographs(images: str | None) -> Iterable[Photograph]:
    if images is None:
        return default_photographs()
    return load_images(images, lambda line: _tell(remark=line))


def _tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == '__main__':
    sys.exit(main())
