# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A frame and the detections on it, converted only when somebody decides to look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage
from vision_msgs.msg import Detection2DArray

from spark_ros.calibration.decisions import Detection
from spark_ros.escalation.pictures.encoding import (
    decode_upright,
    encode_compressed,
    encode_frame,
    read_header,
)
from spark_ros.escalation.question.escalation import EncodedImage, FrameMatch
from spark_ros.escalation.question.outgoing_image import OutgoingImage, Pixels
from spark_ros.geometry import ImageSize
from spark_ros.policy import Thresholds
from spark_ros.ros.conversions import stamp_ns
from spark_ros.ros.detectors import DetectorView, Seen, may_be_doubted, read_detections
from spark_ros.ros.images import to_pixels
from spark_ros.ros.pose import PoseMessage, pose_metadata
from spark_ros.ros.serialized_image import SerializedImage


class RosDetectedFrame:
    """What `spark_ros.escalation.question.asking.DetectedFrame` asks for, over two messages."""

    def __init__(
        self,
        camera: str,
        image: SerializedImage | CompressedImage,
        detections: Any,
        frame_match: FrameMatch,
        view: DetectorView,
        refuse: Callable[[str], None],
        pose: PoseMessage | None = None,
        unknown: Callable[[str], None] = lambda class_id: None,
    ) -> None:
        """Keep references; nothing is copied.

        Args:
            camera: its name.
            image: the frame.
            detections: what was seen on it, of the type that `view` reads.
            frame_match: how the frame was found.
            view: how the detector speaks of what it sees.
            refuse: told the reason for each detection that makes no sense.
            pose: where the robot is, as far as it is known.
            unknown: told each class id that has no label; it stands for itself.
        """
        self.camera = camera
        self.stamp_ns = stamp_ns(image.header.stamp)
        self.frame_id: str = image.header.frame_id
        self.frame_match = frame_match
        self.source_fit = view.fit
        self.class_ids: Mapping[str, str] = view.labels.ids
        self._image = image
        self._message = detections
        self._view = view
        self._refuse, self._unknown = refuse, unknown
        self._pose = pose

    @property
    def count(self) -> int:
        """How many detections came with it, valid or not."""
        return len(self._seen)

    def size(self) -> ImageSize:
        """Return the upright size in pixels, from the message or the file's header."""
        return self._size

    def source_size(self) -> ImageSize:
        """Return the size in whose pixels the detections are."""
        return self._view.size or self._size

    def may_be_doubted(self, thresholds: Thresholds) -> bool:
        """Return whether a detection is doubted, or makes no sense; nothing is converted."""
        return may_be_doubted(self._seen, thresholds, self._view.labels)

    def reader(self) -> Callable[[], list[Detection]]:
        """Return what reads the detections that make sense, normalized; it holds no image."""
        return partial(
            read_detections, self._seen, self._size, self._view, self._refuse, self._unknown
        )

    def metadata(self) -> dict[str, str]:
        """Return the pose, where there is one."""
        return {} if self._pose is None else pose_metadata(self._pose)

    def encode(self, outgoing: OutgoingImage) -> EncodedImage:
        """Return JPEG or PNG bytes of what leaves."""
        if isinstance(self._image, CompressedImage):
            return encode_compressed(bytes(self._image.data), outgoing)
        return encode_frame(to_pixels(self._image, outgoing.black_out), outgoing)

    def pixels(self) -> Pixels:
        """Return upright BGR or grey pixels."""
        if isinstance(self._image, CompressedImage):
            return decode_upright(bytes(self._image.data))
        return to_pixels(self._image)

    def source(self) -> bytes:
        """Return the detections as they came, serialized."""
        return bytes(serialize_message(self._view.detector.as_array(self._message)))

    @cached_property
    def _seen(self) -> list[Seen | None]:
        return self._view.detector.seen(self._message)

    @cached_property
    def _size(self) -> ImageSize:
        if isinstance(self._image, CompressedImage):
            return read_header(memoryview(self._image.data)).size
        return ImageSize(self._image.width, self._image.height)


def own_image(camera: str, image: CompressedImage) -> RosDetectedFrame:
    """Return an image that came with a goal as a frame on which nothing was detected."""
    nothing = Detection2DArray(header=image.header)
    view = DetectorView()
    return RosDetectedFrame(camera, image, nothing, FrameMatch.EXACT, view, lambda reason: None)
