# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`GET /health`: whether the service works, without secrets, for monitoring."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.background import BackgroundTasks
from spark_ros.service.context import Context
from spark_ros.service.storage import schema
from spark_ros.service.web.replies import error_reply, reply
from spark_ros.wire.values import format_time

log = logging.getLogger('spark_ros.service')

DATABASE_S = 1.0


class Health:
    """Which parts of a service fail, and since when."""

    def __init__(self, context: Context, background: BackgroundTasks) -> None:
        self._context = context
        self._background = background
        self._probe: asyncio.Task[bool] | None = None
        self._database_since: float | None = None

    async def failing(self) -> dict[str, float]:
        """Return the names of the failing parts, and since when, in Unix seconds."""
        failing = self._background.failing
        if await self._database_answers():
            self._database_since = None
        else:
            self._database_since = self._database_since or self._context.clock()
            failing['database'] = self._database_since
        return failing

    async def _database_answers(self) -> bool:
        """Whether a read succeeds in time; however many ask, one read is under way."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._read())
        probe = self._probe
        await asyncio.wait([probe], timeout=DATABASE_S)
        return probe.done() and probe.result()

    async def _read(self) -> bool:
        def read(connection: Connection) -> None:
            connection.execute(select(schema.meta.c.name)).first()

        try:
            await self._context.store.read(read)
        except Exception as error:
            log.debug('the database does not answer: %s', error)
            return False
        return True


async def health(request: Request) -> Response:
    """Answer 200 while all is well, else 503 with what fails."""
    found: Health = request.app.state.health
    failing = await found.failing()
    if not failing:
        return reply({'status': 'ok'})
    names = ', '.join(f'{name} since {format_time(since)}' for name, since in failing.items())
    return error_reply(503, f'failing: {names}')


routes = [Route('/health', health)]
