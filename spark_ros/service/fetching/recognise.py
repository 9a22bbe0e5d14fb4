# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a file that was fetched is: by its bytes, whatever its server says."""

from __future__ import annotations

import asyncio
from typing import IO

from spark_ros.service.context import Context
from spark_ros.service.media.sniff import Format, sniff_audio, sniff_video

PART = 'what came'
# What browsers play beside what may be uploaded (EBML, RFC 8794, 11.2.1).
WEBM = Format('video/webm', 'webm')
EBML, DOCTYPE = b'\x1a\x45\xdf\xa3', b'\x42\x82\x84webm'


async def recognise(context: Context, tenant: str, kind: str, file: IO[bytes]) -> Format:
    """Return the format of a tenant's `image`, `video` or `audio` file.

    Raises:
        ApiError: it is no such file, or does not decode.
    """
    if kind == 'image':
        return await context.decoder.look(tenant, file, PART)
    return await asyncio.to_thread(_sniff_video if kind == 'video' else sniff_audio, file, PART)


def _sniff_video(file: IO[bytes], part: str) -> Format:
    file.seek(0)
    head = file.read(64)
    return WEBM if head.startswith(EBML) and DOCTYPE in head else sniff_video(file, part)
