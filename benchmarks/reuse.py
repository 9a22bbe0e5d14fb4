# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `reuse_s` saves, and how often an answer that is used again is right.

    python benchmarks/reuse.py

Two kinds of pictures whose truth is known:

* warehouse: drives through random halls, rendered, and the demo's detector of the halls; once
  at 0.35 to 0.65 m/s, and once at a tenth of that;
* photographs: the demo's ten photographs one after the other, each seen by a camera that is made
  to pan, zoom, shake and meet other light, with noise and JPEG; and the demo's OpenCV detector.
  No camera recorded them.

The node's own code decides, frame by frame. A person who knows the truth answers each question
after a while. An answer that is used again is right if that person would say the same of the new
frame: the label, a box with an IoU of at least 0.5, or that nothing is there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from spark_ros.calibration import decisions
from spark_ros.demo import detector as photograph_detector
from spark_ros.demo.answerer import TRUTH
from spark_ros.demo.photographs import default_photographs
from spark_ros.demo.scoring import Detection
from spark_ros.demo.warehouse.comparison import RIGHT_FROM_IOU, is_clear
from spark_ros.demo.warehouse.detector import detect
from spark_ros.demo.warehouse.scene import Scene
from spark_ros.demo.warehouse.worlds import random_world
from spark_ros.escalation.question.asking import Asking, doubts
from spark_ros.escalation.question.escalation import (
    EncodedImage,
    Escalation,
    FrameMatch,
    Resolved,
)
from spark_ros.escalation.question.outgoing_image import OutgoingImage, Pixels
from spark_ros.escalation.reuse import RecentAnswers
from spark_ros.geometry import Box, Fit, ImageSize, PixelBox, iou, normalize
from spark_ros.model import (
    Annotation,
    Answer,
    Correction,
    CorrectionKind,
    Question,
    State,
    box_annotation,
)
from spark_ros.policy import Cooldown, Thresholds

HALL = Path(__file__).resolve().parents[1] / 'worlds' / 'warehouse.sdf'
SAME_OBJECT = 0.3
RATE_HZ = 5.0
SLOW = 0.1
COOLDOWNS_S = (0.0, 5.0, 30.0)
THRESHOLDS = Thresholds(0.8, 0.1)


@dataclass
class View:
    """One frame of a drive: what the node sees of it, and the truth."""

    image: Pixels
    found: Sequence[Annotation]
    truth: Sequence[Detection]
    camera: str = 'camera'
    stamp_ns: int = 0
    frame_id: str = ''
    frame_match: FrameMatch = FrameMatch.EXACT
    source_fit: Fit = Fit.STRETCH
    class_ids: Mapping[str, str] = field(default_factory=dict)

    def size(self) -> ImageSize:
        return ImageSize(self.image.shape[1], self.image.shape[0])

    def source_size(self) -> ImageSize:
        return self.size()

    def may_be_doubted(self, thresholds: Thresholds) -> bool:
        return any(thresholds.doubted(a.label, a.score or 0.0) for a in self.found)

    @property
    def count(self) -> int:
        return len(self.found)

    def reader(self) -> Callable[[], Sequence[decisions.Detection]]:
        return lambda: [
            decisions.Detection(a.id, a.label, a.score or 0.0, a.box) for a in self.found
        ]

    def metadata(self) -> Mapping[str, str]:
        return {}

    def encode(self, outgoing: OutgoingImage) -> EncodedImage:
        raise NotImplementedError

    def pixels(self) -> Pixels:
        return self.image

    def source(self) -> bytes:
        return b''

    def said_of(self, prior: Annotation) -> Correction | None:
        """Return what a person says of a detection; None if too little is seen to say it."""
        overlaps = [(iou(prior.box, box_of(true, self.size())), true) for true in self.truth]
        overlap, true = max(overlaps, default=(0.0, None), key=lambda each: each[0])
        if true is None or overlap < SAME_OBJECT:
            return Correction(CorrectionKind.REMOVED, prior, None)
        if not is_clear(true):
            return None
        corrected = replace(prior, label=true.label)
        if overlap < RIGHT_FROM_IOU:
            corrected = box_annotation(true.label, box_of(true, self.size()), id=prior.id)
        return Correction(CorrectionKind.MODIFIED, prior, corrected)


def box_of(detection: Detection, size: ImageSize) -> Box:
    """Return a detection's box, normalized."""
    x, y, width, height = detection.box
    return normalize(PixelBox(x + width / 2, y + height / 2, width, height), size)


