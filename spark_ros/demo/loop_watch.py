# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Watch a simulated run, and say what asking was worth: `python -m spark_ros.demo.loop_watch`.

Listens to the images, the truth, the detections and what comes back from the spark node. With
simulated time it ends by itself after `seconds` of it, else when it is interrupted; then it
prints the scores and writes the plot.

Parameters: `output`, the folder for the plot; `seconds`, 0 for no end; `title`.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray

from spark_ros.demo.camera import CAMERA
from spark_ros.demo.loop_report import report
from spark_ros.demo.loop_score import Claim, Frame, TrueObject
from spark_ros.demo.scoring import Labelled
from spark_ros.demo.spinning import RELIABLE
from spark_ros.demo.truth_node import TRUTH_TOPIC
from spark_ros.msg import EngagementStatus
from spark_ros.ros.conversions import stamp_ns
from spark_ros.ros.images import check_image, to_pixels

ENDED = {
    EngagementStatus.STATE_FLAGGED, EngagementStatus.STATE_FAILED,
    EngagementStatus.STATE_EXPIRED, EngagementStatus.STATE_CANCELED,
}  # fmt: skip
CORRECTED_TOPIC = f'spark/{CAMERA}/detections'
STATUS_TOPIC = 'spark/engagements'
ENDING = (signal.SIGINT, signal.SIGTERM)
ANSWERS_S = 60.0


class LoopWatch(Node):
    """Keep what is told about each frame, by its stamp in nanoseconds.

    Attributes:
        output, seconds, title: the parameters.
        asked: the frames that somebody was asked about.
        over: those of them about which nothing more will come.
    """

    def __init__(self) -> None:
        """Subscribe to everything."""
        super().__init__('loop_watch')
        self.output = Path(self.declare_parameter('output', 'demo_output').value)
        self.seconds = float(self.declare_parameter('seconds', 0.0).value)
        self.title = str(self.declare_parameter('title', 'Simulated loop').value)
        self._frames: dict[int, Frame] = {}
        self._truths: set[int] = set()
        self._claims: set[int] = set()
        self._images: dict[int, NDArray[np.uint8]] = {}
        self._stopped = False
        self.asked: set[int] = set()
        self.over: set[int] = set()
        for kind, topic, callback in (
            (Image, f'{CAMERA}/image_raw', self._on_image),
            (Detection2DArray, TRUTH_TOPIC, self._on_truth),
            (Detection2DArray, f'{CAMERA}/detections', self._on_claims),
            (Detection2DArray, CORRECTED_TOPIC, self._on_corrected),
            (EngagementStatus, STATUS_TOPIC, self._on_status),
        ):
            self.create_subscription(kind, topic, callback, RELIABLE)

    @property
    def hears_the_node(self) -> bool:
        """Whether the spark node's topics are there."""
        return all(self.count_publishers(topic) for topic in (STATUS_TOPIC, CORRECTED_TOPIC))

    @property
    def settled(self) -> bool:
        """Whether nothing that was asked is still open."""
        return self.asked <= self.over

    def stop(self) -> None:
        """Take no further frames; what comes back about the known ones is still kept."""
        self._stopped = True

    def complete(self) -> dict[int, Frame]:
        """The frames whose truth and detections are both known, in the order of time."""
        both = self._truths & self._claims
        return {stamp: self._frames[stamp] for stamp in sorted(both)}

    def image(self, stamp: int) -> NDArray[np.uint8] | None:
        """The image of a frame as it came over JPEG, BGR (H, W, 3)."""
        data = self._images.get(stamp)
        return None if data is None else np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)

    def _frame(self, message: Detection2DArray) -> Frame:
        return self._frames.setdefault(stamp_ns(message.header.stamp), Frame())

    def _on_image(self, message: Image) -> None:
        if not self._stopped and not check_image(message):
            quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
            _, data = cv2.imencode('.jpg', to_pixels(message), quality)
            self._images[stamp_ns(message.header.stamp)] = np.asarray(data, np.uint8)

    def _on_truth(self, message: Detection2DArray) -> None:
        if self._stopped:
            return
        self._truths.add(stamp_ns(message.header.stamp))
        self._truths.add(stamp_ns(message.header.stamp))
        self._frame(message).truth = [
            TrueObject(labelled, share) for labelled, share in _boxes(message.detections)
        ]

    def _on_claims(self, message: Detection2DArray) -> None:
        self._claims.add(stamp_ns(message.header.stamp))
        self._frame(message).claims = [
            Claim(labelled, score) for labelled, score in _boxes(message.detections)
        ]

    def _on_corrected(self, message: Detection2DArray) -> None:
        self.over.add(stamp_ns(message.header.stamp))
        self._frame(message).corrected = [each for each, _ in _boxes(message.detections)]

    def _on_status(self, message: EngagementStatus) -> None:
        stamp = stamp_ns(message.header.stamp)
        if message.state == EngagementStatus.STATE_QUEUED and not self._stopped:
            self.asked.add(stamp)
        if message.state in ENDED:
            self.over.add(stamp)


def _boxes(detections: Iterable[Detection2D]) -> Iterable[tuple[Labelled, float]]:
    for one in detections:
        if one.results:
            center, box = one.bbox.center.position, one.bbox
            corner = (center.x - box.size_x / 2, center.y - box.size_y / 2)
            best = max(one.results, key=lambda each: each.hypothesis.score).hypothesis
            yield (best.class_id, (*corner, box.size_x, box.size_y)), best.score


def main() -> int:
    """Watch until the time is over or a signal comes, then report."""
    # Its own handlers would end the context before the node can be taken leave of.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    ended = threading.Event()
    for number in ENDING:
        signal.signal(number, lambda *_: ended.set())
    watch = LoopWatch()
    _watch(watch, ended)
    print(report(watch.complete(), watch.image, watch.output, watch.title), flush=True)
    watch.destroy_node()
    rclpy.try_shutdown()
    return 0


def _watch(watch: LoopWatch, ended: threading.Event) -> None:
    """Spin for so many seconds of the node's time from the first frame on, then for the answers.

    For these at most a minute; for ever where seconds is 0. A signal ends both.
    """
    clock, lasts_ns, began = watch.get_clock(), watch.seconds * 1e9, 0
    while not lasts_ns or not began or clock.now().nanoseconds - began < lasts_ns:
        if ended.is_set():
            return
        rclpy.spin_once(watch, timeout_sec=0.1)
        began = began or (clock.now().nanoseconds if watch.complete() else 0)
    watch.stop()
    deadline = time.monotonic() + ANSWERS_S
    while not (ended.is_set() or watch.settled) and time.monotonic() < deadline:
        rclpy.spin_once(watch, timeout_sec=0.1)


if __name__ == '__main__':
    sys.exit(main())
