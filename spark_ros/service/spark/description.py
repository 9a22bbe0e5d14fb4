# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The OpenAPI description of SparkAI's endpoints; the handlers read their requests themselves."""

from __future__ import annotations

from typing import Any

from spark_ros.model import AnnotationType
from spark_ros.service.web.openapi import (
    ANYTHING,
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
from spark_ros.wire.spark import STATES

STATE = {'type': 'string', 'enum': list(STATES)}


def _list(name: str) -> dict[str, Any]:
    return {'type': 'array', 'items': {'$ref': f'#/components/schemas/{name}'}}


_COORDINATE = {
    'oneOf': [{'type': 'number', 'minimum': 0, 'maximum': 1}, TEXT],
    'description': 'a fraction of the image in [0, 1), as a number or a decimal string',
}
_ANNOTATION = {
    'label': TEXT,
    'type': {'type': 'string', 'enum': [kind.value for kind in AnnotationType]},
    'vertices': {'type': 'array', 'items': record('x y', x=_COORDINATE, y=_COORDINATE)},
    'metadata': said(ANYTHING, 'kept as it is'),
    'image_idx': {'type': 'integer', 'minimum': 0, 'description': 'which of the images, from 0'},
}

SCHEMAS: dict[str, Any] = {
    'Error': record('statusCode message', statusCode={'type': 'integer'}, message=TEXT),
    'Annotation': record('vertices', **_ANNOTATION),
    'ChangedAnnotation': record(
        'label type vertices',
        original_annotation=said(
            ANYTHING, 'the prior exactly as it was sent; absent on a new shape'
        ),
        **_ANNOTATION,
    ),
    'EngagementRequest': record(
        'content_location',
        content_location={
            'oneOf': [URL, {'type': 'array', 'items': URL, 'minItems': 1, 'maxItems': 50}],
            'description': 'the URLs of one to 50 images',
        },
        content_type={'type': 'string', 'enum': ['image', 'video'], 'default': 'image'},
        program_name=said(TEXT, 'required unless there are instructions'),
        instructions=said(TEXT, 'required unless there is a program'),
        webhook_url=URL,
        metadata=ANYTHING,
        priors=record(
            '',
            label_options=said(TEXTS, 'also accepted as label_set or label_list'),
            annotations=_list('Annotation'),
        ),
    ),
    'Engagement': record(
        'token state sequence date_created image_location',
        token=UUID,
        state=STATE,
        sequence={'type': 'integer', 'description': 'grows with every change of state'},
        date_created=TIME,
        date_closed=TIME,
        image_location=said(URL, 'as it was sent'),
        content_location=said(URL, 'the same'),
        content_type=TEXT,
        program_name=TEXT,
        instructions=TEXT,
        webhook_url=URL,
        metadata=ANYTHING,
        response=TEXT,
        annotations={**_list('ChangedAnnotation'), 'description': 'new or changed shapes'},
        confirmed_annotations={**_list('Annotation'), 'description': 'priors that are right'},
        removed_annotations={**_list('Annotation'), 'description': 'priors that are wrong'},
        flags=said(TEXTS, '`flagged`: it could not be answered, `feedback` says why'),
        feedback=TEXT,
    ),
    'Job': record(
        'token state date_created engagements',
        job_name=TEXT,
        token=UUID,
        state=STATE,
        date_created=TIME,
        date_closed=TIME,
        program_name=TEXT,
        engagements=_list('Engagement'),
    ),
}


_NUMBER = {'type': 'integer', 'minimum': 0}
_PAGING = [
    query('limit', {**_NUMBER, 'default': 10}, 'at least 1; more than 50 counts as 50'),
    query('cursor', _NUMBER, 'where to begin, as an offset'),
    query('state', STATE, 'only those in this state'),
]
_COUNT = query('count', {'type': 'boolean'}, 'true: answer `{"count": n}` instead')
def _upload(part: str) -> dict[str, Any]:
    file = {'type': 'string', 'format': 'binary'}
    return {
        'multipart/form-data': {
            'schema': {
                'type': 'object',
                'required': [part],
                'properties': {part: file, 'tag': said(TEXT, 'one tag')},
            }
        }
    }


_STORED = record('url signedUrl', url=URL, signedUrl=URL)
CREATE = endpoint(
    record('token', token=UUID),
    'the token of the new engagement',
    [ONCE],
    {JSON: {'schema': {'$ref': '#/components/schemas/EngagementRequest'}}},
)
LIST = endpoint(_list('Engagement'), 'the engagements of the caller', [*_PAGING, _COUNT])
ENGAGEMENT = endpoint(_list('Engagement'), 'one engagement per image', _PAGING)
JOB = endpoint(_list('Job'), 'an array of one job', _PAGING)
IMAGE = endpoint(_STORED, 'where the image is', [ONCE], _upload('image_file'))
VIDEO = endpoint(_STORED, 'where the video is', [ONCE], _upload('video_file'))
