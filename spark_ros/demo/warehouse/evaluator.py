# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Score a simulated run: `python -m spark_ros.demo.warehouse.evaluator`.

Listens to the images, the truth, the detections and what comes back from the spark node. With
simulated time it ends by itself after `seconds` of it, else when it is interrupted; then it
prints the scores and writes the plot.

Parameters: `output`, the folder for the plot; `seconds`, 0 for no end; `title`.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.messages import CORRECTED, DETECTIONS, IMAGES, read_detections
from spark_ros.demo.monitor import Monitor
from spark_ros.demo.scoring import Detection
from spark_ros.demo.waiting import spin_until
from spark_ros.demo.warehouse.comparison import Frame
from spark_ros.demo.warehouse.report import report
from spark_ros.demo.warehouse.truth_node import TRUTH
from spark_ros.msg import EngagementStatus
from spark_ros.ros.images import check_image, to_pixels

ENDING = (signal.SIGINT, signal.SIGTERM)
ANSWERS_S = 60.0


class Evaluator(Monitor):
    """Keep what is told about each frame, by its stamp in nanoseconds."""

    def __init__(self) -> None:
        """Subscribe to everything."""
        super().__init__('evaluator')
        self._truth: dict[int, list[Detection]] = {}
        self._claims: dict[int, list[Detection]] = {}
        self._corrected: dict[int, list[Detection]] = {}
        self._images: dict[int, NDArray[np.uint8]] = {}
        self._stopped = False
        self.follow(Image, IMAGES, self.on_image)
        self.follow(Detection2DArray, TRUTH, self.on_truth)
        self.follow(Detection2DArray, DETECTIONS, self.on_claims)
        self.follow(Detection2DArray, CORRECTED, self.on_corrected)

    def stop(self) -> None:
        """Take no further frames; what comes back about the known ones is still kept."""
        self._stopped = True

    def complete(self) -> dict[int, Frame]:
        """The frames whose truth and detections are both known, in the order of time."""
        return {
            stamp: Frame(self._truth[stamp], self._claims[stamp], self._corrected.get(stamp))
            for stamp in sorted(self._truth.keys() & self._claims.keys())
        }

    def image(self, stamp: int) -> NDArray[np.uint8] | None:
        """The image of a frame as it came over JPEG, BGR (H, W, 3)."""
        data = self._images.get(stamp)
        return None if data is None else np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)

    def report(self, output: Path, title: str) -> str:
        """Write the plot into a folder and return the table."""
        return report(self.complete(), self.image, output, title)

    def on_printed(self, line: str | None) -> None:
        """Tell which frame was published."""
        if line is not None:
            told = f'{len(self.asked)} asked, {len(self.over)} answered'
            print(f'{line.strip()}: {told}', flush=True)

    def on_image(self, stamp: int, message: Image) -> None:
        """Keep the image."""
        if not self._stopped and not check_image(message):
            quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
            _, data = cv2.imencode('.jpg', to_pixels(message), quality)
            self._images[stamp] = np.asarray(data, np.uint8)

    def on_truth(self, stamp: int, message: Detection2DArray) -> None:
        """Keep what is truly there."""
        if not self._stopped:
            self._truth[stamp] = read_detections(message)

    def on_claims(self, stamp: int, message: Detection2DArray) -> None:
        """Keep what the detector claims."""
        self._claims[stamp] = read_detections(message)

    def on_corrected(self, stamp: int, message: Detection2DArray) -> None:
        """Keep the answer."""
        self.over.add(stamp)
        self._corrected[stamp] = read_detections(message)

    def on_status(self, stamp: int, message: EngagementStatus) -> None:
        """Take in a step in the life of a question, no new ones after the stop."""
        if not (self._stopped and message.state == EngagementStatus.STATE_QUEUED):
            super().on_status(stamp, message)


def main() -> int:
    """Watch until the time is over or a signal comes, then report."""
    # Its own handlers would end the context before the node can be taken leave of.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    ended = threading.Event()
    for number in ENDING:
        signal.signal(number, lambda *_: ended.set())
    evaluator = Evaluator()
    output = Path(evaluator.declare_parameter('output', 'demo_output').value)
    seconds = float(evaluator.declare_parameter('seconds', 0.0).value)
    title = str(evaluator.declare_parameter('title', 'Simulated loop').value)
    _watch(evaluator, seconds, ended)
    print(evaluator.report(output, title), flush=True)
    evaluator.destroy_node()
    rclpy.try_shutdown()
    return 0


def _watch(evaluator: Evaluator, seconds: float, ended: threading.Event) -> None:
    """Spin for so many seconds of the node's time from the first frame on, then for the answers.

    For these at most a minute; for ever where seconds is 0. A signal ends both.
    """
    clock, lasts_ns, began = evaluator.get_clock(), seconds * 1e9, 0
    while not lasts_ns or not began or clock.now().nanoseconds - began < lasts_ns:
        if ended.is_set():
            return
        rclpy.spin_once(evaluator, timeout_sec=0.1)
        began = began or (clock.now().nanoseconds if evaluator.complete() else 0)
    evaluator.stop()
    spin_until(evaluator, lambda: ended.is_set() or evaluator.settled, ANSWERS_S)


if __name__ == '__main__':
    sys.exit(main())