def view_of(image: Pixels, found: Iterable[Detection], truth: Sequence[Detection]) -> View:
    """Return a frame with detections as the node has them."""
    size = ImageSize(image.shape[1], image.shape[0])
    annotations = [
        box_annotation(each.label, box_of(each, size), id=str(number), score=each.score)
        for number, each in enumerate(found)
    ]
    return View(image, annotations, truth)


def warehouse(seed: int, frames: int, pace: float) -> Iterator[View]:
    """Drive through the world of a seed; a pace of 1 is that of the world, 0.35 to 0.65 m/s."""
    world = random_world(Scene.load(HALL), seed)
    camera = replace(world.scene.camera, rate_hz=RATE_HZ / pace)
    world.scene = replace(world.scene, camera=camera)
    for step in range(frames):
        image, truth = world.look(step)
        yield view_of(image, detect(image), truth)


def photographs(seed: int, seconds: float) -> Iterator[View]:
    """Move over each of the demo's photographs for some seconds, in an order of the seed."""
    random, finder = np.random.default_rng(seed), photograph_detector.Detector()
    known = {each['name']: each for each in json.loads(TRUTH.read_text('utf-8'))['images']}
    shown = default_photographs()
    for number in random.permutation(len(shown)):
        photograph = shown[number]
        entry = known[photograph.name]
        truth = [Detection(each['label'], tuple(each['box'])) for each in entry['annotations']]
        height, width = photograph.image.shape[:2]
        # Zoom, place of the middle (fractions) and light at the beginning and at the end.
        least, most = (0.8, 0.47, 0.47, 0.8), (1.0, 0.53, 0.53, 1.2)
        zoom, x, y, light = random.uniform(least, most, (2, 4)).T
        count = round(seconds * RATE_HZ)
        for share in np.linspace(0.0, 1.0, count):
            part, left, top, gain = (
                float(begin + share * (end - begin)) for begin, end in (zoom, x, y, light)
            )
            left, top = (
                (each - part / 2) * side + random.normal(0, 1)
                for each, side in ((left, width), (top, height))
            )
            matrix = np.array([[1 / part, 0, -left / part], [0, 1 / part, -top / part]])
            seen = cv2.warpAffine(
                photograph.image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
            )
            noisy = seen * gain + random.normal(0, 4, seen.shape)
            done, data = cv2.imencode('.jpg', np.clip(noisy, 0, 255).astype(np.uint8))
            assert done
            image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
            there = [moved(each, matrix, width, height) for each in truth]
            yield view_of(image, finder.detect(image), [each for each in there if each])


def moved(true: Detection, matrix: np.ndarray, width: int, height: int) -> Detection | None:
    """Return where a true box is in a view; its score is the share of it that is in view."""
    x, y, wide, high = true.box
    (x0, x1), (y0, y1) = (
        (matrix[axis, axis] * low + matrix[axis, 2], matrix[axis, axis] * top + matrix[axis, 2])
        for axis, low, top in ((0, x, x + wide), (1, y, y + high))
    )
    left, right, top, bottom = max(x0, 0), min(x1, width), max(y0, 0), min(y1, height)
    if right <= left or bottom <= top:
        return None
    share = (right - left) * (bottom - top) / ((x1 - x0) * (y1 - y0))
    return Detection(true.label, (left, top, right - left, bottom - top), share)


def drive(views: Iterable[View], asking: Asking, wait_s: float) -> Counter[str]:
    """Decide on each frame of a drive as the node does; return counts.

    Args:
        views: in order, `RATE_HZ` a second.
        asking: by which is asked.
        wait_s: how long a person takes to answer.
    """
    cooldown, recent, counts = Cooldown(), RecentAnswers(), Counter[str]()
    open_questions: list[tuple[float, Escalation, View]] = []
    for number, view in enumerate(views):
        now = number / RATE_HZ
        while open_questions and open_questions[0][0] <= now:
            at, asked, seen = open_questions.pop(0)
            recent.take(Resolved(asked, '', answer_to(asked, seen)), at)
        escalation = doubts(view, asking, cooldown, now)
        counts['frames'] += 1
        counts['doubted'] += any(
            asking.thresholds.doubted(a.label, a.score or 0.0) for a in view.found
        )
        reused = recent.answer(view, asking, now) if asking.reuse_s else None
        if reused is not None:
            counts['reused'] += 1
            judge(reused, view, counts)
        elif escalation is not None:
            counts['asked'] += 1
            recent.asked(escalation, view)
            cooldown.start([a for a in escalation.priors if a.doubted], now)
            open_questions.append((now + wait_s, escalation, view))
    return counts


