# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a file that was fetched is: by its bytes, whatever its server says."""

from __future__ import annotations

import asyncio
from typing import IO

from spark_ros.service.context import Context
from spark_ros.service.media.sniff import Format, sniff_audio, sniff_video

PART = 'what came'


async def recognise(context: Context, tenant: str, kind: str, file: IO[bytes]) -> Format:
    """Return the format of a tenant's `image`, `video` or `audio` file.

    Raises:
        ApiError: it is no such file, or does not decode.
    """
    if kind == 'image':
        return await context.decoder.look(tenant, file, PART)
    sniff = sniff_video if kind == 'video' else sniff_audio
    return await asyncio.to_thread(sniff, file, PART)
