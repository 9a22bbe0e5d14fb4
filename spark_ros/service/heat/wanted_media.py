# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which files of a request are fetched, so that operators can see them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from sqlalchemy import Connection

from spark_ros.service.context import Context
from spark_ros.service.web.shown_media import Asked, own_url
from spark_ros.wire.heat import MEDIA, YOUTUBE_HOSTS, HeatRequest


def wanted_media(
    service: Context, connection: Connection, request: HeatRequest, asked: Asked
) -> list[tuple[str, str]]:
    """Return the kinds and URLs of what is to be fetched: what is on other hosts."""
    return [
        (kind, url)
        for kind, url in attached_media(request)
        if is_copied(kind, url) and own_url(service, connection, url, asked) is None
    ]


def attached_media(request: HeatRequest) -> Iterator[tuple[str, str]]:
    """Yield the kind and URL of each image, video and recording that operators are to see."""
    given = [(request.attachments_type, request.attachments)]
    for prompt in (request.prompt, request.per_annotation):
        if prompt is not None and prompt.choices is not None:
            given.append((prompt.choices.type, prompt.choices.options))
    for kind, items in given:
        if kind in MEDIA:
            yield from ((kind, item) for item in items)


def is_copied(kind: str, url: str) -> bool:
    """Whether the service can have a copy; else operators get a link: to a website or a player."""
    if kind == 'video':
        host = (urlsplit(url).hostname or '').rstrip('.')
        return not any(host == name or host.endswith(f'.{name}') for name in YOUTUBE_HOSTS)
    return kind in MEDIA
