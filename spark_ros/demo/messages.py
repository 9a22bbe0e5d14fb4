# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo's topics, and the messages on them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from spark_ros.demo.scoring import Detection
from spark_ros.ros.conversions import best_hypothesis

CAMERA = 'camera'
FRAME_ID = 'camera_optical_frame'
IMAGES = f'{CAMERA}/image_raw'
DETECTIONS = f'{CAMERA}/detections'
CORRECTED = f'spark/{CAMERA}/detections'


def image_message(header: Header, image_bgr: NDArray[np.uint8]) -> Image:
    """Return BGR pixels (H, W, 3) as a message."""
    height, width = image_bgr.shape[:2]
    image = Image(header=header, height=height, width=width, encoding='bgr8', step=width * 3)
    image.data.frombytes(image_bgr.tobytes())
    return image


def detections_message(header: Header, found: Iterable[Detection]) -> Detection2DArray:
    """Return detections in an image's pixels under the image's header."""
    message = Detection2DArray(header=header)
    for label, (x, y, width, height), score in found:
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = label, score
        one = Detection2D(header=header, results=[hypothesis])
        one.bbox.center.position.x, one.bbox.center.position.y = x + width / 2, y + height / 2
        one.bbox.size_x, one.bbox.size_y = float(width), float(height)
        message.detections.append(one)
    return message


def read_detections(message: Detection2DArray) -> list[Detection]:
    """Return the detections that have a hypothesis, each with its best one."""
    found = []
    for one in message.detections:
        best = best_hypothesis(one)
        if best is not None:
            center, width, height = one.bbox.center.position, one.bbox.size_x, one.bbox.size_y
            box = (center.x - width / 2, center.y - height / 2, width, height)
            found.append(Detection(best.hypothesis.class_id, box, best.hypothesis.score))
    return found
