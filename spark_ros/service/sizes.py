# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How large our own images are as people see them: upright, in pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from PIL import Image
from sqlalchemy import Connection

from spark_ros.geometry import ImageSize
from spark_ros.service import images
from spark_ros.service.images import ImageStore

EXIF_ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height


def upright_sizes(
    connection: Connection, store: ImageStore, locations: Iterable[str], tenant: str
) -> list[ImageSize | None]:
    """Return the size of each image of this tenant here, None for what is elsewhere or no image.

    Not for the event loop: files are opened.
    """
    return [_size_at(connection, store, location, tenant) for location in locations]


@lru_cache(maxsize=1024)
def upright_size(file: Path) -> ImageSize | None:
    """Return an image file's size after its EXIF orientation; None where there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with Image.open(file) as image:
                width, height = image.size
                turned = image.getexif().get(EXIF_ORIENTATION) in TURNED
    except Exception:
        # A video, a file that is gone, or metadata that makes a decoder raise nearly anything.
        return None
    return ImageSize(height, width) if turned else ImageSize(width, height)


def _size_at(
    connection: Connection, store: ImageStore, location: str, tenant: str
) -> ImageSize | None:
    path = images.own_path(location, tenant)
    row = None if path is None else images.find(connection, path)
    return None if row is None else upright_size(store.file(row.tenant, row.name))
