# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How large our own images are as people see them: upright, in pixels."""

from __future__ import annotations

from sqlalchemy import Connection

from spark_ros.geometry import ImageSize
from spark_ros.service.context import Context
from spark_ros.service.media import images
from spark_ros.wire.heat import HeatRequest


async def attachment_sizes(
    service: Context, asked: HeatRequest, tenant: str
) -> list[ImageSize | None]:
    """Return the sizes of the images that a request wants annotated.

    Returns:
        A size for each attachment that is an image of this tenant here, None for what is
        elsewhere or no image; nothing at all where no images are to be annotated.
    """
    if not asked.annotates or asked.attachments_type != 'image':
        return []
    locations = asked.attachments

    def size(connection: Connection, location: str) -> ImageSize | None:
        path = images.own_path(location, tenant)
        row = None if path is None else images.find(connection, path)
        if row is None or row.width is None:
            return None
        return ImageSize(row.width, row.height)

    return await service.store.read(
        lambda connection: [size(connection, location) for location in locations]
    )
