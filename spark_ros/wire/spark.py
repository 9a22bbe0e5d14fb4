# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""SparkAI's requests and answers, both directions (page: /v1/engagement and /v1/job).

The request side is exact and refuses with the field's name; the answer side tolerates missing
and unknown fields, as a client of a service that may grow must.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from spark_ros.model import Annotation, Answer, State, corrections_from_statements
from spark_ros.wire.annotations import annotation_json, parse_annotation
from spark_ros.wire.values import (
    WireError,
    expect_list,
    expect_object,
    expect_text,
    expect_url,
    optional,
    parse_time,
)

T = TypeVar('T')

_encode = json.JSONEncoder(ensure_ascii=False, separators=(',', ':')).encode

MAX_LOCATIONS = 50
MAX_PRIORS = 10_000
METADATA_LIMIT = 64 * 1024
"""How much `metadata` our service takes with a question, and with each prior (`metadata_size`)."""
LABEL_LIST_NAMES = ('label_options', 'label_set', 'label_list')
STATES = ('open', 'assigned', 'closed')
# Our service's flags of what ended without a person, and the extensions that these belong to.
ENDINGS = {'expired': (State.EXPIRED, 'deadline'), 'canceled': (State.CANCELED, 'withdraw')}


@dataclass(frozen=True)
class EngagementRequest:
    """The body of POST /v1/engagement.

    Attributes:
        content_location: 1 to 50 image URLs.
        raw_annotations: the priors exactly as they were sent, index for index.
    """

    content_location: tuple[str, ...]
    content_type: str = 'image'
    program_name: str | None = None
    instructions: str | None = None
    webhook_url: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    label_options: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    raw_annotations: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Write the body that our client sends: locations as an array, vertices as strings."""
        body: dict[str, Any] = {'content_location': list(self.content_location)}
        if self.content_type != 'image':
            body['content_type'] = self.content_type
        for name in ('program_name', 'instructions', 'webhook_url'):
            if getattr(self, name):
                body[name] = getattr(self, name)
        if self.metadata:
            body['metadata'] = dict(self.metadata)
        priors: dict[str, Any] = {}
        if self.label_options:
            priors['label_options'] = list(self.label_options)
        if self.annotations:
            priors['annotations'] = [
                annotation_json(annotation, as_strings=True) for annotation in self.annotations
            ]
        if priors:
            body['priors'] = priors
        return body


def metadata_size(metadata: Mapping[str, Any]) -> int:
    """Return how large metadata is, as JSON without spaces in UTF-8, in bytes."""
    return len(_encode(metadata).encode())


def parse_request(value: Any) -> EngagementRequest:
    """Read the body of POST /v1/engagement as a service must.

    Whether a program or instructions are there is for the service to check: it knows the key's
    default program.

    Raises:
        WireError: it does not follow the page; the message names the field.
    """
    body = expect_object(value, 'the body')
    priors = expect_object(optional(body, 'priors', {}), 'priors')
    annotations = expect_list(optional(priors, 'annotations', []), 'priors.annotations')
    if len(annotations) > MAX_PRIORS:
        raise WireError(f'priors.annotations has more than {MAX_PRIORS} entries')
    parsed = tuple(
        _parse_prior(item, f'priors.annotations[{index}]')
        for index, item in enumerate(annotations)
    )
    locations = _parse_locations(body.get('content_location'))
    for index, annotation in enumerate(parsed):
        if annotation.image_index is not None and annotation.image_index >= len(locations):
            raise WireError(
                f'priors.annotations[{index}].image_idx is {annotation.image_index}, '
                f'but there are {len(locations)} images'
            )
    content_type = optional(body, 'content_type', 'image')
    if content_type not in ('image', 'video', ''):
        raise WireError('content_type must be image or video')
    webhook_url = optional(body, 'webhook_url', '')
    return EngagementRequest(
        content_location=locations,
        content_type=content_type or 'image',
        program_name=_optional_text(body, 'program_name', 500),
        instructions=_optional_text(body, 'instructions'),
        webhook_url=None if webhook_url == '' else expect_url(webhook_url, 'webhook_url'),
        metadata=dict(expect_object(optional(body, 'metadata', {}), 'metadata')),
        label_options=_parse_label_options(priors),
        annotations=parsed,
        raw_annotations=tuple(annotations),
    )


@dataclass(frozen=True)
class ChangedAnnotation:
    """A new or changed shape in an answer; `original` is the prior it replaces, if any."""

    corrected: Annotation
    original: Annotation | None = None


@dataclass(frozen=True)
class Engagement:
    """One element of GET /v1/engagement.

    Attributes:
        date_created, date_closed: Unix seconds, or None.
        confirmed, removed: None where the server does not say (our service does).
        problems: parts of the answer that could not be read, in words.
        extra: fields that the page does not have.
    """

    token: str = ''
    state: str = ''
    date_created: float | None = None
    date_closed: float | None = None
    instructions: str = ''
    program_name: str = ''
    webhook_url: str = ''
    image_location: str = ''
    response: str = ''
    annotations: tuple[ChangedAnnotation, ...] = ()
    confirmed: tuple[Annotation, ...] | None = None
    removed: tuple[Annotation, ...] | None = None
    flags: tuple[str, ...] = ()
    feedback: str = ''
    problems: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def ending(self, extensions: Container[str] | None) -> State | None:
        """Return EXPIRED or CANCELED where it was closed without anybody's answer.

        Its deadline passed, or it was withdrawn. No operator can set these flags.

        Args:
            extensions: what the service announces; None where that is not known.
        """
        if self.state != 'closed' or 'flagged' not in self.flags:
            return None
        for flag, (state, extension) in ENDINGS.items():
            if flag in self.flags and (extensions is None or extension in extensions):
                return state
        return None

    def answer(self, priors: Sequence[Annotation]) -> Answer:
        """Say what this engagement means for the question that was asked with these priors.

        Raises:
            WireError: the state is none that the page knows.
        """
        if self.state not in STATES:
            raise WireError(f'the engagement has the unknown state {self.state!r}')
        state = State(self.state)
        if state is not State.CLOSED:
            return Answer(state=state, created=self.date_created)
        flagged = 'flagged' in self.flags
        return Answer(
            state=State.FLAGGED if flagged else State.CLOSED,
            response=self.response,
            corrections=corrections_from_statements(
                priors,
                [(changed.original, changed.corrected) for changed in self.annotations],
                self.confirmed or (),
                self.removed or (),
            ),
            feedback=self.feedback,
            flags=self.flags + tuple(f'unreadable: {problem}' for problem in self.problems),
            image_url=self.image_location,
            created=self.date_created,
            closed=self.date_closed,
        )


@dataclass(frozen=True)
class Job:
    """One element of GET /v1/job/{token}: all engagements of one POST."""

    token: str = ''
    job_name: str = ''
    state: str = ''
    date_created: float | None = None
    date_closed: float | None = None
    program_name: str = ''
    engagements: tuple[Engagement, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


_TEXTS = (
    'token', 'state', 'instructions', 'program_name', 'webhook_url', 'response', 'feedback',
)  # fmt: skip
_ENGAGEMENT_FIELDS = frozenset({
    *_TEXTS, 'date_created', 'date_closed', 'image_location', 'content_location', 'annotations',
    'confirmed_annotations', 'removed_annotations', 'flags',
})  # fmt: skip
_JOB_FIELDS = frozenset(each.name for each in fields(Job)) - {'extra'}


def parse_engagement(value: Any) -> Engagement:
    """Read one engagement of an answer.

    A field that is missing or has another type counts as absent; an annotation that cannot be
    read is left out and named in `problems`.

    Raises:
        WireError: it is not an object at all.
    """
    body = expect_object(value, 'the engagement')
    problems: list[str] = []
    location = body.get('image_location', body.get('content_location'))
    if isinstance(location, list):
        location = location[0] if location else ''
    flags = body.get('flags')
    return Engagement(
        **{name: _text(body.get(name)) for name in _TEXTS},
        date_created=parse_time(body.get('date_created')),
        date_closed=parse_time(body.get('date_closed')),
        image_location=_text(location),
        annotations=_read_all(body, 'annotations', _parse_changed, problems) or (),
        confirmed=_read_all(body, 'confirmed_annotations', parse_annotation, problems),
        removed=_read_all(body, 'removed_annotations', parse_annotation, problems),
        flags=tuple(_text(flag) for flag in flags) if isinstance(flags, list) else (),
        problems=tuple(problems),
        extra={name: item for name, item in body.items() if name not in _ENGAGEMENT_FIELDS},
    )


def parse_job(value: Any) -> Job:
    """Read one job of an answer, as tolerantly as an engagement.

    Raises:
        WireError: it, or one of its engagements, is not an object at all.
    """
    body = expect_object(value, 'the job')
    engagements = body.get('engagements')
    return Job(
        **{
            name: _text(body.get(name))
            for name in ('token', 'job_name', 'state', 'program_name')
        },
        date_created=parse_time(body.get('date_created')),
        date_closed=parse_time(body.get('date_closed')),
        engagements=tuple(map(parse_engagement, engagements))
        if isinstance(engagements, list)
        else (),
        extra={name: item for name, item in body.items() if name not in _JOB_FIELDS},
    )


def _parse_prior(value: Any, name: str) -> Annotation:
    """Read a prior: of an answer's annotation, what is empty in another way will do as well."""
    prior = parse_annotation(value, name)
    expect_text(optional(value, 'label', ''), f'{name}.label')
    expect_object(optional(value, 'metadata', {}), f'{name}.metadata')
    return prior


