# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Answers in JSON; every error is `{"statusCode": n, "message": "…"}`, as the page has it."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from spark_ros.service.errors import DATABASE_AWAY, DISK_FULL, ApiError
from spark_ros.service.storage.database import is_contention
from spark_ros.service.storage.outage import is_disk_full, is_outage
from spark_ros.wire.values import WireError

log = logging.getLogger('spark_ros.service')

# Of a database that is away.
RETRY_AFTER_S = 5

_encode = json.JSONEncoder(separators=(',', ':'), allow_nan=False).encode


def to_json(value: Any) -> bytes:
    """Write compact JSON with non-ASCII escaped, as the vendor's client re-serialises it."""
    return _encode(value).encode()


def json_object(fields: Mapping[str, Any], *more: str | bytes) -> bytes:
    """Write a JSON object from fields, and from those of objects that are written already.

    What is stored as JSON goes into an answer as it is: parsing and writing megabytes again would
    block other requests.

    Args:
        fields: the first fields of the object.
        more: JSON objects whose fields follow.
    """
    parts = [to_json(fields), *(each.encode() if isinstance(each, str) else each for each in more)]
    return b'{%b}' % b','.join(filter(None, (part[1:-1] for part in parts)))


def json_array(items: Iterable[bytes]) -> bytes:
    """Write a JSON array of what is written already."""
    return b'[%b]' % b','.join(items)


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON that no cache keeps."""
    return reply_json(to_json(value), status, headers)


def reply_json(
    written: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON that is written already, and that no cache keeps."""
    kept = {'Cache-Control': 'no-store', **(headers or {})}
    return Response(written, status, kept, 'application/json')


def error_reply(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with an error body."""
    return reply_json(error_body(status, message), status, headers)


def error_body(status: int, message: str) -> bytes:
    """Write the body that every error has."""
    return to_json({'statusCode': status, 'message': message})


def raw_error(status: int, message: str, headers: str = '') -> bytes:
    """Write a whole HTTP/1.1 answer with an error, after which the connection is closed.

    Args:
        headers: more of them, each with its line end.
    """
    body = error_body(status, message)
    head = (
        f'HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n'
        f'Cache-Control: no-store\r\n{headers}'
        f'Content-Length: {len(body)}\r\nConnection: close\r\n\r\n'
    )
    return head.encode() + body


async def handle_error(request: Request, error: Exception) -> Response:
    """Answer with the error body for an exception (Starlette's interface)."""
    if isinstance(error, ApiError):
        return error_reply(error.status, error.message, error.headers)
    if isinstance(error, WireError):
        return error_reply(400, str(error))
    if isinstance(error, HTTPException):
        if error.status_code in (404, 405):
            # The API page has no 405: for its clients an unknown method is not found.
            return error_reply(404, f'there is no {request.method} {request.url.path}')
        return error_reply(error.status_code, str(error.detail), error.headers)
    if _disk_is_full(error):
        log.error('%s: %s', DISK_FULL, error)
        return error_reply(500, DISK_FULL)
    if is_outage(error) or is_contention(error):
        return error_reply(503, DATABASE_AWAY, {'Retry-After': str(RETRY_AFTER_S)})
    log.error('storage failed', exc_info=error)
    return error_reply(500, 'the service could not store or read its data')


def _disk_is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return is_disk_full(error)


# Makes every error of an application an `{statusCode, message}` body.
ERROR_HANDLERS = dict.fromkeys(
    (ApiError, WireError, HTTPException, OSError, DBAPIError), handle_error
)
