# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Files that come in: read within a limit, recognised by their bytes, and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from starlette.datastructures import UploadFile
from starlette.requests import Request

from spark_ros.service.context import Context
from spark_ros.service.errors import ApiError
from spark_ros.service.media.images import StoredImage
from spark_ros.service.media.sniff import Format, sniff_audio, sniff_video
from spark_ros.service.storage.outage import is_outage
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.body import read_form
from spark_ros.service.web.long_poll import while_connected
from spark_ros.wire.values import expect_text

T = TypeVar('T')


@dataclass(frozen=True)
class Expected:
    """What is to be uploaded: the part's name, its largest size in bytes, and what it may be."""

    part: str
    limit: int
    kind: Literal['image', 'video', 'audio']


async def receive(
    service: Context, request: Request, tenant: str, expected: Expected
) -> tuple[StoredImage, str | None]:
    """Read a multipart body and save its file; return that and the part `tag`.

    The file is stored, but not yet in the database.

    Args:
        tenant: whose file it is.
        expected: what the part must be.

    Raises:
        ApiError: 400, 413 or 415: the message says what is wrong with it; 429: too many images
            of this tenant wait; 500 or 503: it could not be stored.
    """
    part, limit = expected.part, expected.limit
    form = await read_form(request, limit)
    try:
        file, tag = form.get(part), form.get('tag')
        if not isinstance(file, UploadFile):
            raise ApiError(400, f'the part {part} is missing; send the file under that name')
        if (file.size or 0) > limit:
            raise ApiError(413, f'{part} is larger than the {limit} bytes accepted here')
        if not file.size:
            raise ApiError(400, f'{part} is empty')
        text = None if tag is None else expect_text(tag, 'tag', 500)
        found = await _recognise(service, request, tenant, expected, file)
        return await service.images.save(file.file, tenant, found), text
    finally:
        await form.close()


async def _recognise(
    service: Context, request: Request, tenant: str, expected: Expected, file: UploadFile
) -> Format:
    if expected.kind == 'image':
        decoding = service.decoder.inspect(tenant, file.file, expected.part)
        return await while_connected(request, decoding)
    sniff = sniff_video if expected.kind == 'video' else sniff_audio
    return sniff(file.file, expected.part)


async def commit_upload(
    service: Context,
    stored: StoredImage,
    work: Callable[[Transaction], T],
    kept: Callable[[T], bool] = lambda result: True,
) -> T:
    """Run the write that records a received file; remove the file if the write fails.

    Args:
        work: records the file, and may return the result of an earlier, identical upload.
        kept: whether the result is about this file; otherwise the file is removed, too.
    """
    try:
        result = await service.store.write(work)
    except Exception as error:
        # A commit that was cut off may have reached the database.
        if not is_outage(error):
            await service.images.discard(stored)
        raise
    if not kept(result):
        await service.images.discard(stored)
    return result