def _parse_locations(value: Any) -> tuple[str, ...]:
    if value is None:
        raise WireError('content_location is missing')
    locations = value if isinstance(value, list) else [value]
    if not 1 <= len(locations) <= MAX_LOCATIONS:
        raise WireError(f'content_location has {len(locations)} URLs; 1 to 50 are accepted')
    if not isinstance(value, list):
        return (expect_url(value, 'content_location'),)
    return tuple(
        expect_url(item, f'content_location[{index}]') for index, item in enumerate(locations)
    )


def _parse_label_options(priors: Mapping[str, Any]) -> tuple[str, ...]:
    given = {
        name: expect_list(priors[name], f'priors.{name}')
        for name in LABEL_LIST_NAMES
        if priors.get(name) is not None
    }
    lists = list(given.values())
    if any(labels != lists[0] for labels in lists):
        raise WireError(f'priors has {" and ".join(given)} with different labels; give one')
    if not lists:
        return ()
    labels = tuple(expect_text(label, 'priors.label_options', 500) for label in lists[0])
    if len(labels) > 1000 or not all(labels):
        raise WireError('priors.label_options has 1 to 1000 labels, none of them empty')
    return labels


def _optional_text(body: Mapping[str, Any], name: str, longest: int = 20_000) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    return expect_text(value, name, longest).strip() or None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ''


def _read_all(
    body: Mapping[str, Any], name: str, read: Callable[[Any, str], T], problems: list[str]
) -> tuple[T, ...] | None:
    """Read what an array holds; None where there is none, what cannot be read in `problems`."""
    value = body.get(name)
    if not isinstance(value, list):
        return None
    found = []
    for index, item in enumerate(value):
        try:
            found.append(read(item, f'{name}[{index}]'))
        except WireError as error:
            problems.append(str(error))
    return tuple(found)


def _parse_changed(value: Any, name: str) -> ChangedAnnotation:
    corrected = parse_annotation(value, name)
    original = value.get('original_annotation')
    return ChangedAnnotation(
        corrected, parse_annotation(original, f'{name}.original_annotation') if original else None
    )
