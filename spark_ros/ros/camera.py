# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One camera: match its detections with its frames."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.frames import Frame, FrameRing
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.question.escalation import FrameMatch
from spark_ros.ros.config import CameraConfig
from spark_ros.ros.conversions import stamp_ns
from spark_ros.ros.detected_frame import RosDetectedFrame
from spark_ros.ros.detectors import (
    DetectorView,
    VisionDetections,
    find_detector,
    may_be_doubted,
)
from spark_ros.ros.images import check_image
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.label_input import LabelInput
from spark_ros.ros.matched import MatchedSubscription
from spark_ros.ros.pending_frames import Found, PendingFrameRequests
from spark_ros.ros.pose import PoseInput
from spark_ros.ros.serialized_image import SerializedImage, read_image
from spark_ros.ros.steady_timer import steady_timer

MAX_WAITING = 100
TICK_S = 0.02


class CameraInput:
    """Subscribe to a camera and its detector, and offer each frame that has to be looked at.

    Attributes:
        frames: how many frames were added to the ring.
        detections: how many messages came from the detector.
        unmatched: how many of them never found their frame, although frames came before.
        unusable: how many images could not be used.
        refusal: what was wrong with the last of these.
    """

    def __init__(
        self,
        node: Node,
        inbox: Inbox,
        config: CameraConfig,
        offer: Callable[[RosDetectedFrame], None],
        warn: WarnOnce,
        pose: PoseInput,
    ) -> None:
        """Subscribe.

        Args:
            node: whose executor runs the callbacks.
            inbox: of that node.
            config: the camera's parameters.
            offer: called with each frame and its detections; returns at once.
            warn: logs what is wrong with a message, once for each kind.
            pose: gives the robot's pose.
        """
        self._config, self._offer, self._warn, self._pose = config, offer, warn, pose
        self._ring: FrameRing[SerializedImage | CompressedImage] = FrameRing(
            int(config.frames_max_mb * 1e6), int(config.frames_slop_s * 1e9)
        )
        self._detector = find_detector(
            f'{config.name}.detections_type', config.detections_type
        )
        self._labels = LabelInput(node, inbox, config, warn)
        self._waiting: deque[tuple[float, Any]] = deque()
        self._requests = PendingFrameRequests(self._ring)
        self._newest_detections: Any = None
        self.frames = self.detections = self.unmatched = self.unusable = 0
        self.refusal = ''
        compressed = config.transport == 'compressed'
        self._subscriptions = [
            MatchedSubscription(
                node,
                inbox,
                CompressedImage if compressed else Image,
                config.image_topic,
                self._on_compressed if compressed else self._on_image,
                None if compressed else self._read_image,
            ),
            MatchedSubscription(
                node, inbox, self._detector.type, config.detections_topic, self._on_detections
            ),
        ]
        self._timer = steady_timer(node, TICK_S, self._match_waiting)
        self._timer.cancel()

    @property
    def topics(self) -> list[str]:
        """The topics subscribed to, fully resolved."""
        return [subscription.resolved_topic for subscription in self._subscriptions]

    @property
    def ring_bytes(self) -> int:
        """The size of the frames in the ring."""
        return self._ring.size_bytes

    def configure(self, config: CameraConfig) -> None:
        """Apply changed parameters; topics and transport stay as they are."""
        self._config = config
        self._labels.configure(config)
        self._ring.configure(int(config.frames_max_mb * 1e6), int(config.frames_slop_s * 1e9))

    def wait_for(
        self, stamp: int, take: Callable[[RosDetectedFrame | None, str], None]
    ) -> Callable[[], None] | None:
        """Find a frame that somebody asks about on purpose; wait `frames.wait_s` at most.

        Args:
            stamp: of the frame in nanoseconds, exact or within the slop; zero: the newest.
            take: called with the frame, or with None and the reason; maybe before this returns.

        Returns:
            A function that cancels the wait, or None if `take` was called already.
        """
        now = time.monotonic()

        def hand_on(found: Found | None) -> None:
            if found is None:
                take(None, self._missing(stamp))
            else:
                frame, match = found
                take(self._detected(frame, None, match), '')

        forget = self._requests.add(stamp, now + self._config.frames_wait_s, now, hand_on)
        if forget is not None:
            self._timer.reset()
        return forget

    def newest(self) -> RosDetectedFrame | None:
        """Return the newest frame, with its detections if they are known already."""
        frame = self._ring.newest()
        if frame is None:
            return None
        detections, slop_ns = self._newest_detections, self._config.frames_slop_s * 1e9
        if detections is None or not (
            abs(stamp_ns(detections.header.stamp) - frame.stamp_ns) <= slop_ns
        ):
            return self._detected(frame, None, FrameMatch.NEWEST)
        return self._detected(frame, detections, FrameMatch.NEWEST)

    def _missing(self, stamp: int) -> str:
        name, config = self._config.name, self._config
        if not len(self._ring):
            return (
                f'the camera {name!r} sent no frame within {config.frames_wait_s:g} s '
                f'({self.topics[0]})'
            )
        return (
            f'the camera {name!r} has no frame within {config.frames_slop_s:g} s of the stamp '
            f'{stamp / 1e9:.3f}'
        )

    def _read_image(self, message: bytes) -> SerializedImage | None:
        try:
            return read_image(message)
        except ValueError as error:
            self._refuse(str(error), _kind(str(error)))
            return None

    def _on_image(self, message: SerializedImage) -> None:
        if problem := check_image(message):
            self._refuse(problem, f'{message.encoding} {_kind(problem)}')
            return
        self._keep(message)

    def _on_compressed(self, message: CompressedImage) -> None:
        if not message.data:
            self._refuse('a compressed image has no data')
            return
        if 'compressedDepth' in message.format:
            self._refuse(
                f'{message.format!r} is a depth transport; name a topic with JPEG or PNG images'
            )
            return
        self._keep(message)

    def _refuse(self, problem: str, kind: str | None = None) -> None:
        self.unusable += 1
        self.refusal = problem
        name = self._config.name
        self._warn(f'{name}: an image cannot be used: {problem}', f'{name} {kind or problem}')

    def _keep(self, message: SerializedImage | CompressedImage) -> None:
        self._ring.add(stamp_ns(message.header.stamp), message, len(message.data))
        self.frames += 1
        if self._waiting or self._requests:
            self._match_waiting()

    def _on_detections(self, message: Any) -> None:
        self.detections += 1
        self._newest_detections = message
        config = self._config
        if not config.every_frame and not may_be_doubted(
            self._detector.seen(message), config.asking.thresholds, self._labels.now
        ):
            return
        if self._match(message, over=False):
            return
        if len(self._waiting) >= MAX_WAITING:
            self._lose(self._waiting.popleft()[1], 'too many wait for their frame')
        self._waiting.append((time.monotonic() + self._config.frames_wait_s, message))
        self._timer.reset()

    def _match_waiting(self) -> None:
        """Pass on every waiting detection whose frame has come; drop the late ones."""
        now = time.monotonic()
        self._requests.serve(now)
        still: deque[tuple[float, Any]] = deque()
        for until, message in self._waiting:
            if not self._match(message, over=now >= until):
                still.append((until, message))
        self._waiting = still
        if not still and not self._requests:
            self._timer.cancel()

    def _match(self, message: Any, *, over: bool) -> bool:
        stamp = stamp_ns(message.header.stamp)
        exact = self._ring.exact(stamp) if stamp else None
        if exact is not None:
            self._offer(self._detected(exact, message, FrameMatch.EXACT))
            return True
        if not (over or self._ring.passed(stamp) or (stamp == 0 and len(self._ring))):
            return False
        found = self._ring.best_match(stamp)
        if found is None:
            if not self._ring.begins_after(stamp):
                slop_s = self._config.frames_slop_s
                self._lose(message, f'no frame within {slop_s:g} s of its stamp')
            return True
        frame, match = found
        if match is FrameMatch.NEWEST:
            self._warn(
                f'{self._config.name}: detections have the stamp {stamp / 1e9:.3f}, which no '
                "frame has; the newest frame is taken. Stamp detections with their image's stamp.",
                f'{self._config.name} newest',
            )
        self._offer(self._detected(frame, message, match))
        return True

    def _detected(
        self, frame: Frame[SerializedImage | CompressedImage], message: Any, match: FrameMatch
    ) -> RosDetectedFrame:
        """Return a frame with the detector's message, or None for it, in our own type."""
        name, config = self._config.name, self._config
        detector = self._detector
        if message is None:
            detector = VisionDetections()
            message = Detection2DArray(header=frame.payload.header)
        view = DetectorView(
            detector,
            config.detection_image_size,
            config.detection_fit,
            self._labels.now,
        )
        return RosDetectedFrame(
            name,
            frame.payload,
            message,
            match,
            view,
            lambda reason: self._warn(
                f'{name}: a detection is left out: {reason}', f'{name} {_kind(reason)}'
            ),
            self._pose.newest,
            self._labels.unknown,
        )

    def _lose(self, message: Any, why: str) -> None:
        self.unmatched += 1
        self._warn(
            f'{self._config.name}: {len(message.detections)} detection(s) with the stamp '
            f'{stamp_ns(message.header.stamp) / 1e9:.3f} cannot be asked about: {why}',
            f'{self._config.name} unmatched {why}',
        )


def _kind(reason: str) -> str:
    """The reason without its numbers, so that each kind is said once."""
    return ''.join(char for char in reason if char.isalpha())
