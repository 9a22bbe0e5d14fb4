# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a goal says, in our vocabulary; every word of it is somebody else's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from builtin_interfaces.msg import Duration
from diagnostic_msgs.msg import KeyValue

from spark_ros import model
from spark_ros.action import Engage
from spark_ros.escalation.question.asking import MAX_PRIORS, Asking, Terms
from spark_ros.escalation.question.outgoing_image import METADATA_KEYS
from spark_ros.msg import Annotation, Question
from spark_ros.wire.annotations import parse_annotation
from spark_ros.wire.spark import METADATA_LIMIT, metadata_size

MAX_NAME = 100
MAX_METADATA = 100
MAX_METADATA_TEXT = 2000
# What the node itself adds always has room beside it.
MAX_METADATA_BYTES = METADATA_LIMIT * 5 // 8
KINDS = {getattr(Question, f'KIND_{kind.name}'): kind for kind in model.QuestionKind}
TYPES = {getattr(Annotation, f'TYPE_{type.name}'): type for type in model.AnnotationType}


def read_terms(goal: Engage.Goal, asking: Asking) -> Terms:
    """Read what a goal asks.

    Args:
        goal: as it came.
        asking: how its camera is asked about: what the goal leaves empty.

    Raises:
        ValueError: something makes no sense; the message says what.
    """
    question = read_question(goal.question)
    program = goal.program.strip()
    if question.kind is model.QuestionKind.ANNOTATE:
        question = replace(
            question,
            # A program of the goal's own has instructions of its own.
            instructions=question.instructions
            or ('' if program else asking.question.instructions),
            label_options=question.label_options or asking.question.label_options,
        )
    return Terms(
        question=question,
        program=program or asking.program,
        priors=read_priors(goal.priors),
        priority=goal.priority or asking.priority,
        timeout_s=_seconds(goal.timeout) or asking.timeout_s,
        metadata=read_metadata(goal.metadata),
    )


def read_question(message: Question) -> model.Question:
    """Read a question. Raises ValueError; whether a service can ask it is for its backend."""
    kind = KINDS.get(message.kind)
    if kind is None:
        raise ValueError(f'question.kind is {message.kind}, which is no KIND_*')
    return model.Question(
        kind=kind,
        instructions=message.instructions.strip(),
        label_options=tuple(message.label_options),
        choices=tuple(message.choices),
        min_answers=message.min_answers,
        max_answers=message.max_answers,
        validation=message.validation,
        rating_min=message.rating_min,
        rating_max=message.rating_max,
        rating_step=message.rating_step,
        label_min=message.label_min,
        label_max=message.label_max,
    )


def read_priors(messages: Iterable[Annotation]) -> tuple[model.Annotation, ...]:
    """Read annotations. Raises ValueError where one is no shape in the image."""
    messages = list(messages)
    if len(messages) > MAX_PRIORS:
        raise ValueError(f'{len(messages)} priors; at most {MAX_PRIORS} can be asked about')
    return tuple(_prior(message, f'priors[{at}]') for at, message in enumerate(messages))


def read_metadata(entries: Iterable[KeyValue]) -> dict[str, str]:
    """Read metadata. Raises ValueError where it is too much or takes a name of the node's."""
    entries = list(entries)
    if len(entries) > MAX_METADATA:
        raise ValueError(f'{len(entries)} metadata entries; at most {MAX_METADATA} are sent')
    for entry in entries:
        if not 0 < len(entry.key) <= MAX_NAME:
            length = len(entry.key)
            raise ValueError(f'a metadata key has {length} characters, not 1 to {MAX_NAME}')
        if entry.key in METADATA_KEYS:
            raise ValueError(f'the metadata key {entry.key!r} is one that the node sets itself')
        if len(entry.value) > MAX_METADATA_TEXT:
            raise ValueError(
                f'the metadata {entry.key!r} has {len(entry.value)} characters; at most '
                f'{MAX_METADATA_TEXT} are sent'
            )
    metadata = {entry.key: entry.value for entry in entries}
    _expect_room(metadata, 'the metadata')
    return metadata


def name_problem(name: str) -> str:
    """Return why a name cannot stand for a camera that is not ours, or an empty string."""
    if len(name) > MAX_NAME:
        return f'the name of the camera has {len(name)} characters; at most {MAX_NAME} are taken'
    if not name.isprintable():
        return f'the name of the camera, {name!r}, is not printable'
    return ''


def _prior(message: Annotation, name: str) -> model.Annotation:
    if message.type not in TYPES:
        raise ValueError(f'{name}.type is {message.type}, which is no TYPE_*')
    shape = parse_annotation(
        {
            'label': message.label,
            'type': TYPES[message.type].value,
            'vertices': [{'x': vertex.x, 'y': vertex.y} for vertex in message.vertices],
        },
        name,
    )
    score = None if math.isnan(message.score) else message.score
    if score is not None and not 0.0 <= score <= 1.0:
        raise ValueError(f'{name}.score is {score:g}; it must be between 0 and 1, or NaN')
    attributes = {entry.key: entry.value for entry in message.attributes}
    _expect_room({'id': message.id, **attributes}, f'{name}.attributes and its id')
    return replace(shape, id=message.id, score=score, attributes=attributes)


def _expect_room(metadata: Mapping[str, str], name: str) -> None:
    """Raises ValueError where a service would not take it."""
    size = metadata_size(metadata)
    if size > MAX_METADATA_BYTES:
        raise ValueError(
            f'{name} would be {size} bytes of JSON; at most {MAX_METADATA_BYTES} are sent'
        )


def _seconds(duration: Duration) -> float:
    """Raises ValueError for a time that has passed."""
    seconds = float(duration.sec) + duration.nanosec / 1e9
    if seconds < 0:
        raise ValueError(f'the timeout is {seconds:g} s')
    return seconds
