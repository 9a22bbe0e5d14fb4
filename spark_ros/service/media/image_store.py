# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The files of images beside the event loop, wherever they lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar

from sqlalchemy import Row

from spark_ros.service.errors import ApiError, StreamAborted
from spark_ros.service.media.bucket_images import BucketImages, parse_bucket
from spark_ros.service.media.disk_images import DiskImages
from spark_ros.service.media.image_files import ImageFiles
from spark_ros.service.media.images import StoredImage
from spark_ros.service.media.sniff import Format
from spark_ros.service.settings import Settings
from spark_ros.service.storage.database import private_directory

T = TypeVar('T')

# Threads of their own: a bucket that does not answer must not keep the database waiting.
THREADS = 8


class ImageStore:
    """Runs the calls of `files` in threads.

    A row is one of `schema.images`. Each method raises what `ImageFiles` raises.
    """

    def __init__(self, files: ImageFiles) -> None:
        self.files = files
        self._threads = ThreadPoolExecutor(THREADS, 'images')

    async def check(self) -> None:
        """Find out whether files can be stored now; raise if they cannot."""
        await self._beside(self.files.check)

    async def save(self, file: IO[bytes], tenant: str, kind: Format) -> StoredImage:
        """Store a file durably."""
        return await self._beside(self.files.save, file, tenant, kind)

    async def discard(self, image: StoredImage) -> None:
        """Remove a file that the database does not know."""
        await self._beside(self.files.discard, image)

    async def stream(
        self, row: Row[Any], start: int, stop: int
    ) -> AsyncGenerator[bytes, None]:
        """Return the bytes from `start` up to before `stop`; the first are already there.

        What fails after them raises StreamAborted.
        """
        file = await self._beside(self.files.open, row.tenant, row.name, row.size)
        try:
            await self._beside(file.seek, start)
            first = await self._part(file, stop - start)
        except BaseException:
            file.close()
            raise
        return self._rest(file, first, stop - start)

    def close(self) -> None:
        """Wait for the running calls; if the store hangs, this can take seconds."""
        self._threads.shutdown(cancel_futures=True)

    async def _rest(
        self, file: IO[bytes], part: bytes, left: int
    ) -> AsyncGenerator[bytes, None]:
        try:
            yield part
            while left := left - len(part):
                try:
                    part = await self._part(file, left)
                except (ApiError, OSError) as error:
                    raise StreamAborted(str(error)) from None
                yield part
        finally:
            file.close()

    async def _part(self, file: IO[bytes], left: int) -> bytes:
        part = await self._beside(file.read, min(left, self.files.chunk))
        if not part:
            raise OSError('a stored file is shorter than when it was stored')
        return part

    async def _beside(self, work: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)


def image_files(settings: Settings) -> ImageFiles:
    """Return the store of a service's files; a bucket is not contacted yet.

    Raises:
        ValueError: the setting names no bucket.
        OSError: the directory cannot be made.
    """
    if settings.images:
        return BucketImages(parse_bucket(settings.images))
    return DiskImages(private_directory(settings.data) / 'images', settings.min_free)
