# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whether a service can do its work: database, images and background tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, select

from spark_ros.service.background import BackgroundTasks
from spark_ros.service.context import Context
from spark_ros.service.storage import schema

log = logging.getLogger('spark_ros.service')

DATABASE_S = 1.0
# A bucket may be far away.
IMAGES_S = 5.0


class Readiness:
    """Which parts of a service fail, and since when."""

    def __init__(self, context: Context, background: BackgroundTasks) -> None:
        self._background = background

        def read(connection: Connection) -> None:
            connection.execute(select(schema.meta.c.name)).first()

        self._probes = (
            _Probe('database', lambda: context.store.read(read), DATABASE_S, context.clock),
            _Probe('images', context.images.check, IMAGES_S, context.clock),
        )

    async def failing(self) -> dict[str, float]:
        """Return the names of the failing parts, and since when, in Unix seconds."""
        failing = self._background.failing
        await asyncio.gather(*(probe.run() for probe in self._probes))
        for probe in self._probes:
            if probe.since is not None:
                failing[probe.name] = probe.since
        return failing


class _Probe:
    """Tries something; it fails if it raises, or takes longer than `seconds`.

    Attributes:
        since: when it began to fail; None while it succeeds.
    """

    def __init__(
        self,
        name: str,
        attempt: Callable[[], Awaitable[None]],
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.since: float | None = None
        self._attempt, self._seconds, self._clock = attempt, seconds, clock
        self._running: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        """Try it; however many ask, one attempt is under way."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._succeeds())
        running = self._running
        await asyncio.wait([running], timeout=self._seconds)
        if running.done() and running.result():
            self.since = None
        elif self.since is None:
            self.since = self._clock()

    async def _succeeds(self) -> bool:
        try:
            await self._attempt()
        except Exception as error:
            log.debug('%s: not ready: %s', self.name, error)
            return False
        return True
