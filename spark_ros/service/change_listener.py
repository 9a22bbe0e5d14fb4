# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Announces the changes that other processes make on the same PostgreSQL database.

A notification only says that there is something new. What it is, and in which order, says the log
of changes: nothing is announced twice, or missed while the connection was lost.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from spark_ros.service.context import Context
from spark_ros.service.storage import change_log
from spark_ros.service.storage.notify_sender import CHANNEL, CREDENTIALS

log = logging.getLogger('spark_ros.service')

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
# How soon to look again without a notification, and while changes cannot be read yet.
LOOK_EVERY_S = 5.0
FIRST_LOOK_S, LONGEST_LOOK_S = 0.01, 0.5


class ChangeListener:
    """Listens on a connection of its own, and connects again when that is lost.

    What is committed from its creation on is announced, so create it before subscribers come.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._parameters = context.store.driver_parameters
        _, self._position = context.store.read_now(change_log.bounds)
        self._pause_s = FIRST_PAUSE_S

    async def run(self) -> None:
        """Announce changes until cancelled."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, DBAPIError) as error:
                self._context.bus.recent.stop()
                log.warning(
                    'changes of other processes are not heard: %s; trying again in %g s',
                    str(error).partition('\n')[0], self._pause_s,
                )  # fmt: skip
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(autocommit=True, **self._parameters)
        async with connection:
            await connection.execute(f'LISTEN {CHANNEL}')
            # Keys and sessions may have been revoked before.
            self._credentials_changed()
            look_s = FIRST_LOOK_S
            while True:
                before = self._position
                held_back = await self._announce()
                self._pause_s = FIRST_PAUSE_S
                if not held_back or self._position != before:
                    look_s = FIRST_LOOK_S
                await self._wait(connection, look_s if held_back else LOOK_EVERY_S)
                look_s = min(2 * look_s, LONGEST_LOOK_S)

    async def _wait(self, connection: psycopg.AsyncConnection[Any], seconds: float) -> None:
        async for notice in connection.notifies(timeout=seconds, stop_after=1):
            if notice.payload == CREDENTIALS:
                self._credentials_changed()

    async def _announce(self) -> bool:
        """Announce what can be read, and return whether there is something that cannot."""
        store, bus = self._context.store, self._context.bus
        while True:
            news = await store.read(change_log.read_news, self._position)
            if news.missing:
                bus.recent.stop()
                bus.wake_all()
            for change in news.changes:
                if store.made(change):
                    bus.readable(change)
                else:
                    bus.relay(change)
            self._position = news.until
            store.forget_made_before(news.until)
            if not news.more:
                if bus.recent.newest is None:
                    bus.recent.begin(news.until)
                return news.held_back

    def _credentials_changed(self) -> None:
        self._context.store.credentials_version += 1
        self._context.bus.wake_all()
