# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Fetches what questions name on other hosts, after they were accepted."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from typing import Any

from sqlalchemy import Connection, Row

from spark_ros.service.context import Context
from spark_ros.service.dispatcher import Dispatcher
from spark_ros.service.errors import ApiError
from spark_ros.service.events import Change
from spark_ros.service.fetching.download import Download, FetchFailed
from spark_ros.service.fetching.places import Places
from spark_ros.service.fetching.recognise import recognise
from spark_ros.service.media import images
from spark_ros.service.media.images import StoredImage
from spark_ros.service.pushes.outgoing import Guard, outgoing_client
from spark_ros.service.storage import fetches
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.uploads import keep

log = logging.getLogger('spark_ros.service')

PAUSE_S = 10.0
DAY_S = 86_400.0


class Fetcher(Dispatcher):
    """Fetches what is due, for as long as `run` runs; once.

    Raises:
        OSError: the certificate authorities that TLS is verified by cannot be read.
    """

    def __init__(self, context: Context, guard: Guard) -> None:
        super().__init__(context)
        self._http = outgoing_client(guard, context.settings.fetch_timeout_s)
        self._places = Places()

    async def run(self) -> None:
        """Fetch until cancelled."""
        async with self._http:
            await super().run()

    def _free(self) -> int:
        return self._places.free

    def _due(self, connection: Connection) -> list[Row[Any]]:
        return fetches.due(
            connection,
            self._context.clock(),
            self._places.free,
            tenants=self._places.full_tenants(),
            hosts=self._places.full_hosts(),
            running=[*self._running],
        )

    def _take(self, row: Row[Any]) -> bool:
        return self._places.take(row.tenant, row.host)

    def _matters(self, change: Change) -> bool:
        return change.state == 'open'

    async def _attempt(self, row: Row[Any]) -> None:
        try:
            await self._fetch(row)
            # Consoles that wait for it look again.
            self._context.bus.read_again()
        except Exception:
            log.exception('a fetch could not be handled; it is tried again')
            # What became of it is not stored: at once it would be due again.
            await asyncio.sleep(PAUSE_S)
        finally:
            self._places.give_back(row.tenant, row.host)

    async def _fetch(self, row: Row[Any]) -> None:
        context = self._context
        with tempfile.TemporaryFile() as file:
            left = await self._quota_left(row)
            download = Download(self._http, file, min(left, self._limit_of(row.kind)))
            try:
                if left <= 0:
                    raise FetchFailed('the key has used up what may be fetched for it in a day')
                await download.run(row.url, context.settings.fetch_timeout_s)
                kind = await recognise(context, row.tenant, row.kind, file)
                stored = await context.images.save(file, row.tenant, kind)
            except FetchFailed as error:
                await self._failed(row, error, download.size)
                return
            except ApiError as error:
                # Of recognising it, or because the place for images is full or away.
                problem = FetchFailed(error.message, error.status >= 500)
                await self._failed(row, problem, download.size)
                return
            except OSError as error:
                log.warning('a picture that was fetched cannot be stored: %s', error)
                problem = FetchFailed('the service cannot store it', True)
                await self._failed(row, problem, download.size)
                return
        await self._done(row, stored)

    async def _done(self, row: Row[Any], stored: StoredImage) -> None:
        now = self._context.clock()

        def write(transaction: Transaction) -> None:
            images.record(transaction, stored, None, now)
            fetches.done(transaction, row, stored.path, stored.size)

        await keep(self._context, stored, write)

    async def _failed(self, row: Row[Any], error: FetchFailed, size: int) -> None:
        settings = self._context.settings
        due = None
        if error.passing and row.attempts < len(settings.fetch_pauses_s):
            due = self._context.clock() + settings.fetch_pauses_s[row.attempts]
        await self._context.store.write(
            lambda transaction: fetches.failed(transaction, row, error.reason, size, due)
        )

    async def _quota_left(self, row: Row[Any]) -> int:
        since = self._context.clock() - DAY_S
        used = await self._context.store.read(
            lambda connection: fetches.bytes_since(connection, row.tenant, since)
        )
        return self._context.settings.fetch_quota - used

    def _limit_of(self, kind: str) -> int:
        settings = self._context.settings
        return settings.video_limit if kind == 'video' else settings.image_limit
