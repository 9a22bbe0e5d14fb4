# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The messages that detectors speak, each read as vision_msgs/Detection2DArray.

To add one: a subclass of `Detector`, and its name in `DETECTORS`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from vision_msgs.msg import (
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    Pose2D,
)

from spark_ros.geometry import Fit, ImageSize
from spark_ros.policy import Thresholds
from spark_ros.ros.conversions import best_hypothesis
from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.labels import NO_LABELS, Labels

VISION, YOLO = 'vision_msgs/Detection2DArray', 'yolo_msgs/DetectionArray'


# The class, the score, and the box in pixels: its center's x and y, its width and height.
Summary = tuple[str, float, float, float, float, float]


class Detector(ABC):
    """Reads a type of message with `header` and `detections`.

    Attributes:
        type: the message type.
    """

    type: type

    @abstractmethod
    def summary(self, detection: Any) -> Summary | None:
        """Return what decides about one detection, or None where it says nothing; cheap."""

    @abstractmethod
    def as_array(self, message: Any) -> Detection2DArray:
        """Return the same detections, in the same order; outside the robot's callbacks."""

    def needs_frame(self, message: Any, thresholds: Thresholds, labels: Labels) -> bool:
        """Return whether the frame of a message has to be found; cheap.

        It has if a detection is doubted, or if one makes no sense and has to be warned about.

        Args:
            message: of this type.
            thresholds: the camera's.
            labels: what people call the detector's classes.
        """
        for detection in message.detections:
            found = self.summary(detection)
            if found is None:
                return True
            class_id, score, x, y, width, height = found
            sound = math.isfinite(x + y) and 0 < width * height < math.inf and 0.0 <= score <= 1.0
            if not sound or thresholds.doubted(labels.of(class_id), score):
                return True
        return False


class VisionDetections(Detector):
    """vision_msgs/Detection2DArray itself."""

    type = Detection2DArray

    def summary(self, detection: Detection2D) -> Summary | None:
        """Return the hypothesis that counts."""
        best = best_hypothesis(detection)
        if best is None:
            return None
        box, said = detection.bbox, best.hypothesis
        center = box.center.position
        return said.class_id, said.score, center.x, center.y, box.size_x, box.size_y

    def as_array(self, message: Detection2DArray) -> Detection2DArray:
        """Return it as it is."""
        return message


class YoloDetections(Detector):
    """yolo_msgs/DetectionArray of yolo_ros: boxes in pixels of the image, one class each.

    Its masks, key points and three-dimensional boxes are not read.
    """

    def __init__(self) -> None:
        """Import the messages. Raises ImportError where they are not installed."""
        package, _, name = YOLO.partition('/')
        # No dependency: only who sets the parameter needs it.
        self.type = getattr(import_module(f'{package}.msg'), name)

    def summary(self, detection: Any) -> Summary:
        """Return the only class that it has."""
        center, size = detection.bbox.center.position, detection.bbox.size
        class_id = detection.class_name or str(detection.class_id)
        return class_id, detection.score, center.x, center.y, size.x, size.y

    def as_array(self, message: Any) -> Detection2DArray:
        """Return what vision_msgs has a place for."""
        array = Detection2DArray(header=message.header)
        for found in message.detections:
            class_id, score, x, y, width, height = self.summary(found)
            hypothesis = ObjectHypothesis(class_id=class_id, score=score)
            center = Pose2D(position=Point2D(x=x, y=y), theta=found.bbox.center.theta)
            array.detections.append(
                Detection2D(
                    header=message.header,
                    results=[ObjectHypothesisWithPose(hypothesis=hypothesis)],
                    bbox=BoundingBox2D(center=center, size_x=width, size_y=height),
                    id=found.id,
                )
            )
        return array


DETECTORS: Mapping[str, Callable[[], Detector]] = {VISION: VisionDetections, YOLO: YoloDetections}


def find_detector(parameter: str, name: str) -> Detector:
    """Return what reads a type of message.

    Args:
        parameter: the name of the parameter that chose it.
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
