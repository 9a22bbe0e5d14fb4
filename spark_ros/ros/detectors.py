# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The messages that detectors speak, each read as vision_msgs/Detection2DArray.

To add one: a class with what `Detector` asks for, and its name in `DETECTORS` and in
`spark_ros.ros.parameter_table.DETECTION_TYPES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from vision_msgs.msg import (
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    Pose2D,
)

from spark_ros.escalation.question.policy import Thresholds
from spark_ros.geometry import Fit, ImageSize
from spark_ros.ros.conversions import best_hypothesis
from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.labels import NO_LABELS, Labels
from spark_ros.ros.parameter_table import DETECTION_TYPES

VISION, YOLO = DETECTION_TYPES


class Detector(Protocol):
    """A type of message with `header` and `detections`.

    Attributes:
        type: the message type.
    """

    type: type

    def worth_a_look(self, message: Any, thresholds: Thresholds, labels: Labels) -> bool:
        """Whether one detection is doubted or must be complained about; cheap."""

    def as_array(self, message: Any) -> Detection2DArray:
        """Return the same detections, in the same order; outside the robot's callbacks."""


class VisionDetections:
    """vision_msgs/Detection2DArray itself."""

    type = Detection2DArray

    def worth_a_look(
        self, message: Detection2DArray, thresholds: Thresholds, labels: Labels
    ) -> bool:
        """Look at the hypothesis that counts."""
        for detection in message.detections:
            best = best_hypothesis(detection)
            if best is None:
                return True
            box, said = detection.bbox, best.hypothesis
            center = box.center.position
            if not _makes_sense(said.score, center.x + center.y, box.size_x, box.size_y):
                return True
            if thresholds.doubted(labels.of(said.class_id), said.score):
                return True
        return False

    def as_array(self, message: Detection2DArray) -> Detection2DArray:
        """Return it as it is."""
        return message


class YoloDetections:
    """yolo_msgs/DetectionArray of yolo_ros: boxes in pixels of the image, one class each.

    Its masks, key points and three-dimensional boxes are not read.
    """

    def __init__(self) -> None:
        """Import the messages. Raises ImportError where they are not installed."""
        package, _, name = YOLO.partition('/')
        # No dependency: only who sets the parameter needs it.
        self.type = getattr(import_module(f'{package}.msg'), name)

    def worth_a_look(self, message: Any, thresholds: Thresholds, labels: Labels) -> bool:
        """Look at the only class that each has."""
        for found in message.detections:
            center, size = found.bbox.center.position, found.bbox.size
            if not _makes_sense(found.score, center.x + center.y, size.x, size.y):
                return True
            if thresholds.doubted(labels.of(_class_of(found)), found.score):
                return True
        return False

    def as_array(self, message: Any) -> Detection2DArray:
        """Return what vision_msgs has a place for."""
        return Detection2DArray(
            header=message.header,
            detections=[_from_yolo(found, message) for found in message.detections],
        )


def _class_of(found: Any) -> str:
    return found.class_name or str(found.class_id)


def _from_yolo(found: Any, message: Any) -> Detection2D:
    center, size = found.bbox.center, found.bbox.size
    said = ObjectHypothesis(class_id=_class_of(found), score=found.score)
    return Detection2D(
        header=message.header,
        results=[ObjectHypothesisWithPose(hypothesis=said)],
        bbox=BoundingBox2D(
            center=Pose2D(
                position=Point2D(x=center.position.x, y=center.position.y), theta=center.theta
            ),
            size_x=size.x,
            size_y=size.y,
        ),
        id=found.id,
    )


def _makes_sense(score: float, center: float, width: float, height: float) -> bool:
    return 0.0 <= score <= 1.0 and math.isfinite(center) and 0 < width * height < math.inf


DETECTORS: Mapping[str, Callable[[], Detector]] = {VISION: VisionDetections, YOLO: YoloDetections}


def find_detector(parameter: str, name: str) -> Detector:
    """Return what reads a type of message.

    Args:
        parameter: that names the type.
        name: one of `DETECTORS`.

    Raises:
        ParameterError: its messages are not installed.
    """
    try:
        return DETECTORS[name]()
    except ImportError:
        package = name.partition('/')[0]
        reason = f'the package {package} is not there; build it and source its workspace'
        raise ParameterError(parameter, reason) from None


class DetectorView(NamedTuple):
    """How a detector speaks of what it sees.

    Attributes:
        detector: reads its messages.
        size: what it sees, where that is not the frame's size.
        fit: how the frame was made to fit that.
        labels: what people call its classes.
    """

    detector: Detector = VisionDetections()
    size: ImageSize | None = None
    fit: Fit = Fit.STRETCH
    labels: Labels = NO_LABELS