def answer_to(asked: Escalation, view: View) -> Answer:
    """Return what a person who knows the truth says."""
    said = [view.said_of(prior) for prior in asked.priors]
    return Answer(State.CLOSED, corrections=tuple(each for each in said if each is not None))


def judge(reused: Resolved, view: View, counts: Counter[str]) -> None:
    """Count the doubts that were answered, and for how many of them that is right."""
    for correction in reused.answer.corrections:
        prior = correction.original
        if prior is None or not prior.doubted or (said := view.said_of(prior)) is None:
            continue
        counts['answers'] += 1
        counts['right'] += agree(correction.corrected, said.corrected)
        counts['detector right'] += agree(prior, said.corrected)


def agree(one: Annotation | None, other: Annotation | None) -> bool:
    """Whether two say the same of an object."""
    if one is None or other is None:
        return one is other
    return one.label == other.label and iou(one.box, other.box) >= RIGHT_FROM_IOU


def main() -> int:
    """Print the table."""
    arguments = _parser().parse_args()
    first = arguments.seed * 10_000
    halls = range(first, first + arguments.worlds)
    shown = range(first, first + arguments.sequences)
    drives = {
        'warehouse': (warehouse(seed, arguments.frames, 1.0) for seed in halls),
        'warehouse, slow': (warehouse(seed, arguments.frames, SLOW) for seed in halls),
        'photographs': (photographs(seed, arguments.seconds) for seed in shown),
    }
    print(
        f'{arguments.worlds} worlds of {arguments.frames} frames and {arguments.sequences} '
        f'sequence(s) of photographs of {arguments.seconds:g} s each, {RATE_HZ:g} frames a '
        f'second, seed {arguments.seed}, answers after {arguments.wait:g} s, '
        f'reuse_s {arguments.reuse:g}'
    )
    print(
        f'{"pictures":<15} {"cooldown_s":>10} {"doubted":>8} {"asked":>6} {"reusing":>8} '
        f'{"saved":>6} {"answered":>9} {"right":>20} {"detector":>9}'
    )
    for kind, each in drives.items():
        for row in _rows(kind, each, arguments):
            print(row, flush=True)
    return 0


def _rows(
    kind: str, drives: Iterable[Iterable[View]], arguments: argparse.Namespace
) -> Iterator[str]:
    """Yield a row for each cool-down, of the same drives with and without reuse."""
    counts = {(cooldown_s, on): Counter[str]() for cooldown_s in COOLDOWNS_S for on in (0, 1)}
    for number, each in enumerate(drives, 1):
        views = list(each)
        for cooldown_s, on in counts:
            asking = Asking(
                THRESHOLDS, cooldown_s, Question(instructions='Look.'),
                reuse_s=on * arguments.reuse,
            )  # fmt: skip
            counts[cooldown_s, on] += drive(views, asking, arguments.wait)
        print(f'{kind}: {number}', file=sys.stderr)
    for cooldown_s in COOLDOWNS_S:
        yield _row(kind, cooldown_s, counts[cooldown_s, 0], counts[cooldown_s, 1])


def _row(kind: str, cooldown_s: float, before: Counter[str], after: Counter[str]) -> str:
    answers = max(after['answers'], 1)
    right = f'{after["right"]} of {after["answers"]} = {after["right"] / answers:.1%}'
    return (
        f'{kind:<15} {cooldown_s:>10g} {after["doubted"]:>8} {before["asked"]:>6} '
        f'{after["asked"]:>8} {1 - after["asked"] / max(before["asked"], 1):>6.0%} '
        f'{after["reused"]:>9} {right:>20} {after["detector right"] / answers:>9.1%}'
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description='Measure what reuse_s saves, and its precision.')
    parser.add_argument('--worlds', type=int, default=12, help='random halls (%(default)s)')
    parser.add_argument('--frames', type=int, default=100, help='frames in each (%(default)s)')
    parser.add_argument(
        '--sequences', type=int, default=1, help='sequences of photographs (%(default)s)'
    )
    parser.add_argument(
        '--seconds', type=float, default=6.0,
        help='how long each photograph is seen (%(default)s)',
    )  # fmt: skip
    parser.add_argument('--reuse', type=float, default=60.0, help='reuse_s (%(default)s)')
    parser.add_argument(
        '--wait', type=float, default=3.0, help='seconds until a person answers (%(default)s)'
    )
    parser.add_argument('--seed', type=int, default=2026, help='of all that is drawn')
    return parser


if __name__ == '__main__':
    sys.exit(main())
