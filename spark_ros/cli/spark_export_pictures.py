# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The pictures of a dataset: each is fetched once, however often it is exported."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path

import httpx

from spark_ros.cli.spark_dataset import DatasetImage
from spark_ros.cli.spark_pictures import upright
from spark_ros.cli.spark_records import Record
from spark_ros.cli.spark_save import PictureError, fetch_picture
from spark_ros.cli.spark_services import Access
from spark_ros.clients.errors import ClientError
from spark_ros.geometry import ImageSize

IMAGES, INDEX = 'images', '.spark-export.jsonl'
ATTEMPTS, PAUSE_S = 4, 0.25


class ImageCache:
    """The pictures of the dataset: those that are there, and those that are fetched."""

    def __init__(self, folder: Path, access: Access) -> None:
        """Read which pictures an earlier run has fetched completely."""
        self._folder, self._access = folder, access
        self._index = folder / INDEX
        self.fetched = 0
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
        self._known = _read_index(self._index)

    async def get(self, web: httpx.AsyncClient, record: Record) -> DatasetImage:
        """Return an answer with its picture, which is fetched where it is not there.

        Raises:
            ClientError: it cannot be had.
        """
        url = record.images[0]
        # A question may have several pictures.
        mark = hashlib.sha256(url.encode('utf-8', 'replace')).hexdigest()[:8]
        stem = f'{re.sub(r"[^A-Za-z0-9-]", "_", record.token)[:100]}-{mark}'
        known = self._known.get(stem)
        if known is None or not (self._folder / IMAGES / known[0]).is_file():
            content = await self._fetch(web, url)
            known = await asyncio.to_thread(self._keep, stem, content)
        return DatasetImage(record, *known)

    async def _fetch(self, web: httpx.AsyncClient, url: str) -> bytes:
        for attempt in range(1, ATTEMPTS):
            try:
                return await fetch_picture(web, url, self._access)
            except ClientError as error:
                if not error.transient:
                    raise
                await asyncio.sleep(error.retry_after_s or PAUSE_S * 2**attempt)
        return await fetch_picture(web, url, self._access)

    def _keep(self, stem: str, content: bytes) -> tuple[str, ImageSize]:
        try:
            content, ending, size = upright(content, 'what is at the URL of the picture')
        except ValueError as error:
            raise PictureError(str(error)) from None
        file = stem + ending
        replace(self._folder / IMAGES / file, content)
        with self._index.open('a', encoding='utf-8') as index:
            index.write(json.dumps([stem, file, *size]) + '\n')
        self.fetched += 1
        self._known[stem] = file, size
        return file, size


def _read_index(index: Path) -> dict[str, tuple[str, ImageSize]]:
    known: dict[str, tuple[str, ImageSize]] = {}
    with suppress(FileNotFoundError):
        for line in index.read_text(encoding='utf-8').splitlines():
            # The last one may be half a line: what wrote it may have been killed.
            with suppress(ValueError, TypeError):
                stem, file, width, height = json.loads(line)
                known[stem] = Path(file).name, ImageSize(width, height)
    return known


def replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_name(f'.{path.name}.part')
    part.write_bytes(content)
    os.replace(part, path)
