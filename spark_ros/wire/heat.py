# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's requests, both directions (page: "Requests", ten POST routes under /v1/requests).

Annotations are in **pixels** of the upright attachment, unlike SparkAI's fractions.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from spark_ros.wire.values import (
    WireError,
    expect_list,
    expect_number,
    expect_object,
    expect_text,
    expect_url,
    optional,
)

ATTACHMENT_TYPES = ('text', 'image', 'video', 'audio', 'website')
ANNOTATION_TYPES = ('point', 'rectangle')
VALIDATIONS = ('number', 'url')
STATUSES = ('complete', 'pending', 'flagged', 'aborted')
MEDIA = ('image', 'video', 'audio')
ANNOTATIONS = 'annotations'
PER_ANNOTATION = {
    'annotations-with-multiple-choice': 'multiple-choice',
    'annotations-with-free-text': 'free-text',
    'annotations-with-rating': 'rating',
}
TYPES = ('multiple-choice', 'free-text', 'rating', *MEDIA, ANNOTATIONS, *PER_ANNOTATION)
WHICH_LABEL = 'What is this?'
NOBODY_IN_TIME = 'nobody answered in time'
"""The feedback of what our service flags because its deadline has passed."""
MAX_BLOCK_S = 60
MAX_ATTACHMENTS = 50
MAX_CHOICES = 1000
MAX_EXCLUDED = 1000
MAX_ANNOTATIONS = 10_000
MAX_RATING_STEPS = 1_000_000
YOUTUBE_HOSTS = ('youtube.com', 'youtube-nocookie.com')
YOUTUBE_SHORT = 'youtu.be'
YOUTUBE_EMBED = re.compile(r'/embed/[\w-]+/?', re.ASCII)


@dataclass(frozen=True)
class Choices:
    """What a multiple choice is made among; `most` 0 is no limit."""

    options: tuple[str, ...]
    type: str = 'text'
    least: int = 1
    most: int = 0


@dataclass(frozen=True)
class Scale:
    """A rating scale; its grid starts at `low`."""

    low: float = 0.0
    high: float = 100.0
    step: float = 1.0
    low_label: str = ''
    high_label: str = ''


@dataclass(frozen=True)
class Prompt:
    """One thing to answer: the question itself, or the one for each annotation.

    Attributes:
        kind: `multiple-choice`, `free-text`, `rating`, a medium, or `annotations`.
        validation: of free text: `number`, `url` or empty.
    """

    kind: str
    instruction: str
    choices: Choices | None = None
    scale: Scale | None = None
    validation: str = ''


@dataclass(frozen=True)
class HeatRequest:
    """The body of one of the ten POST routes.

    Attributes:
        type: the route, one of TYPES.
        annotations_type: `point` or `rectangle`; only for annotations.
        max_annotations: 0 is no limit.
        per_annotation: the question for each annotation.
        raw: the body as it was sent, to be given back with every answer.
    """

    type: str
    prompt: Prompt
    attachments_type: str = 'text'
    attachments: tuple[str, ...] = ()
    annotations_type: str = 'point'
    min_annotations: int = 1
    max_annotations: int = 0
    per_annotation: Prompt | None = None
    hook_url: str | None = None
    exclude_crunchers: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def annotates(self) -> bool:
        """Whether the answer is a list of annotations."""
        return self.prompt.kind == ANNOTATIONS

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is asked, and then what about each annotation."""
        inner = () if self.per_annotation is None else (self.per_annotation.kind,)
        return (self.prompt.kind, *inner)

    def to_json(self) -> dict[str, Any]:
        """Write the body that our client sends; what equals the page's default is left out."""
        body: dict[str, Any] = prompt_json(self.prompt)
        if self.attachments or self.attachments_type != 'text':
            body['attachments_type'] = self.attachments_type
            body['attachments'] = list(self.attachments)
        if self.annotates:
            body['annotations_type'] = self.annotations_type
            body['min_annotations'] = self.min_annotations
            if self.max_annotations:
                body['max_annotations'] = self.max_annotations
        if self.per_annotation is not None:
            body['per_annotation'] = prompt_json(self.per_annotation)
        if self.hook_url:
            body['hook_url'] = self.hook_url
        if self.exclude_crunchers:
            body['exclude_crunchers'] = list(self.exclude_crunchers)
        return body


