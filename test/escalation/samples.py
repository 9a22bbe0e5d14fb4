# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Questions to test with."""

from __future__ import annotations

import itertools
import time
from typing import Any

import cv2
import numpy as np

from spark_ros.escalation.question.escalation import EncodedImage, Escalation, FrameMatch
from spark_ros.geometry import Box, ImageSize
from spark_ros.model import Annotation, Question, box_annotation

SIZE = ImageSize(64, 48)
_numbers = itertools.count(1)


def doubted(label: str = 'cat', score: float = 0.4, **more: Any) -> Annotation:
    """Return a box with a score."""
    box = more.pop('box', Box(0.25, 0.25, 0.75, 0.75))
    return box_annotation(label, box, **{'id': '0', 'score': score, **more})


def escalation(**changes: Any) -> Escalation:
    """Return a question with an id of its own."""
    defaults: dict[str, Any] = {
        'id': f'question-{next(_numbers)}',
        'camera': 'front',
        'stamp_ns': 1_700_000_000_123_456_789,
        'frame_id': 'front_optical',
        'frame_match': FrameMatch.EXACT,
        'image_size': SIZE,
        'source_size': SIZE,
        'question': Question(instructions='Correct the boxes.', label_options=('cat', 'dog')),
        'priors': (doubted(),),
        'created': time.time(),
        'metadata': {'robot_id': 'rover'},
        'certainty': 0.4,
        'timeout_s': 600.0,
        'source': bytes(range(256)),
    }
    return Escalation(**{**defaults, **changes})


def pixels(size: ImageSize = SIZE) -> np.ndarray:
    """Return a BGR picture (H, W, 3) whose four quarters differ: turned, it is another."""
    height, width = size.height, size.width
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (250, 10, 10)
    picture[: height // 2, width // 2 :] = (10, 250, 10)
    picture[height // 2 :, : width // 2] = (10, 10, 250)
    picture[height // 2 :, width // 2 :] = (240, 240, 240)
    return picture


def encoded(picture: np.ndarray | None = None, suffix: str = '.jpg') -> bytes:
    """Return a picture's file as OpenCV writes it."""
    done, data = cv2.imencode(suffix, pixels() if picture is None else picture)
    assert done
    return bytes(data)


def image(data: bytes | None = None) -> EncodedImage:
    """Return a small JPEG."""
    return EncodedImage(encoded() if data is None else data, SIZE)
