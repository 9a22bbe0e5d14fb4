# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The files that a Heat request names: which are copied, and how large its images are."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from sqlalchemy import Connection

from spark_ros.geometry import ImageSize
from spark_ros.service.media import images
from spark_ros.wire.heat import MEDIA, YOUTUBE_HOSTS, HeatRequest


def copied_media(request: HeatRequest) -> Iterator[tuple[str, str]]:
    """Yield the kind and URL of each file that operators see and the service can copy."""
    given = [(request.attachments_type, request.attachments)]
    for prompt in (request.prompt, request.per_annotation):
        if prompt is not None and prompt.choices is not None:
            given.append((prompt.choices.type, prompt.choices.options))
    for kind, items in given:
        yield from ((kind, item) for item in items if is_copied(kind, item))


def is_copied(kind: str, url: str) -> bool:
    """Whether the service can have a copy; else operators get a link: to a website or a player."""
    if kind == 'video':
        host = (urlsplit(url).hostname or '').rstrip('.')
        return not any(host == name or host.endswith(f'.{name}') for name in YOUTUBE_HOSTS)
    return kind in MEDIA


def attachment_sizes(
    connection: Connection, request: HeatRequest, tenant: str
) -> list[ImageSize | None]:
    """Return the upright sizes, in pixels, of the images that a request wants annotated.

    Returns:
        A size for each attachment that is an image of this tenant here, None for another;
        an empty list where no images are to be annotated.
    """
    if not request.annotates or request.attachments_type != 'image':
        return []

    def size(location: str) -> ImageSize | None:
        path = images.own_path(location, tenant)
        row = None if path is None else images.find(connection, path)
        return None if row is None or row.width is None else ImageSize(row.width, row.height)

    return [size(location) for location in request.attachments]
