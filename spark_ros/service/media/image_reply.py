# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An image or a video as an HTTP answer: whole, or a range of it (RFC 9110, 14)."""

from __future__ import annotations

import re
from email.utils import formatdate
from typing import Any

from sqlalchemy import Row
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from spark_ros.service.errors import ApiError
from spark_ros.service.media.image_store import ImageStore

RANGE = re.compile(r'bytes=(\d{1,18})?-(\d{1,18})?', re.ASCII | re.IGNORECASE)
# Of whatever came from outside.
FILE_HEADERS = {
    'Cache-Control': 'private, max-age=3600, immutable',
    # Were a browser ever made to treat an image as a page, the page could do nothing.
    'Content-Security-Policy': "default-src 'none'; sandbox",
}


async def image_reply(store: ImageStore, row: Row[Any], request: Request) -> Response:
    """Answer with a file, in parts as they are read.

    Args:
        row: of `schema.images`.

    Raises:
        ApiError: 416 for a range beyond its end, 404 when it is no longer there, 503 when it
            cannot be read now.
    """
    headers = {
        **FILE_HEADERS,
        'Accept-Ranges': 'bytes',
        'ETag': f'"{row.sha256}"',
        'Last-Modified': formatdate(row.created, usegmt=True),
    }
    start, stop = 0, row.size
    asked = _asked_range(request.headers, headers, row.size)
    if asked is not None:
        start, stop = asked
        headers['Content-Range'] = f'bytes {start}-{stop - 1}/{row.size}'
    headers['Content-Length'] = str(stop - start)
    status = 200 if asked is None else 206
    head_only = request.method == 'HEAD'
    try:
        content = await store.stream(row, start, start + 1 if head_only else stop)
    except FileNotFoundError:
        raise ApiError(404, 'this image is no longer here') from None
    if head_only:
        async for _ in content:
            pass
        return Response(None, status, headers, row.content_type)
    return StreamingResponse(content, status, headers, row.content_type)


def _asked_range(
    asked: Headers, ours: dict[str, str], size: int
) -> tuple[int, int] | None:
    """Return the first byte and the one after the last; None where all of it is to be sent.

    That is so, too, for what may be ignored: several ranges, other units, what is malformed.
    """
    found = RANGE.fullmatch(asked.get('range', '').replace(' ', ''))
    if found is None or not (found[1] or found[2]):
        return None
    if asked.get('if-range', ours['ETag']) not in (ours['ETag'], ours['Last-Modified']):
        return None
    if found[1] is None:
        start, stop = max(0, size - int(found[2])), size
    else:
        start, stop = int(found[1]), size
        if found[2] is not None:
            if int(found[2]) < start:
                return None
            stop = min(size, int(found[2]) + 1)
    if start >= size:
        raise ApiError(
            416, f'this file has {size} bytes', {'Content-Range': f'bytes */{size}'}
        )
    return start, stop
