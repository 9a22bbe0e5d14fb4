# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Holds every answer of the APIs that a test sees against the service's own description."""

from __future__ import annotations

import functools
import re
from typing import Any

import httpx
import jsonschema_rs
import yaml

from spark_ros.service.operators.pages import OPENAPI

API: dict[str, Any] = yaml.load(OPENAPI.read_bytes(), yaml.CSafeLoader)


async def expect_as_described(response: httpx.Response) -> None:
    """Fail the test whose answer the description does not allow (a hook of httpx)."""
    method, path = response.request.method.lower(), response.request.url.path
    operation = described(method, path)
    if operation is None:
        return
    await response.aread()
    status = str(response.status_code)
    assert response.headers['content-type'] == 'application/json', path
    errors = [
        f'{error.instance_path}: {error.message[:500]}'
        for error in _validator(operation, status).iter_errors(response.json())
    ]
    assert not errors, f'{method} {path} {status} is not as described: {errors}'
    if path.startswith('/v1/'):
        for name, header in API['components']['headers'].items():
            given = response.headers[f'Spark-{name}']
            value = int(given) if header['schema']['type'] == 'integer' else given
            jsonschema_rs.validate(header['schema'], value)


@functools.cache
def described(method: str, path: str) -> tuple[str, str] | None:
    """Return the path of the description that an answer belongs to, and its method."""
    for template, methods in API['paths'].items():
        if method in methods and re.fullmatch(re.sub(r'\{\w+\}', '[^/]+', template), path):
            # What is not templated comes before what is, as in the service.
            return template, method
    return None


@functools.cache
def _validator(operation: tuple[str, str], status: str) -> jsonschema_rs.Draft202012Validator:
    path, method = operation
    answers = API['paths'][path][method]['responses']
    said = answers.get(status) or answers[f'{status[0]}XX']
    if '$ref' in said:
        said = API['components']['responses'][said['$ref'].rpartition('/')[2]]
    schema = said['content']['application/json']['schema']
    return jsonschema_rs.Draft202012Validator({**schema, 'components': API['components']})