@dataclass(frozen=True)
class HeatObject:
    """A Request object as the service gives it back.

    Attributes:
        response: as the type says; None while there is none.
        feedback: `cruncher_feedback`: why it was flagged.
        crunchers: stable pseudonyms of who answered.
        extra: every other field.
    """

    id: str
    status: str
    type: str = ''
    response: Any = None
    feedback: str = ''
    crunchers: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Whether the status may still change; every other one is final."""
        return self.status == 'pending'

    def expired(self, extensions: Container[str] | None) -> bool:
        """Whether its deadline passed before anybody answered.

        An operator who gives the same reason is one of `crunchers`.

        Args:
            extensions: what the service announces; None where that is not known.
        """
        said = self.status == 'flagged' and self.feedback == NOBODY_IN_TIME
        known = extensions is None or 'deadline' in extensions
        return said and not self.crunchers and known


def box_request(
    instruction: str, attachments: Sequence[str], labels: Iterable[str]
) -> HeatRequest:
    """Ask for rectangles on images, and for the label of each where there are some to choose."""
    options = tuple(dict.fromkeys(filter(None, labels)))
    inner = Prompt('multiple-choice', WHICH_LABEL, Choices(options, most=1)) if options else None
    return HeatRequest(
        'annotations-with-multiple-choice' if inner else ANNOTATIONS,
        Prompt(ANNOTATIONS, instruction),
        'image',
        tuple(attachments),
        annotations_type='rectangle',
        min_annotations=0,
        per_annotation=inner,
    )


def parse_heat_request(type: str, value: Any) -> HeatRequest:
    """Read the body of POST /v1/requests/{type} as a service must.

    Raises:
        WireError: it does not follow the page; the message names the field.
    """
    body = expect_object(value, 'the body')
    if type not in TYPES:
        raise WireError(f'there is no request type {type!r}')
    annotates = type == ANNOTATIONS or type in PER_ANNOTATION
    prompt = parse_prompt(ANNOTATIONS if annotates else type, body, '')
    attachments_type, attachments = parse_items(body, 'attachments', MAX_ATTACHMENTS)
    if annotates and not attachments:
        raise WireError('attachments is missing: there is nothing to annotate')
    annotations_type, least, most = 'point', 1, 0
    if annotates:
        annotations_type = _one_of(body, 'annotations_type', ANNOTATION_TYPES, 'point')
        least, most = _parse_limits(body, 'annotations')
        if least > MAX_ANNOTATIONS:
            raise WireError(f'min_annotations is {least}; no answer has over {MAX_ANNOTATIONS}')
    per_annotation = None
    if type in PER_ANNOTATION:
        inner = expect_object(body.get('per_annotation'), 'per_annotation')
        per_annotation = parse_prompt(PER_ANNOTATION[type], inner, 'per_annotation.')
    hook_url = body.get('hook_url')
    excluded = expect_list(optional(body, 'exclude_crunchers', []), 'exclude_crunchers')
    if len(excluded) > MAX_EXCLUDED:
        raise WireError(f'exclude_crunchers has more than {MAX_EXCLUDED} entries')
    return HeatRequest(
        type=type,
        prompt=prompt,
        attachments_type=attachments_type,
        attachments=attachments,
        annotations_type=annotations_type,
        min_annotations=least,
        max_annotations=most,
        per_annotation=per_annotation,
        hook_url=None if hook_url in (None, '') else expect_url(hook_url, 'hook_url'),
        exclude_crunchers=tuple(expect_text(item, 'exclude_crunchers', 200) for item in excluded),
        raw=dict(body),
    )


def parse_prompt(kind: str, body: Mapping[str, Any], prefix: str) -> Prompt:
    """Read the part of a body that says what is asked; `prefix` goes before field names."""
    instruction = expect_text(body.get('instruction'), f'{prefix}instruction').strip()
    if not instruction:
        raise WireError(f'{prefix}instruction is empty')
    choices, scale, validation = None, None, ''
    if kind == 'multiple-choice':
        choices = _parse_choices(body, prefix)
    elif kind == 'rating':
        scale = _parse_scale(body, prefix)
    elif kind == 'free-text':
        validation = _one_of(body, 'validation', VALIDATIONS, '', prefix)
    return Prompt(kind, instruction, choices, scale, validation)


def prompt_json(prompt: Prompt) -> dict[str, Any]:
    """Write what is asked, leaving out what equals the page's defaults."""
    body: dict[str, Any] = {'instruction': prompt.instruction}
    if prompt.choices is not None:
        body['choices_type'] = prompt.choices.type
        body['choices'] = list(prompt.choices.options)
        if prompt.choices.least != 1:
            body['min_answers'] = prompt.choices.least
        if prompt.choices.most:
            body['max_answers'] = prompt.choices.most
    if prompt.scale is not None:
        scale = prompt.scale
        body |= {'rating_min': scale.low, 'rating_max': scale.high, 'rating_step': scale.step}
        body |= {'label_min': scale.low_label} if scale.low_label else {}
        body |= {'label_max': scale.high_label} if scale.high_label else {}
    if prompt.validation:
        body['validation'] = prompt.validation
    return body


