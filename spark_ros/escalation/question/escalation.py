# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One question on its way: what we ask about a frame, under our own id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from spark_ros.escalation.question.departure import Departure, Region
from spark_ros.geometry import Box, Fit, ImageSize, Vertex
from spark_ros.model import (
    Annotation,
    AnnotationType,
    Answer,
    Correction,
    CorrectionKind,
    Question,
    QuestionKind,
    State,
)


class FrameMatch(str, Enum):
    """How the frame of a detection was found."""

    EXACT = 'exact'
    NEAREST = 'nearest'
    NEWEST = 'newest'


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
        source_fit: how the image was made to fit that.
        class_ids: by label, what the detector calls it, where that is not the label.
        source: the detections as they came, serialized by whoever asked; opaque here.
        departure: how the frame leaves; None: as it is.
        certainty: the lowest score among the doubted detections; the least certain go first.
        created: Unix seconds.
        timeout_s: how long an answer is waited for; 0 waits for ever.
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
    departure: Departure | None = None
    source_fit: Fit = Fit.STRETCH
    class_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolved:
    """An answer together with what was asked."""

    escalation: Escalation
    token: str
    answer: Answer
    late: bool = False
    recovered: bool = False


@dataclass(frozen=True)
class Status:
    """A step in the life of one question."""

    escalation: Escalation
    state: State
    token: str = ''
    detail: str = ''


def dump_escalation(escalation: Escalation) -> str:
    """Write everything but `source` as JSON for the journal."""
    question = {**vars(escalation.question), 'kind': escalation.question.kind.value}
    record = {
        **vars(escalation),
        'frame_match': escalation.frame_match.value,
        'question': question,
        'priors': [_dump_annotation(prior) for prior in escalation.priors],
        'metadata': dict(escalation.metadata),
        'source_fit': escalation.source_fit.value,
        'class_ids': dict(escalation.class_ids),
        'departure': escalation.departure and vars(escalation.departure),
    }
    del record['source']
    return json.dumps(record)


def load_escalation(text: str, source: bytes) -> Escalation:
    """Read what `dump_escalation` wrote."""
    record = json.loads(text)
    question = record['question']
    return Escalation(
        **{
            **record,
            'frame_match': FrameMatch(record['frame_match']),
            'image_size': ImageSize(*record['image_size']),
            'source_size': ImageSize(*record['source_size']),
            'question': Question(
                **{
                    **question,
                    'kind': QuestionKind(question['kind']),
                    'label_options': tuple(question['label_options']),
                    'choices': tuple(question['choices']),
                }
            ),
            'priors': tuple(_load_annotation(prior) for prior in record['priors']),
            'source': source,
            # What was stored before there was such a thing has none.
            'departure': _load_departure(record.get('departure')),
            'source_fit': Fit(record.get('source_fit', Fit.STRETCH)),
        }
    )


def dump_answer(answer: Answer) -> str:
    """Write an answer as JSON for the journal."""
    return json.dumps(
        {
            **vars(answer),
            'state': answer.state.value,
            'corrections': [
                [
                    correction.kind.value,
                    correction.original and _dump_annotation(correction.original),
                    correction.corrected and _dump_annotation(correction.corrected),
                ]
                for correction in answer.corrections
            ],
        }
    )


def load_answer(text: str) -> Answer:
    """Read what `dump_answer` wrote."""
    record = json.loads(text)
    return Answer(
        **{
            **record,
            'state': State(record['state']),
            'answers': tuple(record['answers']),
            'flags': tuple(record['flags']),
            'corrections': tuple(
                Correction(
                    CorrectionKind(kind),
                    original and _load_annotation(original),
                    corrected and _load_annotation(corrected),
                )
                for kind, original, corrected in record['corrections']
            ),
        }
    )


def _load_departure(record: dict[str, Any] | None) -> Departure | None:
    if record is None:
        return None
    return Departure(
        **{
            **record,
            'frame': ImageSize(*record['frame']),
            'region': Region(*record['region']),
            'size': ImageSize(*record['size']),
            'black_out': tuple(Box(*box) for box in record['black_out']),
        }
    )


def _dump_annotation(annotation: Annotation) -> dict[str, Any]:
    return {**vars(annotation), 'type': annotation.type.value}


def _load_annotation(record: dict[str, Any]) -> Annotation:
    return Annotation(
        **{
            **record,
            'type': AnnotationType(record['type']),
            'vertices': tuple(Vertex(*vertex) for vertex in record['vertices']),
        }
    )
