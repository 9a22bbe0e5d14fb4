# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How large our own images are as people see them: upright, in pixels."""

from __future__ import annotations

import asyncio
import warnings
from typing import IO, Any

from PIL import Image
from sqlalchemy import Connection, Row

from spark_ros.geometry import ImageSize
from spark_ros.service.context import Context
from spark_ros.service.errors import ApiError
from spark_ros.service.media import images
from spark_ros.wire.heat import HeatRequest

EXIF_ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height


async def attachment_sizes(
    service: Context, asked: HeatRequest, tenant: str
) -> list[ImageSize | None]:
    """Return the sizes of the images that a request wants annotated.

    Returns:
        A size for each attachment that is an image of this tenant here, None for what is
        elsewhere or no image; nothing at all where no images are to be annotated.

    Raises:
        ApiError: 503 when the images cannot be read now.
    """
    if not asked.annotates or asked.attachments_type != 'image':
        return []
    locations = asked.attachments

    def read(connection: Connection) -> list[Row[Any] | None]:
        paths = [images.own_path(location, tenant) for location in locations]
        return [None if path is None else images.find(connection, path) for path in paths]

    rows = await service.store.read(read)
    return await asyncio.gather(*(_size(service, row) for row in rows))


def upright_size(file: IO[bytes]) -> ImageSize | None:
    """Return an image file's size after its EXIF orientation; None where there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with Image.open(file) as image:
                width, height = image.size
                turned = image.getexif().get(EXIF_ORIENTATION) in TURNED
    except ApiError:
        raise
    except Exception:
        # A video, or metadata that makes a decoder raise nearly anything.
        return None
    return ImageSize(height, width) if turned else ImageSize(width, height)


async def _size(service: Context, row: Row[Any] | None) -> ImageSize | None:
    if row is None:
        return None
    try:
        return await service.images.look(row, upright_size)
    except OSError:
        # It is gone, or the disk failed.
        return None
