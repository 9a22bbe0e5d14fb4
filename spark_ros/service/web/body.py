# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Read request bodies within limits, with or without a true Content-Length."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncGenerator, Callable, Hashable
from dataclasses import dataclass
from email.message import Message
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from spark_ros.service.context import context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.web.canonical_json import sha256_of
from spark_ros.service.web.json_size import expect_small

T = TypeVar('T')

# How much of a too large body is read and dropped: most clients read an answer only after they
# have written the body, and would not see the 413 on a connection that was closed before.
DRAIN = 64 * 1024 * 1024
MULTIPART_OVERHEAD = 64 * 1024
# JSON of more bytes than this is neither read nor written on the event loop.
LARGE = 64 * 1024


@dataclass(frozen=True)
class JsonBody(Generic[T]):
    """A parsed JSON body, the SHA-256 of its canonical form, and its size in bytes."""

    value: T
    sha256: str
    size: int


async def read_json(
    request: Request, limit: int, caller: Hashable, parse: Callable[[Any], T]
) -> JsonBody[T]:
    """Read a JSON body of at most `limit` bytes.

    Args:
        caller: whose body it is; of large ones, each caller has one parsed at a time.
        parse: turns the JSON value into the result's `value`.

    Raises:
        ApiError: 413 too large, 400 not JSON; and whatever `parse` raises.
    """
    raw = b''.join([chunk async for chunk in limited(request, limit)])
    if len(raw) <= LARGE:
        return parse_json(raw, parse)
    return await context_of(request).large_json.run(caller, _parse_large, raw, parse)


def _parse_large(raw: bytes, parse: Callable[[Any], T]) -> JsonBody[T]:
    # The garbage collector would scan the growing result many times, holding the GIL.
    gc.disable()
    try:
        return parse_json(raw, parse)
    finally:
        gc.enable()


def parse_json(raw: bytes, parse: Callable[[Any], T]) -> JsonBody[T]:
    """Read the bytes of a JSON body; raises as `read_json` does."""
    if not raw:
        raise ApiError(400, 'the body is empty; send a JSON object')
    expect_small(raw)
    try:
        # UTF-8 only: `expect_small` cannot read UTF-16, which json would also accept.
        value = json.loads(raw.decode('utf-8-sig'), parse_constant=_refuse_constant)
        sha256 = sha256_of(value, len(raw) > LARGE)
    except UnicodeEncodeError:
        raise ApiError(400, 'the body holds a character that is not text') from None
    except ValueError as error:
        raise ApiError(400, f'the body is not JSON: {error}') from None
    return JsonBody(parse(value), sha256, len(raw))


async def read_form(request: Request, limit: int) -> FormData:
    """Read a multipart body with one file of at most `limit` bytes; the caller closes it.

    Raises:
        ApiError: 413 too large, 415 not multipart/form-data, 400 malformed.
    """
    content_type = request.headers.get('content-type', '')
    if content_type.split(';')[0].strip().lower() != 'multipart/form-data':
        raise ApiError(415, 'send multipart/form-data')
    stream = limited(request, limit + MULTIPART_OVERHEAD)
    try:
        return await MultiPartParser(
            request.headers, stream, max_files=4, max_fields=16, max_part_size=MULTIPART_OVERHEAD
        ).parse()
    except (MultiPartException, ValueError) as error:
        # ValueError: an unknown charset.
        raise ApiError(400, f'the body is not multipart/form-data: {error}') from None


async def read_urlencoded(request: Request, limit: int) -> dict[str, str]:
    """Read the fields of an HTML form of at most `limit` bytes.

    Raises:
        ApiError: 413 too large, 415 not application/x-www-form-urlencoded or not in UTF-8, 400
            malformed.
    """
    kind = Message()
    kind['Content-Type'] = request.headers.get('content-type', '')
    if kind.get_content_type() != 'application/x-www-form-urlencoded':
        raise ApiError(415, 'send application/x-www-form-urlencoded')
    try:
        charset = kind.get_content_charset('utf-8')
    except (TypeError, ValueError):
        # The charset parameter is itself encoded in an unknown charset, or has parts with numbers
        # and without, which Python's own parser does not expect.
        charset = ''
    if charset != 'utf-8':
        raise ApiError(415, 'send the form in UTF-8')
    raw = b''.join([chunk async for chunk in limited(request, limit)])
    try:
        pairs = parse_qsl(raw.decode('ascii'), keep_blank_values=True, errors='strict')
    except UnicodeDecodeError:
        raise ApiError(400, 'the body is not a form in UTF-8') from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ApiError(400, 'the form has a field twice')
    return fields


async def limited(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """Yield the body's chunks while their sum is within `limit` bytes.

    Raises:
        ApiError: 413 at the first byte too many, 400 when the client disconnected.
    """
    declared = request.headers.get('content-length', '')
    too_large = declared.isascii() and declared.isdigit() and int(declared[:20]) > limit
    taken = 0
    try:
        async for chunk in request.stream():
            taken += len(chunk)
            if taken > limit:
                too_large = True
            if not too_large:
                yield chunk
            elif taken > limit + DRAIN:
                raise _too_large(limit, {'Connection': 'close'})
    except ClientDisconnect:
        raise ApiError(400, 'the body ended early') from None
    if too_large:
        raise _too_large(limit, {})


def _too_large(limit: int, headers: dict[str, str]) -> ApiError:
    return ApiError(413, f'the body is larger than the {limit} bytes accepted here', headers)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f'{name} is not a JSON number')
