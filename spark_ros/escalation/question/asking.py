# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is asked about a frame, and how: from a frame with its detections to an escalation."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from spark_ros.calibration.decisions import Detection
from spark_ros.escalation.question.escalation import Audit, EncodedImage, Escalation, FrameMatch
from spark_ros.escalation.question.outgoing_image import (
    METADATA_KEYS,
    ImageSettings,
    OutgoingImage,
    Pixels,
    chosen,
    plan,
)
from spark_ros.geometry import Fit, ImageSize
from spark_ros.model import DOUBTED, Annotation, Question
from spark_ros.policy import MAX_PRIORS, Cooldown, Thresholds, certainty, fresh_doubts

# Of a frame_id, for instance: a service takes only so much metadata.
MAX_TEXT = 500
ON_PURPOSE = 0.0
"""The lowest certainty: sent before doubted detections, and never replaced by one."""
logger = logging.getLogger(__name__)


class DetectedFrame(Protocol):
    """A frame with what a detector saw on it. Its methods run outside the robot's callbacks.

    Attributes:
        source_fit: how the image was fitted to the detector's input.
        class_ids: the detector's class id for each label, if it is not the label itself.
    """

    camera: str
    stamp_ns: int
    frame_id: str
    frame_match: FrameMatch
    source_fit: Fit
    class_ids: Mapping[str, str]

    @property
    def count(self) -> int:
        """How many detections came with it, valid or not."""

    def size(self) -> ImageSize:
        """Return the upright image's size in pixels, cheaply. Raises EncodingError."""

    def source_size(self) -> ImageSize:
        """Return the size in whose pixels the detections are."""

    def may_be_doubted(self, thresholds: Thresholds) -> bool:
        """Return whether a detection may be doubted, or is invalid; cheap."""

    def reader(self) -> Callable[[], Sequence[Detection]]:
        """Return what reads every valid detection, on any thread; it holds no image.

        Raises:
            EncodingError: the image is invalid.
        """

    def metadata(self) -> Mapping[str, str]:
        """Return metadata of the moment, such as the robot's pose."""

    def encode(self, outgoing: OutgoingImage) -> EncodedImage:
        """Return the image as it leaves the robot, encoded. Raises EncodingError."""

    def pixels(self) -> Pixels:
        """Return the upright image: BGR (H, W, 3) or grey (H, W). Raises EncodingError."""

    def source(self) -> bytes:
        """Return the detections as they came, serialized."""


@dataclass(frozen=True)
class QuestionSpec:
    """What is asked about a frame.

    Attributes:
        priors: None means the detections on the frame.
        metadata: from the one who asks; the node adds its own.
        timeout_s: how long an answer is waited for; 0 waits for ever.
    """

    question: Question
    program: str = ''
    priors: tuple[Annotation, ...] | None = None
    priority: int = 0
    timeout_s: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asking:
    """When and what to ask for one camera.

    Attributes:
        cooldown_s: the same object is asked about only once in this time.
        reuse_s: how long an answer about an object is used again; 0: never.
        timeout_s: how long an answer is waited for; 0 waits for ever.
        priority: 0 to 255; the highest goes first.
        image: how its frames may leave.
        send: the keys of the metadata that may leave.
        audit_rate: this share of frames is asked about whatever is seen on them.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    cooldown_s: float = 30.0
    question: Question = field(default_factory=Question)
    program: str = ''
    metadata: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 600.0
    priority: int = 0
    image: ImageSettings = field(default_factory=ImageSettings)
    send: tuple[str, ...] = METADATA_KEYS
    audit_rate: float = 0.0
    reuse_s: float = 0.0

    def spec(self) -> QuestionSpec:
        """Return the question that the camera's parameters define."""
        return QuestionSpec(
            self.question, self.program, priority=self.priority, timeout_s=self.timeout_s
        )


