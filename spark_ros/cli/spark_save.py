# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Fetch the pictures of a question, draw what was answered, and save them."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from spark_ros.cli.spark_pictures import decode, drawn, free_path, size_of
from spark_ros.cli.spark_records import Record, Shape
from spark_ros.cli.spark_services import Access
from spark_ros.clients.errors import ClientError, ConnectionFailed, clean, error_for_status
from spark_ros.drawing.marks import STYLES, Mark, outline
from spark_ros.geometry import ImageSize
from spark_ros.model import CorrectionKind
from spark_ros.wire.values import WireError, expect_url

MAX_BYTES = 100 * 1024 * 1024
TIMEOUT_S = 30.0


class PictureError(ClientError):
    """A picture cannot be fetched, or the file is not a picture."""


async def save_pictures(records: Sequence[Record], folder: Path, access: Access) -> list[Path]:
    """Save each picture as JPEG with the answer's shapes drawn on it; no file is written over.

    The key goes along to the service itself alone, which opens its owner's images with it even
    after their signed URLs have expired. Redirects are not followed.

    Raises:
        ClientError: one cannot be fetched, or is no image.
        OSError: one cannot be saved.
        ValueError: there is none to save.
    """
    if not any(record.images for record in records):
        raise ValueError('this question has no pictures to save')
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    saved = []
    async with picture_client(access) as web:
        for record in records:
            for index, url in enumerate(record.images):
                content = _with_answer(await fetch_picture(web, url, access), record, index)
                path = free_path(folder, _file_name(record.token))
                await asyncio.to_thread(path.write_bytes, content)
                saved.append(path)
    return saved


def _with_answer(content: bytes, record: Record, index: int) -> bytes:
    try:
        pixels = decode(content, 'what is at the URL of the picture')
    except ValueError as error:
        raise PictureError(str(error)) from None
    # SparkAI's records have one picture each, whichever of the question's it was.
    return drawn(
        pixels,
        (
            _mark(shape, size_of(pixels) if record.api == 'heat' else ImageSize(1, 1))
            for shape in record.shapes
            if record.api == 'spark' or (shape.image_index or 0) == index
        ),
    )


def _mark(shape: Shape, given_in: ImageSize) -> Mark:
    marked = shape.change == 'marked'
    kind = CorrectionKind.ADDED if marked else CorrectionKind(shape.change)
    where = outline((x / given_in.width, y / given_in.height) for x, y in shape.points)
    now, was = ((), where) if kind is CorrectionKind.REMOVED else (where, ())
    return Mark(STYLES[kind], shape.label, now, was)


def picture_client(access: Access) -> httpx.AsyncClient:
    """Return what `fetch_picture` fetches with."""
    verify = ssl.create_default_context(cafile=access.ca_file) if access.ca_file else True
    return httpx.AsyncClient(verify=verify, timeout=TIMEOUT_S)


async def fetch_picture(web: httpx.AsyncClient, url: str, access: Access) -> bytes:
    """Return the file at the URL of a picture; the key is sent only to the service itself.

    Raises:
        ClientError: it cannot be had.
    """
    shown = clean(url.partition('?')[0], access.token)
    try:
        expect_url(url, 'the URL of the picture')
        headers = {}
        if at_service(url, access):
            headers['Authorization'] = f'Bearer {access.token}'
        async with web.stream('GET', url, headers=headers) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise PictureError(f'{shown}: the picture is larger than {MAX_BYTES} bytes')
    except WireError as error:
        raise PictureError(str(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        reason = clean(str(error), access.token) or type(error).__name__
        timed_out = isinstance(error, httpx.TimeoutException)
        raise ConnectionFailed(f'{shown}: {reason}', timed_out=timed_out) from None
    if response.status_code != 200:
        raise error_for_status(response.status_code, response.reason_phrase, None, shown)
    return bytes(content)


def at_service(url: str, access: Access) -> bool:
    """Whether a URL is one of the service's own host and port."""
    return _origin(url) == _origin(access.url)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == 'https' else 80
    return parts.scheme, parts.hostname or '', parts.port or default


def _file_name(token: str) -> str:
    """Make a file's name of a token, which may hold anything."""
    return re.sub(r'[^A-Za-z0-9_-]', '_', token)[:100] or 'picture'
