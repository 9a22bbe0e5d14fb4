# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Watch the demo's topics and tell what happens, line by line, as it happens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.camera import CAMERA
from spark_ros.model import CorrectionKind
from spark_ros.msg import Correction, EngagementStatus, Resolution
from spark_ros.ros.conversions import stamp_ns
from spark_ros.ros.images import to_pixels

ANNOTATED = f'spark/{CAMERA}/annotated/compressed'
STEPS = {
    EngagementStatus.STATE_QUEUED: 'asked',
    EngagementStatus.STATE_OPEN: 'opened',
    EngagementStatus.STATE_ASSIGNED: 'assigned',
    EngagementStatus.STATE_CLOSED: 'answered',
    EngagementStatus.STATE_FLAGGED: 'flagged',
    EngagementStatus.STATE_FAILED: 'failed',
    EngagementStatus.STATE_EXPIRED: 'expired',
    EngagementStatus.STATE_CANCELED: 'canceled',
}
KINDS = {getattr(Correction, f'KIND_{kind.name}'): kind.value for kind in CorrectionKind}
LONGEST_NAME = 36
Labelled = tuple[str, tuple[float, float, float, float]]


@dataclass
class Shot:
    """What is known of one frame; boxes are (x, y, width, height) in pixels.

    Attributes:
        annotated: the node's own picture of the answer, a JPEG.
    """

    name: str
    image: NDArray[np.uint8] | None = None
    before: list[Labelled] = field(default_factory=list)
    after: list[Labelled] | None = None
    resolution: Resolution | None = None
    annotated: bytes = b''


def shorten(name: str) -> str:
    """Cut a long name, so that a line with an id stays within 100 columns."""
    return name if len(name) <= LONGEST_NAME else f'{name[: LONGEST_NAME - 1]}…'


class Story(Node):
    """Listen to the node and the camera; keep what the report needs.

    Attributes:
        shots: by stamp in nanoseconds.
        asked: stamps by question id.
        over: how many questions ended how.
        catch_up: called before a line is told, so that what the camera said comes first.
    """

    def __init__(self) -> None:
        """Subscribe to all that is told about."""
        super().__init__('storyteller')
        self.catch_up: Callable[[], None] = lambda: None
        self._began = time.monotonic()
        self.shots: dict[int, Shot] = {}
        self.asked: dict[str, int] = {}
        self.over: Counter[str] = Counter()
        self.last_news = time.monotonic()
        latched = QoSProfile(
            depth=100,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
        reliable = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
        unsure = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        for kind, topic, callback, qos in (
            (Image, f'{CAMERA}/image_raw', self._on_image, reliable),
            (EngagementStatus, 'spark/engagements', self._on_status, reliable),
            (Resolution, 'spark/resolutions', self._on_resolution, latched),
            (Detection2DArray, f'spark/{CAMERA}/detections', self._on_corrected, latched),
            (CompressedImage, ANNOTATED, self._on_annotated, unsure),
        ):
            self.create_subscription(kind, topic, callback, qos)

    @property
    def hears_the_node(self) -> bool:
        """Whether the node's topics are there, so that no step of it is missed."""
        topics = (
            'spark/engagements', 'spark/resolutions', f'spark/{CAMERA}/detections', ANNOTATED,
        )  # fmt: skip
        return all(self.count_publishers(topic) for topic in topics)

    def say(self, step: str, words: str) -> None:
        """Print one line with the seconds since the start."""
        print(f'{time.monotonic() - self._began:7.2f} s  {step:<10} {words}', flush=True)

    def on_frame(self, frame: dict[str, Any]) -> None:
        """Take in what the camera says it published, or that it skipped something."""
        if 'remark' in frame:
            self.say('camera', frame['remark'])
            return
        shot = self._shot(frame['stamp_ns'])
        shot.name = frame['name']
        shot.before = [(label, tuple(box)) for label, _, box in frame['detections']]
        seen = ', '.join(f'{label} {score:.2f}' for label, score, _ in frame['detections'])
        self.say('seen', f'{shorten(shot.name)}: {seen or "nothing"}')

    @property
    def settled(self) -> bool:
        """Whether everything that was asked has ended and been published."""
        return sum(self.over.values()) >= len(self.asked)

    @property
    def answered(self) -> list[Shot]:
        """The frames with an answer, in the order they were taken."""
        return [shot for _, shot in sorted(self.shots.items()) if shot.resolution is not None]

    def _shot(self, stamp: int) -> Shot:
        return self.shots.setdefault(stamp, Shot(f'frame {stamp}'))

    def _on_image(self, message: Image) -> None:
        self._shot(stamp_ns(message.header.stamp)).image = to_pixels(message)

    def _on_status(self, message: EngagementStatus) -> None:
        self.last_news = time.monotonic()
        self.catch_up()
        stamp = stamp_ns(message.header.stamp)
        if message.state == EngagementStatus.STATE_QUEUED:
            self.asked[message.id] = stamp
        step = STEPS.get(message.state, str(message.state))
        if step in ('failed', 'expired', 'canceled'):
            self.over[step] += 1
        detail = f' ({message.detail})' if message.detail else ''
        name = shorten(self._shot(stamp).name)
        self.say(step, f'{name}  {message.token}{detail}'.rstrip())

    def _on_resolution(self, message: Resolution) -> None:
        self.last_news = time.monotonic()
        self.over['published'] += 1
        shot = self._shot(stamp_ns(message.header.stamp))
        shot.resolution = message
        kinds = Counter(KINDS[correction.kind] for correction in message.corrections)
        words = ', '.join(f'{count} {kind}' for kind, count in kinds.items()) or 'nothing there'
        self.say('published', f'{shorten(shot.name)}  {message.response_time:.2f} s: {words}')

    def _on_corrected(self, message: Detection2DArray) -> None:
        boxes = []
        for one in message.detections:
            center, box = one.bbox.center.position, one.bbox
            corner = (center.x - box.size_x / 2, center.y - box.size_y / 2)
            label = one.results[0].hypothesis.class_id
            boxes.append((label, (*corner, box.size_x, box.size_y)))
        self._shot(stamp_ns(message.header.stamp)).after = boxes

    def _on_annotated(self, message: CompressedImage) -> None:
        self.last_news = time.monotonic()
        self._shot(stamp_ns(message.header.stamp)).annotated = bytes(message.data)