def parse_heat_object(value: Any) -> HeatObject:
    """Read a Request object; unknown fields are kept, missing ones tolerated.

    Raises:
        WireError: it is no object, or has no id or no status that the page knows.
    """
    body = expect_object(value, 'the request')
    id, status = body.get('id'), body.get('status')
    if not isinstance(id, str) or not id:
        raise WireError('the request has no id')
    if status not in STATUSES:
        raise WireError(f'the request has the unknown status {status!r}')
    rest = {name: item for name, item in body.items() if name not in ('id', 'status')}
    return HeatObject(
        id=id,
        status=status,
        type=_take(rest, 'type', str) or '',
        response=rest.pop('response', None),
        feedback=_take(rest, 'cruncher_feedback', str) or '',
        crunchers=tuple(str(item) for item in _take(rest, 'crunchers', list) or ()),
        extra=rest,
    )


def parse_items(body: Mapping[str, Any], name: str, most: int, prefix: str = '') -> tuple[
    str, tuple[str, ...]
]:
    """Read `attachments` or `choices` and their type; URLs are checked, text is kept."""
    kind = _one_of(body, f'{name}_type', ATTACHMENT_TYPES, 'text', prefix)
    given = expect_list(optional(body, name, []), f'{prefix}{name}')
    if len(given) > most:
        raise WireError(f'{prefix}{name} has {len(given)} entries; at most {most} are accepted')
    items = []
    for index, item in enumerate(given):
        where = f'{prefix}{name}[{index}]'
        if kind == 'text':
            items.append(expect_text(item, where))
            continue
        url = expect_url(item, where)
        if kind == 'video' and _is_youtube_page(url):
            raise WireError(f'{where} is a YouTube page; use https://www.youtube.com/embed/ID')
        items.append(url)
    return kind, tuple(items)


def _parse_choices(body: Mapping[str, Any], prefix: str) -> Choices:
    kind, options = parse_items(body, 'choices', MAX_CHOICES, prefix)
    if not options:
        raise WireError(f'{prefix}choices is missing: there is nothing to choose from')
    if len(set(options)) != len(options):
        raise WireError(f'{prefix}choices has an entry twice')
    least, most = _parse_limits(body, 'answers', prefix)
    if least > len(options):
        raise WireError(f'{prefix}min_answers is {least}, but there are {len(options)} choices')
    return Choices(options, kind, least, most)


def _parse_limits(body: Mapping[str, Any], what: str, prefix: str = '') -> tuple[int, int]:
    least = _count(body, f'min_{what}', 1, prefix)
    most = _count(body, f'max_{what}', 0, prefix)
    if 0 < most < least:
        raise WireError(f'{prefix}min_{what} is {least}, more than max_{what} {most}')
    return least, most


def _parse_scale(body: Mapping[str, Any], prefix: str) -> Scale:
    numbers = {
        name: expect_number(optional(body, name, default), f'{prefix}{name}')
        for name, default in (('rating_min', 0.0), ('rating_max', 100.0), ('rating_step', 1.0))
    }
    low, high, step = numbers.values()
    if high <= low:
        raise WireError(f'{prefix}rating_max {high:g} must be above rating_min {low:g}')
    if step <= 0:
        raise WireError(f'{prefix}rating_step is {step:g}; it must be above 0')
    if (high - low) / step > MAX_RATING_STEPS:
        raise WireError(f'{prefix}rating_step {step:g} makes more than {MAX_RATING_STEPS} steps')
    low_label, high_label = (
        expect_text(optional(body, name, ''), f'{prefix}{name}', 500)
        for name in ('label_min', 'label_max')
    )
    return Scale(low, high, step, low_label, high_label)


def _count(body: Mapping[str, Any], name: str, default: int, prefix: str = '') -> int:
    number = expect_number(optional(body, name, default), f'{prefix}{name}')
    if number < 0 or not number.is_integer():
        raise WireError(f'{prefix}{name} is {number:g}; it must be a whole number from 0')
    return int(number)


def _one_of(
    body: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str, prefix: str = ''
) -> str:
    value = body.get(name)
    if value is None or value == '':
        return default
    if value not in allowed:
        raise WireError(f'{prefix}{name} must be one of {", ".join(allowed)}')
    return str(value)


def _take(rest: dict[str, Any], name: str, kind: type[Any]) -> Any:
    """Take a field out of the rest; a value of another type stays there."""
    value = rest.get(name)
    return rest.pop(name, None) if value is None or isinstance(value, kind) else None


def _is_youtube_page(url: str) -> bool:
    parts = urlsplit(url)
    host = (parts.hostname or '').rstrip('.')
    if host == YOUTUBE_SHORT or host.endswith(f'.{YOUTUBE_SHORT}'):
        return True
    known = any(host == name or host.endswith(f'.{name}') for name in YOUTUBE_HOSTS)
    return known and not YOUTUBE_EMBED.fullmatch(parts.path)
