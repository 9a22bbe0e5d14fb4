# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Uploaded images and videos as the database and their URLs know them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, bindparam, insert, select

from spark_ros.service.media.sniff import Format
from spark_ros.service.storage import schema
from spark_ros.service.storage.store import Transaction

PROGRAMS = schema.PROGRAMS
ID = re.compile('[0-9a-f]{32}')
THUMBNAILS = '/console/api/thumbnails'
PATH = re.compile(r'/v1/image/([0-9a-z]{1,64})/([0-9a-f]{32})\.([a-z0-9]{3,4})')

# Built once: building a statement takes longer than executing it.
HAVE_THUMBNAIL = select(schema.thumbnails.c.image_id).where(
    schema.thumbnails.c.image_id.in_(bindparam('ids', expanding=True))
)


@dataclass(frozen=True)
class StoredImage:
    """A file that is stored, durably, but not yet in the database."""

    id: str
    tenant: str
    name: str
    content_type: str
    size: int
    sha256: str
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None

    @property
    def path(self) -> str:
        """The path of its URL."""
        return image_path(self.tenant, self.name)


def image_path(tenant: str, name: str) -> str:
    """Return the path of an image's URL."""
    return f'/v1/image/{tenant}/{name}'


def new_name(kind: Format) -> tuple[str, str]:
    """Return a new image's id, which nobody can guess, and the name of its file."""
    identity = secrets.token_hex(16)
    return identity, f'{identity}.{kind.extension}'


def record(transaction: Transaction, image: StoredImage, tag: str | None, now: float) -> None:
    """Enter a saved file in the database."""
    transaction.connection.execute(
        insert(schema.images).values(
            id=image.id,
            tenant=image.tenant,
            name=image.name,
            content_type=image.content_type,
            size=image.size,
            tag=tag,
            sha256=image.sha256,
            width=image.width,
            height=image.height,
            created=now,
        )
    )
    if image.thumbnail is not None:
        transaction.connection.execute(
            insert(schema.thumbnails).values(image_id=image.id, content=image.thumbnail)
        )


def find(connection: Connection, path: str) -> Row[Any] | None:
    """Return the row of an image by the path of its URL, or None."""
    if (parts := PATH.fullmatch(path)) is None:
        return None
    images = schema.images
    return connection.execute(
        select(images).where(
            images.c.id == parts[2],
            images.c.tenant == parts[1],
            images.c.name == f'{parts[2]}.{parts[3]}',
        )
    ).first()


def thumbnail(connection: Connection, identity: str) -> bytes | None:
    """Return the thumbnail of an image by its id, a JPEG, or None."""
    if not ID.fullmatch(identity):
        return None
    thumbnails = schema.thumbnails
    query = select(thumbnails.c.content).where(thumbnails.c.image_id == identity)
    return connection.execute(query).scalar()


def thumbnail_paths(connection: Connection, paths: Iterable[str]) -> dict[str, str]:
    """Return where operators find the thumbnails of images, by their paths; not all have one."""
    known = {path: found[2] for path in paths if (found := PATH.fullmatch(path)) is not None}
    if not known:
        return {}
    present = {*connection.execute(HAVE_THUMBNAIL, {'ids': [*known.values()]}).scalars()}
    return {
        path: f'{THUMBNAILS}/{identity}' for path, identity in known.items() if identity in present
    }


def named_id(location: str) -> str | None:
    """Return the id of the image here that a URL names, whoever's it is, or None."""
    parts = PATH.fullmatch(urlsplit(location).path)
    return None if parts is None else parts[2]


def own_path(location: str, tenant: str) -> str | None:
    """Return the path of a URL that names an image of this tenant here, else None.

    The host is not compared: a service is reached by several names, and the path holds 128
    random bits.
    """
    path = urlsplit(location).path
    parts = PATH.fullmatch(path)
    return path if parts is not None and parts[1] in (tenant, PROGRAMS) else None
