# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The messages that detectors speak, each read as vision_msgs/Detection2DArray.

To add one: a subclass of `Detector`, and its name in `DETECTORS`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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

from spark_ros import geometry
from spark_ros.calibration.decisions import Detection
from spark_ros.escalation.question.asking import MAX_TEXT
from spark_ros.geometry import Fit, GeometryError, ImageSize, PixelBox
from spark_ros.policy import Thresholds
from spark_ros.ros.conversions import best_hypothesis
from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.labels import NO_LABELS, Labels

VISION, YOLO = 'vision_msgs/Detection2DArray', 'yolo_msgs/DetectionArray'


class Seen(NamedTuple):
    """One detection, as a detector says it.

    Attributes:
        box: in pixels of what the detector sees.
        id: a tracker's, or empty, or something else.
    """

    class_id: str
    score: float
    box: PixelBox
    id: str


class Detector(ABC):
    """Reads a type of message with `header` and `detections`.

    Attributes:
        type: the message type.
    """

    type: type

    @abstractmethod
    def seen(self, message: Any) -> list[Seen | None]:
        """Return the detections of a message, None for each that says nothing; cheap."""

    @abstractmethod
    def as_array(self, message: Any) -> Detection2DArray:
        """Return the same detections, in the same order; outside the robot's callbacks."""


class VisionDetections(Detector):
    """vision_msgs/Detection2DArray itself."""

    type = Detection2DArray

    def seen(self, message: Detection2DArray) -> list[Seen | None]:
        """Return each with the hypothesis that counts."""
        return [self._seen(detection) for detection in message.detections]

    def _seen(self, detection: Detection2D) -> Seen | None:
        best = best_hypothesis(detection)
        if best is None:
            return None
        bbox, said = detection.bbox, best.hypothesis
        center = bbox.center
        box = PixelBox(
            center.position.x, center.position.y, bbox.size_x, bbox.size_y, center.theta
        )
        return Seen(said.class_id, said.score, box, detection.id)

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

    def seen(self, message: Any) -> list[Seen | None]:
        """Return each with the only class that it has."""
        return [self._seen(detection) for detection in message.detections]

    def _seen(self, detection: Any) -> Seen:
        center, size = detection.bbox.center, detection.bbox.size
        box = PixelBox(center.position.x, center.position.y, size.x, size.y, center.theta)
        class_id = detection.class_name or str(detection.class_id)
        return Seen(class_id, detection.score, box, detection.id)

    def as_array(self, message: Any) -> Detection2DArray:
        """Return what vision_msgs has a place for."""
        array = Detection2DArray(header=message.header)
        for class_id, score, box, id in map(self._seen, message.detections):
            hypothesis = ObjectHypothesis(class_id=class_id, score=score)
            place = Pose2D(position=Point2D(x=box.center_x, y=box.center_y), theta=box.theta)
            array.detections.append(
                Detection2D(
                    header=message.header,
                    results=[ObjectHypothesisWithPose(hypothesis=hypothesis)],
                    bbox=BoundingBox2D(center=place, size_x=box.size_x, size_y=box.size_y),
                    id=id,
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


def may_be_doubted(
    seen: Sequence[Seen | None], thresholds: Thresholds, labels: Labels
) -> bool:
    """Return whether a detection is doubted, or makes no sense and has to be warned about; cheap.

    Args:
        seen: the detections of a message.
        thresholds: the camera's.
        labels: what people call the detector's classes.
    """
    for each in seen:
        if each is None:
            return True
        class_id, score, (x, y, width, height, _), _ = each
        sound = math.isfinite(x + y) and 0 < width * height < math.inf and 0.0 <= score <= 1.0
        if not sound or thresholds.doubted(labels.of(class_id), score):
            return True
    return False


def read_detections(
    seen: Sequence[Seen | None],
    image: ImageSize,
    view: DetectorView,
    refuse: Callable[[str], None],
    unknown: Callable[[str], None] = lambda class_id: None,
) -> list[Detection]:
    """Return the detections that make sense, normalized.

    Args:
        seen: the detections of a message.
        image: the upright image's size.
        view: how the detector speaks of what it sees.
        refuse: told the reason for each detection that makes no sense and is left out.
        unknown: told each class id that has no label; it stands for itself.

    Returns:
        Detections whose id is their index in the message. A tracker's id that several of them
        have, or that is their class, does not come from a tracker: some detectors put the class
        there.
    """
    found = []
    times = Counter(each.id for each in seen if each is not None)
    for index, each in enumerate(seen):
        if each is None:
            refuse('a detection has no hypothesis')
            continue
        if not 0.0 <= each.score <= 1.0:
            refuse(f'a detection has the score {each.score:g}; it must be between 0 and 1')
            continue
        try:
            box = geometry.normalize(each.box, image, view.size, view.fit)
        except GeometryError as error:
            refuse(str(error))
            continue
        tracked = each.id not in ('', each.class_id) and times[each.id] == 1
        label = view.labels.of(each.class_id)
        if not view.labels.knows(label):
            unknown(label)
        tracker_id = each.id[:MAX_TEXT] if tracked else ''
        found.append(Detection(str(index), label, each.score, box, tracker_id))
    return found