def doubts(
    frame: DetectedFrame, asking: Asking, cooldown: Cooldown, now: float, audited: bool = False
) -> Escalation | None:
    """Return the question about a frame, or None.

    Doubted detections that are not cooling down are marked: the question is about them. An audit
    is about the whole frame, and asked after all doubts of its priority.

    Raises:
        EncodingError: the image is invalid.
    """
    counted, doubted = _judged(frame, asking.thresholds)
    fresh = fresh_doubts(doubted, cooldown, asking.cooldown_s, now)
    if not (fresh or audited):
        return None
    priors = _mark(counted, {a.id for a in fresh})
    asked = make_escalation(
        str(uuid.uuid4()), frame, asking, asking.spec(), priors, [] if audited else fresh
    )
    if audited:
        audit = Audit.ALSO if fresh else Audit.ONLY
        asked = replace(asked, audit=audit, certainty=certainty(fresh))
    return asked


def make_escalation(
    id: str, frame: DetectedFrame, asking: Asking, spec: QuestionSpec,
    priors: tuple[Annotation, ...], doubted: Sequence[Annotation] = (),
) -> Escalation:  # fmt: skip
    """Return a question about a frame.

    Args:
        id: of the question.
        frame: with what was detected on it.
        asking: the settings of its camera.
        spec: what is asked.
        priors: the shapes to show: those of the spec, or the detections.
        doubted: the detections that cause the question; if there are none, somebody asks on
            purpose: about the whole frame, and before doubted detections.

    Raises:
        EncodingError: the image is invalid.
    """
    size, given = frame.size(), spec.priors is not None
    return Escalation(
        id=id, created=time.time(), camera=frame.camera, stamp_ns=frame.stamp_ns,
        frame_id=frame.frame_id, frame_match=frame.frame_match, image_size=size,
        source=b'' if given else frame.source(),
        source_size=size if given else frame.source_size(),
        source_fit=Fit.STRETCH if given else frame.source_fit,
        class_ids=frame.class_ids, question=spec.question, program=spec.program,
        priors=priors, metadata={**spec.metadata, **metadata_of(frame, asking)},
        priority=spec.priority, timeout_s=spec.timeout_s,
        certainty=certainty(doubted) if doubted else ON_PURPOSE,
        outgoing=plan(asking.image, size, [a.box for a in doubted]),
    )  # fmt: skip


def observed(frame: DetectedFrame, thresholds: Thresholds) -> tuple[Annotation, ...]:
    """Return the detections as priors; the doubted ones are marked."""
    counted, doubted = _judged(frame, thresholds)
    return _mark(counted, {a.id for a in doubted})


def _judged(
    frame: DetectedFrame, thresholds: Thresholds
) -> tuple[list[Annotation], list[Annotation]]:
    """Return the detections that are part of a question, and the doubted ones of them."""
    counted = [
        each.annotation() for each in frame.reader()() if thresholds.counts(each.label, each.score)
    ]
    return counted, [a for a in counted if thresholds.doubted(a.label, a.score or 0.0)]


def metadata_of(frame: DetectedFrame, asking: Asking) -> dict[str, str]:
    """Return the metadata of a question, as far as it may leave."""
    metadata = {
        **asking.metadata,
        'camera': frame.camera,
        'frame_id': frame.frame_id,
        'stamp': stamp_text(frame.stamp_ns),
        **frame.metadata(),
    }
    return {key: text[:MAX_TEXT] for key, text in chosen(metadata, asking.send).items()}


def stamp_text(stamp_ns: int) -> str:
    """Write a stamp as seconds."""
    return f'{stamp_ns // 10**9}.{stamp_ns % 10**9:09d}'


def _mark(counted: Sequence[Annotation], doubted: set[str]) -> tuple[Annotation, ...]:
    """Mark the doubted ones; of too many detections, keep the doubted and the most certain."""
    if len(counted) > MAX_PRIORS:
        logger.warning('%d detections on one frame; asking about %d', len(counted), MAX_PRIORS)
        kept = sorted(counted, key=lambda a: (a.id not in doubted, -(a.score or 0.0)))[:MAX_PRIORS]
        ids = {annotation.id for annotation in kept}
        counted = [annotation for annotation in counted if annotation.id in ids]
    return tuple(
        replace(a, attributes={**a.attributes, DOUBTED: 'true'}) if a.id in doubted else a
        for a in counted
    )
