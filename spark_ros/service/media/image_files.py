# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where the bytes of images and videos lie: what is asked of a disk or a bucket.

Each keeps a file as `<tenant>/<first two characters of its name>/<name>`, so that they can be
moved from one to the other as they are.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import IO, Protocol

from spark_ros.service.media.images import StoredImage
from spark_ros.service.media.sniff import Format

MEBIBYTE = 1024 * 1024


class ImagesUnusable(RuntimeError):
    """Images cannot be stored where the settings say; the message tells the user why."""


class ImageFiles(Protocol):
    """Keeps files. Every call may block, and may come from several threads at once.

    Raises:
        ApiError: 500 or 503 from any of them, when the place is full or cannot be reached.
        OSError: from any of them, when a disk failed.
    """

    chunk: int
    """How many bytes to read at a time when a whole file is wanted."""

    def prepare(self) -> None:
        """Check that it can be used, and clean up; only while no service runs.

        Raises:
            ImagesUnusable, OSError: it cannot be used.
        """

    def check(self) -> None:
        """Write something small, to find out whether files can be stored now."""

    def save(self, file: IO[bytes], tenant: str, kind: Format) -> StoredImage:
        """Store a file so that it survives a power cut; if that fails, nothing of it stays."""

    def discard(self, image: StoredImage) -> None:
        """Remove a file that the database does not know, if that can be done now."""

    def open(self, tenant: str, name: str, size: int) -> IO[bytes]:
        """Open a file of `size` bytes, without a buffer; one can seek in it.

        Raises:
            FileNotFoundError: from here or from the first read, when it is not there.
        """


def relative_path(tenant: str, name: str) -> PurePosixPath:
    """Return the path of a file, relative to its store."""
    return PurePosixPath(tenant, name[:2], name)
