# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Tell what happens in the demo line by line, as it happens, and keep it for the report."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.messages import CAMERA, CORRECTED, IMAGES, read_detections
from spark_ros.demo.monitor import Monitor
from spark_ros.demo.scoring import Detection
from spark_ros.model import CorrectionKind, State
from spark_ros.msg import Correction, EngagementStatus, Resolution
from spark_ros.ros.images import to_pixels

WORDS = {State.QUEUED: 'asked', State.OPEN: 'opened', State.CLOSED: 'answered'}
STEPS = {
    getattr(EngagementStatus, f'STATE_{state.name}'): WORDS.get(state, state.value)
    for state in State
}
KINDS = {getattr(Correction, f'KIND_{kind.name}'): kind.value for kind in CorrectionKind}
LONGEST_NAME = 36


@dataclass
class Frame:
    """What is known of one frame.

    Attributes:
        before: what the detector found.
        after: the corrected list, None where nobody was asked.
        annotated: the node's own picture of the answer, a JPEG.
    """

    name: str
    image: NDArray[np.uint8] | None = None
    before: list[Detection] = field(default_factory=list)
    after: list[Detection] | None = None
    resolution: Resolution | None = None
    annotated: bytes = b''


def shorten(name: str) -> str:
    """Cut a long name, so that a line with an id stays within 100 columns."""
    return name if len(name) <= LONGEST_NAME else f'{name[: LONGEST_NAME - 1]}…'


class ProgressMonitor(Monitor):
    """Listen to the node and the camera.

    Attributes:
        frames: by stamp in nanoseconds.
    """

    def __init__(self) -> None:
        """Subscribe to all that is told about."""
        super().__init__('progress_monitor')
        self._began = time.monotonic()
        self.frames: dict[int, Frame] = {}
        self.follow(Image, IMAGES, self.on_image)
        self.follow(Resolution, 'spark/resolutions', self.on_resolution)
        self.follow(Detection2DArray, CORRECTED, self.on_corrected)
        annotated = f'spark/{CAMERA}/annotated/compressed'
        self.follow(CompressedImage, annotated, self.on_annotated, qos_profile_sensor_data)

    def print_step(self, step: str, words: str) -> None:
        """Print one line with the seconds since the start."""
        print(f'{time.monotonic() - self._began:7.2f} s  {step:<10} {words}', flush=True)

    @property
    def answered(self) -> list[Frame]:
        """The frames with an answer, in the order they were taken."""
        return [frame for _, frame in sorted(self.frames.items()) if frame.resolution is not None]

    def on_printed(self, line: str | None) -> None:
        """Take in what the camera says it published, or that it skipped something."""
        told: dict[str, Any] = json.loads(line or '{"remark": "has shown everything"}')
        if 'remark' in told:
            self.print_step('camera', told['remark'])
            return
        frame = self._frame(told['stamp_ns'])
        frame.name = told['name']
        frame.before = [Detection(label, tuple(box), score) for label, box, score in told['found']]
        seen = ', '.join(f'{label} {score:.2f}' for label, _, score in frame.before)
        self.print_step('seen', f'{shorten(frame.name)}: {seen or "nothing"}')

    def on_image(self, stamp: int, message: Image) -> None:
        """Keep the pixels."""
        self._frame(stamp).image = to_pixels(message)

    def on_status(self, stamp: int, message: EngagementStatus) -> None:
        """Tell of a question's next step, and before it what the camera said."""
        super().on_status(stamp, message)
        self.read_printed()
        step = STEPS.get(message.state, str(message.state))
        detail = f' ({message.detail})' if message.detail else ''
        name = shorten(self._frame(stamp).name)
        self.print_step(step, f'{name}  {message.token}{detail}'.rstrip())

    def on_resolution(self, stamp: int, message: Resolution) -> None:
        """Tell of an answer, and keep it."""
        self.over.add(stamp)
        frame = self._frame(stamp)
        frame.resolution = message
        kinds = Counter(KINDS[correction.kind] for correction in message.corrections)
        words = ', '.join(f'{count} {kind}' for kind, count in kinds.items()) or 'nothing there'
        seconds = f'{message.response_time:.2f} s'
        self.print_step('published', f'{shorten(frame.name)}  {seconds}: {words}')

    def on_corrected(self, stamp: int, message: Detection2DArray) -> None:
        """Keep the corrected list."""
        self._frame(stamp).after = read_detections(message)

    def on_annotated(self, stamp: int, message: CompressedImage) -> None:
        """Keep the node's own picture."""
        self._frame(stamp).annotated = bytes(message.data)

    def _frame(self, stamp: int) -> Frame:
        return self.frames.setdefault(stamp, Frame(f'frame {stamp}'))
