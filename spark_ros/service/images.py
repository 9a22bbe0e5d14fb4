# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Uploaded images and videos on disk, and the signed URLs they are reached by."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, insert, select

from spark_ros.service import schema
from spark_ros.service.errors import DISK_FULL, ApiError
from spark_ros.service.sniff import Format
from spark_ros.service.store import Transaction, private_directory
from spark_ros.wire.signing import url_signature, url_signature_valid

# The tenant of what programs show; no key's tenant looks like it.
PROGRAMS = 'programs'
PATH = re.compile(r'/v1/image/([0-9a-z]{1,64})/([0-9a-f]{32})\.([a-z0-9]{3,4})')
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class StoredImage:
    """A file that is on disk, durably, but not yet in the database."""

    id: str
    tenant: str
    name: str
    content_type: str
    size: int
    sha256: str

    @property
    def path(self) -> str:
        """The path of its URL."""
        return image_path(self.tenant, self.name)


def image_path(tenant: str, name: str) -> str:
    """Return the path of an image's URL."""
    return f'/v1/image/{tenant}/{name}'


class ImageStore:
    """Files under `root`, one directory per tenant.

    Args:
        root: made with mode 0700.
        secret: signs URLs.
        min_free: bytes of disk that saving leaves free.
    """

    def __init__(self, root: Path, secret: bytes, min_free: int = 0) -> None:
        self._root = private_directory(root)
        self._incoming = private_directory(root / 'incoming')
        self._secret = secret
        self._min_free = min_free

    def clear_incoming(self) -> None:
        """Remove what a killed service left half written; only while none runs."""
        for left_over in self._incoming.iterdir():
            left_over.unlink(missing_ok=True)

    def save(self, file: IO[bytes], tenant: str, kind: Format) -> StoredImage:
        """Write a file so that it survives a power cut.

        Raises:
            ApiError: 500 when the disk is nearly full.
            OSError: the disk failed; nothing half written stays.
        """
        if shutil.disk_usage(self._root).free < self._min_free:
            raise ApiError(500, DISK_FULL)
        identity = secrets.token_hex(16)
        name = f'{identity}.{kind.extension}'
        part = self._incoming / identity
        try:
            size, sha256 = _write(file, part)
            target = self._file(tenant, name)
            made = not target.parent.is_dir()
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_directory(target.parent)
        if made:
            _sync_directory(target.parent.parent)
            _sync_directory(self._root)
        return StoredImage(identity, tenant, name, kind.content_type, size, sha256)

    def discard(self, image: StoredImage) -> None:
        """Remove a file that the database does not know."""
        self._file(image.tenant, image.name).unlink(missing_ok=True)

    def file(self, tenant: str, name: str) -> Path:
        """Return where an image that the database knows lies."""
        return self._file(tenant, name)

    def sign(self, path: str, expires: float) -> str:
        """Add to a path what makes it valid until a Unix time in seconds."""
        until = int(expires)
        return f'{path}?expires={until}&signature={url_signature(self._secret, path, until)}'

    def signature_valid(self, path: str, expires: int, signature: str, now: float) -> bool:
        """Whether a signed path is unaltered and has not expired."""
        return url_signature_valid(self._secret, path, expires, signature, now)

    def _file(self, tenant: str, name: str) -> Path:
        return self._root / tenant / name[:2] / name


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
            created=now,
        )
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


def own_path(location: str, tenant: str) -> str | None:
    """Return the path of a URL that names an image of this tenant here, else None.

    The host is not compared: a service is reached by several names, and the path holds 128
    random bits.
    """
    path = urlsplit(location).path
    parts = PATH.fullmatch(path)
    return path if parts is not None and parts[1] in (tenant, PROGRAMS) else None


def _write(file: IO[bytes], part: Path) -> tuple[int, str]:
    size, sha256 = 0, hashlib.sha256()
    file.seek(0)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as out:
        while chunk := file.read(CHUNK):
            out.write(chunk)
            sha256.update(chunk)
            size += len(chunk)
        out.flush()
        os.fsync(out.fileno())
    return size, sha256.hexdigest()


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
