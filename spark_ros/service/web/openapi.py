# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the descriptions of all endpoints are made of (OpenAPI)."""

from __future__ import annotations

from typing import Any

JSON = 'application/json'
TEXT = {'type': 'string'}
URL = {'type': 'string', 'format': 'uri'}
TIME = {'type': 'string', 'format': 'date-time'}
TEXTS = {'type': 'array', 'items': TEXT}
ANYTHING = {'type': 'object', 'additionalProperties': True}
UUID = {'type': 'string', 'format': 'uuid'}
ONCE = {
    'name': 'Idempotency-Key',
    'in': 'header',
    'schema': TEXT,
    'description': 'kept 7 days: the same key and body get the first result again, '
    'another body gets 409',
}
_ERROR = {
    'description': 'what was wrong',
    'content': {JSON: {'schema': {'$ref': '#/components/schemas/Error'}}},
}
_CODES = '400 and 401, 404, 409, 413, 415, 429 where they are the honest answer'


def record(required: str, **properties: Any) -> dict[str, Any]:
    return {'type': 'object', 'required': required.split(), 'properties': properties}


def said(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, 'description': description}


def query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {'name': name, 'in': 'query', 'schema': schema, 'description': description}


def endpoint(
    answer: dict[str, Any],
    description: str,
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if parameters:
        extra['parameters'] = parameters
    if body:
        extra['requestBody'] = {'required': True, 'content': body}
    return {
        'openapi_extra': extra,
        'responses': {
            200: {'description': description, 'content': {JSON: {'schema': answer}}},
            '4XX': {**_ERROR, 'description': _CODES},
            '5XX': _ERROR,
        },
    }
