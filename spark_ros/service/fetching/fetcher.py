# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Fetches what questions name on other hosts, after they were accepted.

What is due stands in the database. A process that dies leaves it as it was, and it is fetched
at the next start.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from typing import Any

from sqlalchemy import Connection, Row

from spark_ros.service.context import Context
from spark_ros.service.errors import ApiError
from spark_ros.service.events import Subscription
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

# How soon the database is looked at again when nothing says so: a command may set a program.
LOOK_EVERY_S = 1.0
PAUSE_S = 10.0
DAY_S = 86_400.0


class Fetcher:
    """Fetches what is due, for as long as `run` runs; once.

    Raises:
        OSError: the certificate authorities that TLS is verified by cannot be read.
    """

    def __init__(self, context: Context, guard: Guard) -> None:
        self._context = context
        self._http = outgoing_client(guard, context.settings.fetch_timeout_s)
        self._places = Places()
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Fetch until cancelled."""
        with self._context.bus.subscribe() as changes:
            async with self._http:
                try:
                    while True:
                        await self._begin_due(changes)
                        await self._wait(changes)
                finally:
                    running = [*self._running.values()]
                    for task in running:
                        task.cancel()
                    await asyncio.gather(*running, return_exceptions=True)

    async def _begin_due(self, changes: Subscription) -> None:
        while self._places.free > 0:
            rows = await self._context.store.read(self._due)
            if not any([self._begin(changes, row) for row in rows]):
                return

    def _due(self, connection: Connection) -> list[Row[Any]]:
        return fetches.due(
            connection,
            self._context.clock(),
            self._places.free,
            tenants=self._places.full_tenants(),
            hosts=self._places.full_hosts(),
            running=[*self._running],
        )

    async def _wait(self, changes: Subscription) -> None:
        """Wait for a new question, for a fetch to end, or until it is time to look again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LOOK_EVERY_S
        while True:
            try:
                change = await asyncio.wait_for(changes.next(), until - loop.time())
            except asyncio.TimeoutError:
                return
            if change is None or change.state == 'open':
                changes.drain()
                return

    def _begin(self, changes: Subscription, row: Row[Any]) -> bool:
        if row.id in self._running or not self._places.take(row.tenant, row.host):
            return False

        def ended(task: asyncio.Task[None]) -> None:
            self._running.pop(row.id, None)
            self._places.give_back(row.tenant, row.host)
            changes.offer(None)

        task = asyncio.create_task(self._attempt(row))
        self._running[row.id] = task
        task.add_done_callback(ended)
        return True

    async def _attempt(self, row: Row[Any]) -> None:
        try:
            await self._fetch(row)
            # Consoles that wait for it look again.
            self._context.bus.look_again()
        except Exception:
            log.exception('a fetch could not be handled; it is tried again')
            # What became of it is not stored: at once it would be due again.
            await asyncio.sleep(PAUSE_S)

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
