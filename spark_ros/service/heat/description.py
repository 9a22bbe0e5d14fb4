# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The OpenAPI description of Heat's endpoints; the handlers read their requests themselves."""

from __future__ import annotations

from typing import Any

from spark_ros.service.web.openapi import (
    JSON,
    ONCE,
    TEXT,
    TEXTS,
    TIME,
    URL,
    UUID,
    endpoint,
    query,
    record,
    said,
)
from spark_ros.wire.heat import (
    ANNOTATION_TYPES,
    ANNOTATIONS,
    ATTACHMENT_TYPES,
    MEDIA,
    PER_ANNOTATION,
    STATUSES,
    TYPES,
    VALIDATIONS,
)

NUMBER = {'type': 'number'}
COUNT = {'type': 'integer', 'minimum': 0}
KIND = {'type': 'string', 'enum': list(ATTACHMENT_TYPES), 'default': 'text'}
INSTRUCTION = said(TEXT, 'what is asked, in natural language')
_PROMPTS: dict[str, dict[str, Any]] = {
    'multiple-choice': {
        'choices_type': KIND,
        'choices': said(TEXTS, 'required; texts, or URLs as choices_type says'),
        'min_answers': {**COUNT, 'default': 1},
        'max_answers': {**COUNT, 'default': 0, 'description': '0 is no limit'},
    },
    'free-text': {'validation': {'type': 'string', 'enum': list(VALIDATIONS)}},
    'rating': {
        'rating_min': {**NUMBER, 'default': 0},
        'rating_max': {**NUMBER, 'default': 100},
        'rating_step': {**NUMBER, 'default': 1},
        'label_min': TEXT,
        'label_max': TEXT,
    },
}
_ANNOTATIONS = {
    'annotations_type': {'type': 'string', 'enum': list(ANNOTATION_TYPES), 'default': 'point'},
    'min_annotations': {**COUNT, 'default': 1},
    'max_annotations': {**COUNT, 'default': 0, 'description': '0 is no limit'},
}
_ANNOTATION = record(
    '',
    x=said(NUMBER, 'pixels of the upright image, from the left'),
    y=said(NUMBER, 'pixels of the upright image, from the top'),
    x2=said(NUMBER, 'the right side of a rectangle'),
    y2=said(NUMBER, 'the bottom of a rectangle'),
    t=said(NUMBER, 'seconds from the start of a video or an audio file'),
    start=said(COUNT, 'the first character of a span of text'),
    end=said(COUNT, 'the character after the span'),
    attachment_index=said(COUNT, 'where there is more than one attachment'),
    response=said({}, 'the answer to per_annotation'),
)
_RESPONSES = {
    'multiple-choice': said(TEXTS, 'the chosen values'),
    'free-text': TEXT,
    'rating': NUMBER,
    **dict.fromkeys(MEDIA, said(URL, 'of the file')),
}


def _body(kind: str) -> dict[str, Any]:
    required, more = 'instruction', _PROMPTS.get(kind, {})
    if kind == 'multiple-choice':
        required += ' choices'
    if kind == ANNOTATIONS or kind in PER_ANNOTATION:
        required, more = 'instruction attachments', dict(_ANNOTATIONS)
    if kind in PER_ANNOTATION:
        inner = PER_ANNOTATION[kind]
        required += ' per_annotation'
        needed = 'instruction choices' if inner == 'multiple-choice' else 'instruction'
        more['per_annotation'] = record(needed, instruction=INSTRUCTION, **_PROMPTS[inner])
    return record(
        required,
        instruction=INSTRUCTION,
        attachments_type=KIND,
        attachments=said(TEXTS, 'texts, or URLs as attachments_type says'),
        **more,
        hook_url=said(URL, 'the completed request is POSTed there'),
        exclude_crunchers=said(TEXTS, 'who must not answer, as in `crunchers` of an answer'),
    )


def _object(kind: str) -> dict[str, Any]:
    annotated = {'type': 'array', 'items': {'$ref': '#/components/schemas/HeatAnnotation'}}
    return {
        'allOf': [
            {'$ref': f'#/components/schemas/{_name(kind)}'},
            record(
                'id status type crunchers sequence date_created',
                id=UUID,
                status={'type': 'string', 'enum': list(STATUSES)},
                response=said(_RESPONSES.get(kind, annotated), 'when it is complete'),
                cruncher_feedback=said(TEXT, 'why it is flagged'),
                crunchers=said(TEXTS, 'who answered'),
                type={'type': 'string', 'enum': [kind]},
                sequence={'type': 'integer', 'description': 'grows with every change of state'},
                date_created=TIME,
                date_closed=TIME,
            ),
        ]
    }


def _name(kind: str) -> str:
    return 'Heat' + ''.join(part.capitalize() for part in kind.split('-')) + 'Request'


def _ref(kind: str) -> dict[str, Any]:
    return {'$ref': f'#/components/schemas/{_name(kind)}Object'}


SCHEMAS: dict[str, Any] = {
    'HeatAnnotation': _ANNOTATION,
    **{_name(kind): _body(kind) for kind in TYPES},
    **{f'{_name(kind)}Object': _object(kind) for kind in TYPES},
}

_BLOCK = query(
    'block',
    {'type': 'number', 'minimum': 0, 'default': 0},
    'seconds to wait for the answer; more than 60 counts as 60',
)


def ask(kind: str) -> dict[str, Any]:
    """Describe POST /v1/requests/{kind}."""
    body = {JSON: {'schema': {'$ref': f'#/components/schemas/{_name(kind)}'}}}
    return {
        **endpoint(_ref(kind), 'the request, pending or over', [_BLOCK, ONCE], body),
        'summary': f'Ask: {kind}',
        'description': 'Ask people. The answer comes at once, pending, unless `block` waits.',
    }


RETRIEVE = endpoint(
    {'anyOf': [_ref(kind) for kind in TYPES]}, 'the request, pending or over', [_BLOCK]
)
LIST = endpoint(
    {'type': 'array', 'items': {'anyOf': [_ref(kind) for kind in TYPES]}},
    'the requests of the caller, oldest first; a `Link` header names the next page',
    [
        query('limit', {**COUNT, 'default': 10}, 'how many, up to 50'),
        query('cursor', {**COUNT, 'default': 0}, 'how many to pass over'),
    ],
)
ABORT = endpoint(
    record('success', success={'type': 'boolean', 'enum': [True]}),
    'it is aborted; 400 where it was over already',
    [_BLOCK],
)
