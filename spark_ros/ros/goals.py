# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Read and check the goals of the action; other nodes wrote them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from diagnostic_msgs.msg import KeyValue
from rclpy.duration import Duration

from spark_ros import model
from spark_ros.action import Engage
from spark_ros.escalation.question.asking import Asking, QuestionSpec
from spark_ros.escalation.question.outgoing_image import METADATA_KEYS
from spark_ros.msg import Annotation, Question
from spark_ros.policy import MAX_PRIORS
from spark_ros.wire.annotations import parse_annotation
from spark_ros.wire.spark import METADATA_LIMIT, metadata_size

MAX_NAME = 100
MAX_METADATA = 100
MAX_METADATA_TEXT = 2000
# What the node itself adds always has room beside it.
MAX_METADATA_BYTES = METADATA_LIMIT * 5 // 8
KINDS = {getattr(Question, f'KIND_{kind.name}'): kind for kind in model.QuestionKind}
TYPES = {getattr(Annotation, f'TYPE_{type.name}'): type for type in model.AnnotationType}


def read_goal(goal: Engage.Goal, asking: Asking) -> QuestionSpec:
    """Return the question of a goal.

    Args:
        goal: as it came.
        asking: the settings of its camera, for the fields that the goal leaves empty.

    Raises:
        ValueError: a field has a wrong value; the message names it.
    """
    question = _question(goal.question)
    program = goal.program.strip()
    timeout_s = Duration.from_msg(goal.timeout).nanoseconds / 1e9
    _expect(timeout_s >= 0, f'the timeout is {timeout_s:g} s')
    if question.kind is model.QuestionKind.ANNOTATE:
        question = replace(
            question,
            # A program of the goal's own has instructions of its own.
            instructions=question.instructions
            or ('' if program else asking.question.instructions),
            label_options=question.label_options or asking.question.label_options,
        )
    return QuestionSpec(
        question=question,
        program=program or asking.program,
        priors=read_priors(goal.priors),
        priority=goal.priority or asking.priority,
        timeout_s=timeout_s or asking.timeout_s,
        metadata=_metadata(goal.metadata),
    )


def name_problem(name: str) -> str:
    """Return why a goal's own image cannot have this camera's name, or an empty string."""
    if len(name) > MAX_NAME:
        return f'the name of the camera has {len(name)} characters; at most {MAX_NAME} are taken'
    if not name.isprintable():
        return f'the name of the camera, {name!r}, is not printable'
    return ''


def _question(message: Question) -> model.Question:
    """The backend decides whether its service can ask this."""
    _expect(message.kind in KINDS, f'question.kind is {message.kind}, which is no KIND_*')
    return model.Question(
        kind=KINDS[message.kind],
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


def read_priors(messages: Sequence[Annotation]) -> tuple[model.Annotation, ...]:
    """Read annotations. Raises ValueError where one is no shape in the image."""
    count = len(messages)
    _expect(count <= MAX_PRIORS, f'{count} priors; at most {MAX_PRIORS} can be asked about')
    return tuple(_prior(message, f'priors[{at}]') for at, message in enumerate(messages))


def _prior(message: Annotation, name: str) -> model.Annotation:
    _expect(message.type in TYPES, f'{name}.type is {message.type}, which is no TYPE_*')
    shape = parse_annotation(
        {
            'label': message.label,
            'type': TYPES[message.type].value,
            'vertices': [{'x': vertex.x, 'y': vertex.y} for vertex in message.vertices],
        },
        name,
    )
    score = None if math.isnan(message.score) else message.score
    _expect(
        score is None or 0.0 <= score <= 1.0,
        f'{name}.score is {message.score:g}; it must be between 0 and 1, or NaN',
    )
    attributes = {entry.key: entry.value for entry in message.attributes}
    _expect_room({'id': message.id, **attributes}, f'{name}.attributes and its id')
    return replace(shape, id=message.id, score=score, attributes=attributes)


def _metadata(entries: Sequence[KeyValue]) -> dict[str, str]:
    count = len(entries)
    _expect(count <= MAX_METADATA, f'{count} metadata entries; at most {MAX_METADATA} are sent')
    for entry in entries:
        key, length, text = entry.key, len(entry.key), len(entry.value)
        _expect(
            0 < length <= MAX_NAME, f'a metadata key has {length} characters, not 1 to {MAX_NAME}'
        )
        _expect(
            key not in METADATA_KEYS, f'the metadata key {key!r} is one that the node sets itself'
        )
        _expect(
            text <= MAX_METADATA_TEXT,
            f'the metadata {key!r} has {text} characters; at most {MAX_METADATA_TEXT} are sent',
        )
    metadata = {entry.key: entry.value for entry in entries}
    _expect_room(metadata, 'the metadata')
    return metadata


def _expect_room(metadata: Mapping[str, str], name: str) -> None:
    """Refuse what no service would accept."""
    size = metadata_size(metadata)
    _expect(
        size <= MAX_METADATA_BYTES,
        f'{name} would be {size} bytes of JSON; at most {MAX_METADATA_BYTES} are sent',
    )


def _expect(condition: bool, problem: str) -> None:
    if not condition:
        raise ValueError(problem)
