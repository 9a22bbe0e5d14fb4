# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Fetches what questions name on other hosts, after they were accepted.

A host or a caller that stalls slows down only its own fetches.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections import Counter
from typing import IO, Any

from sqlalchemy import Connection, Row, select

from spark_ros.service.context import Context
from spark_ros.service.dispatcher import Dispatcher
from spark_ros.service.errors import ApiError
from spark_ros.service.events import Change
from spark_ros.service.fetching.download import Download, FetchFailed
from spark_ros.service.media import images
from spark_ros.service.media.images import StoredImage
from spark_ros.service.media.sniff import Format, sniff_audio, sniff_video
from spark_ros.service.pushes.outgoing import Guard, outgoing_client
from spark_ros.service.storage import fetches, outbox, schema
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.uploads import commit_upload

log = logging.getLogger('spark_ros.service')

PAUSE_S = 10.0
DAY_S = 86_400.0
MOST = 16
PER_TENANT = 4
PER_HOST = 2
PART = 'what came'
# What browsers play besides what may be uploaded (EBML, RFC 8794, 11.2.1).
WEBM = Format('video/webm', 'webm')
EBML, DOCTYPE = b'\x1a\x45\xdf\xa3', b'\x42\x82\x84webm'


class FetchLimiter:
    """Limits how many fetches run at once, in all, for each tenant and to each host."""

    def __init__(self) -> None:
        self._tenants: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()

    @property
    def free(self) -> int:
        """How many more may run, if their tenants and hosts have room."""
        return MOST - self._tenants.total()

    def begin(self, tenant: str, host: str) -> bool:
        """Count a fetch; False when there is no room for this tenant or host."""
        if self.free <= 0 or tenant in self.full_tenants() or host in self.full_hosts():
            return False
        self._tenants[tenant] += 1
        self._hosts[host] += 1
        return True

    def end(self, tenant: str, host: str) -> None:
        """Remove a fetch from the count."""
        self._tenants -= Counter([tenant])
        self._hosts -= Counter([host])

    def full_tenants(self) -> list[str]:
        """Return the tenants that have no room now."""
        return [tenant for tenant, count in self._tenants.items() if count >= PER_TENANT]

    def full_hosts(self) -> list[str]:
        """Return the hosts that have no room now."""
        return [host for host, count in self._hosts.items() if count >= PER_HOST]


class Fetcher(Dispatcher):
    """Fetches the files that are due.

    Raises:
        OSError: the certificate authorities that TLS is verified by cannot be read.
    """

    def __init__(self, context: Context, guard: Guard) -> None:
        timeout_s = context.settings.fetch_timeout_s
        super().__init__(context, schema.fetches, outgoing_client(guard, timeout_s), timeout_s)
        self._limiter = FetchLimiter()

    def _free(self) -> int:
        return self._limiter.free

    def _due(self, connection: Connection) -> list[Row[Any]]:
        table = schema.fetches
        return outbox.due(
            connection,
            select(table),
            table,
            self._context.clock(),
            self._limiter.free,
            (table.c.tenant, self._limiter.full_tenants()),
            (table.c.host, self._limiter.full_hosts()),
            (table.c.id, [*self._running]),
        )

    def _reserve(self, row: Row[Any]) -> bool:
        return self._limiter.begin(row.tenant, row.host)

    def _matters(self, change: Change) -> bool:
        return change.fetches

    async def _attempt(self, row: Row[Any]) -> None:
        try:
            taken = await self._take(row)
            if taken is not None:
                await self._fetch(taken)
                # Consoles that show the file as waiting read it again.
                self._context.bus.read_again()
        except Exception as failure:
            await self._pause_after(failure, 'a fetch', PAUSE_S)
        finally:
            self._limiter.end(row.tenant, row.host)

    async def _fetch(self, row: Row[Any]) -> None:
        context = self._context
        with tempfile.TemporaryFile() as file:
            left = await self._quota_left(row)
            download = Download(self._http, file, min(left, self._limit_of(row.kind)))
            try:
                if left <= 0:
                    raise FetchFailed('the key has used up what may be fetched for it in a day')
                await download.run(row.url, self._timeout_s)
                kind = await self._format_of(row, file)
                stored = await context.images.save(file, row.tenant, kind)
            except (FetchFailed, ApiError, OSError) as error:
                await self._failed(row, error, download.size)
                return
        await self._done(row, stored)

    async def _format_of(self, row: Row[Any], file: IO[bytes]) -> Format:
        """Return the format of a file by its bytes, whatever its server says.

        Raises:
            ApiError: it is no image, video or audio as its row says, or does not decode.
        """
        if row.kind == 'image':
            return await self._context.decoder.inspect(row.tenant, file, PART)
        sniff = _sniff_video if row.kind == 'video' else sniff_audio
        return await asyncio.to_thread(sniff, file, PART)

    async def _done(self, row: Row[Any], stored: StoredImage) -> None:
        now = self._context.clock()

        def write(transaction: Transaction) -> bool:
            wanted = fetches.done(transaction, row, stored.id, stored.path, stored.size)
            if wanted:
                images.record(transaction, stored, None, now)
            return wanted

        await commit_upload(self._context, stored, write, lambda wanted: wanted)

    async def _failed(self, row: Row[Any], error: Exception, size: int) -> None:
        settings = self._context.settings
        if isinstance(error, ApiError):
            # The file is not of its kind, or the store of images is full or cannot be reached.
            error = FetchFailed(error.message, error.status >= 500 or error.status == 429)
        elif not isinstance(error, FetchFailed):
            log.warning('cannot store a fetched picture: %s', error)
            error = FetchFailed('the service cannot store it', True)
        due = None
        if error.transient and row.attempts < len(settings.fetch_pauses_s):
            due = self._context.clock() + settings.fetch_pauses_s[row.attempts]
        await self._context.store.write(fetches.failed, row, error.reason, size, due)

    async def _quota_left(self, row: Row[Any]) -> int:
        since = self._context.clock() - DAY_S
        used = await self._context.store.read(fetches.bytes_since, row.tenant, since)
        return self._context.settings.fetch_quota - used

    def _limit_of(self, kind: str) -> int:
        settings = self._context.settings
        return settings.video_limit if kind == 'video' else settings.image_limit


def _sniff_video(file: IO[bytes], part: str) -> Format:
    file.seek(0)
    head = file.read(64)
    return WEBM if head.startswith(EBML) and DOCTYPE in head else sniff_video(file, part)
