# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Images and videos in a directory of this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import IO

from spark_ros.service.errors import DISK_FULL, ApiError
from spark_ros.service.media.image_files import relative_path
from spark_ros.service.media.images import StoredImage, new_name
from spark_ros.service.media.sniff import Format
from spark_ros.service.storage.database import private_directory

CHUNK = 1024 * 1024


class DiskImages:
    """Files under `root`, one directory per tenant.

    Args:
        root: made with mode 0700.
        min_free: bytes of disk that saving leaves free.
    """

    chunk = 256 * 1024

    def __init__(self, root: Path, min_free: int = 0) -> None:
        self._root = private_directory(root)
        self._incoming = private_directory(root / 'incoming')
        self._min_free = min_free

    def prepare(self) -> None:
        """Remove the unfinished files of a service that was killed."""
        for left_over in self._incoming.iterdir():
            left_over.unlink(missing_ok=True)

    def check(self) -> None:
        """Write a small file and remove it.

        Raises:
            ApiError: 500 when the disk is nearly full.
            OSError: the disk failed.
        """
        self._expect_room()
        part = self._incoming / 'check'
        part.write_bytes(b'written to find out whether it can be\n')
        part.unlink()

    def save(self, file: IO[bytes], tenant: str, kind: Format) -> StoredImage:
        """Write a file so that it survives a power cut.

        Raises:
            ApiError: 500 when the disk is nearly full.
            OSError: the disk failed; nothing half written stays.
        """
        self._expect_room()
        identity, name = new_name(kind)
        part = self._incoming / identity
        try:
            file.seek(0)
            size, sha256 = write_durably(file, part)
            target = self._root / relative_path(tenant, name)
            made = not target.parent.is_dir()
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_directory(target.parent)
        if made:
            sync_directory(target.parent.parent)
            sync_directory(self._root)
        return StoredImage(
            identity, tenant, name, kind.content_type, size, sha256, kind.width, kind.height,
            kind.thumbnail,
        )  # fmt: skip

    def _expect_room(self) -> None:
        if shutil.disk_usage(self._root).free < self._min_free:
            raise ApiError(500, DISK_FULL)

    def discard(self, image: StoredImage) -> None:
        """Remove a file."""
        (self._root / relative_path(image.tenant, image.name)).unlink(missing_ok=True)

    def open(self, tenant: str, name: str, size: int) -> IO[bytes]:
        """Open a file.

        Raises:
            OSError: it is not there, or the disk failed.
        """
        return open(self._root / relative_path(tenant, name), 'rb', buffering=0)


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(file: IO[bytes], part: Path) -> tuple[int, str]:
    """Copy the rest of a file to a new one of mode 0600, so that it survives a power cut.

    Returns:
        Its size in bytes, and its SHA-256 in hexadecimal.
    """
    size, sha256 = 0, hashlib.sha256()
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as out:
        while chunk := file.read(CHUNK):
            out.write(chunk)
            sha256.update(chunk)
            size += len(chunk)
        out.flush()
        os.fsync(out.fileno())
    return size, sha256.hexdigest()
