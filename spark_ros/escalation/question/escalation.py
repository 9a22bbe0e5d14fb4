# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One open question: what we ask about a frame, with our own id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from spark_ros.escalation.question.outgoing_image import OutgoingImage
from spark_ros.geometry import Fit, ImageSize
from spark_ros.model import Annotation, Answer, Question, State


class FrameMatch(str, Enum):
    """How the frame of a detection was found."""

    EXACT = 'exact'
    NEAREST = 'nearest'
    NEWEST = 'newest'


class Audit(str, Enum):
    """Whether a frame was chosen for an audit; the service never learns of it."""

    NO = ''
    ALSO = 'also'
    """The policy asks about it as well, so that it counts for the limits of doubts."""
    ONLY = 'only'

    def __bool__(self) -> bool:
        return self is not Audit.NO


@dataclass(frozen=True)
class EncodedImage:
    """An image as it leaves the robot: JPEG or PNG bytes and the upright size in pixels."""

    data: bytes
    size: ImageSize
    format: str = 'jpeg'


@dataclass(frozen=True)
class Escalation:
    """What we ask about one frame.

    Attributes:
        id: ours, a UUID; the Idempotency-Key of every request made for it.
        stamp_ns: the frame's stamp in nanoseconds, as the camera gave it.
        image_size: upright, in pixels.
        source_size: the size in whose pixels the detections came (usually the image's).
        source_fit: how the image was fitted to that.
        class_ids: the detector's class id for each label, if it is not the label itself.
        source: the detections as they came, serialized by whoever asked; opaque here.
        outgoing: how the frame leaves; None: as it is.
        certainty: the lowest score among the doubted detections; the least certain go first.
        created: Unix seconds.
        timeout_s: how long an answer is waited for; 0 waits for ever.
        drive: whose log of decisions has the frame; empty if none has.
    """

    id: str
    camera: str
    stamp_ns: int
    frame_id: str
    frame_match: FrameMatch
    image_size: ImageSize
    source_size: ImageSize
    question: Question
    priors: tuple[Annotation, ...]
    created: float
    program: str = ''
    metadata: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    certainty: float = 0.0
    timeout_s: float = 0.0
    source: bytes = b''
    outgoing: OutgoingImage | None = None
    source_fit: Fit = Fit.STRETCH
    class_ids: Mapping[str, str] = field(default_factory=dict)
    audit: Audit = Audit.NO
    drive: str = ''


def robot_of(escalation: Escalation) -> str | None:
    """Return the robot that asks, as the service is told; None if that stays on the robot."""
    return escalation.metadata.get('robot_id')


@dataclass(frozen=True)
class Resolved:
    """An answer together with what was asked.

    Attributes:
        late: it came after the question had expired.
        recovered: it came in a former run.
        reused: it was given about an earlier frame; this one was not asked about.
    """

    escalation: Escalation
    token: str
    answer: Answer
    late: bool = False
    recovered: bool = False
    reused: bool = False


@dataclass(frozen=True)
class Status:
    """A step in the life of one question."""

    escalation: Escalation
    state: State
    token: str = ''
    detail: str = ''
