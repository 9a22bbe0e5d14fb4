# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The service as an ASGI application, and how to run one inside a process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import delete, select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from spark_ros.service import feed_api
from spark_ros.service.context import Context, open_context
from spark_ros.service.file_limits import most_deliveries
from spark_ros.service.heat import api as heat_api
from spark_ros.service.media.image_store import image_files
from spark_ros.service.operators import api as console_api
from spark_ros.service.operators import pages
from spark_ros.service.pushes.outgoing import Guard
from spark_ros.service.pushes.webhooks import Sender
from spark_ros.service.scripted import operator
from spark_ros.service.settings import Settings
from spark_ros.service.spark import api as spark_api
from spark_ros.service.storage import change_log, leases, outbox, schema
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.middleware import Outermost
from spark_ros.service.web.replies import ERROR_HANDLERS

log = logging.getLogger('spark_ros.service')

EXPIRE_EVERY_S = 1.0
FORGET_EVERY_S = 3600.0


def create_app(settings: Settings, clock: Callable[[], float] = time.time) -> Starlette:
    """Make the application; its data is opened when its lifespan starts.

    Args:
        clock: Unix seconds.

    Raises:
        OSError, ValueError: the scripted operator's truth file cannot be used, or a network of
            the settings is none.
    """
    guard = Guard(settings.allow_nets, settings.refused_ports)
    scripted = operator.from_setting(settings.operator, settings.operator_delay_s)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        context = open_context(settings, clock)
        context.bus.open()
        app.state.context = context
        sender = Sender(context, guard, most_deliveries())
        tasks = [
            asyncio.create_task(_keep_house(context)),
            asyncio.create_task(sender.run()),
        ]
        if scripted is not None:
            tasks.append(asyncio.create_task(scripted.run(app, context)))
        try:
            yield
        finally:
            context.bus.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(context.close)

    # A development environment's files are links into the checkout.
    files = pages.ConsoleFiles(directory=pages.CONSOLE, check_dir=False, follow_symlink=True)
    app = Starlette(
        routes=[
            *spark_api.routes,
            *heat_api.routes,
            *feed_api.routes,
            *console_api.routes,
            *pages.routes,
            Mount('/console', files),
        ],
        middleware=[Middleware(Outermost, idempotency_s=settings.idempotency_s)],
        exception_handlers=ERROR_HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def running(
    settings: Settings, clock: Callable[[], float] = time.time
) -> AsyncIterator[Starlette]:
    """Run a service inside this process, for instance behind `httpx.ASGITransport`.

    Raises:
        ImagesUnusable, OSError, ValueError: as `create_app`, or images cannot be kept.
    """
    app = create_app(settings, clock)
    await asyncio.to_thread(image_files(settings).prepare)
    async with app.router.lifespan_context(app):
        yield app


async def _keep_house(context: Context) -> None:
    forgotten = float('-inf')
    while True:
        try:
            await _expire(context)
            if time.monotonic() - forgotten > FORGET_EVERY_S:
                forgotten = time.monotonic()
                await context.store.write(lambda tx: _forget(tx, context))
        except Exception:
            log.exception('housekeeping failed; it is tried again')
        await asyncio.sleep(EXPIRE_EVERY_S)


async def _expire(context: Context) -> None:
    now = context.clock()
    questions = schema.questions
    late = select(questions.c.id).where(
        questions.c.state == 'assigned', questions.c.lease_until <= now
    )
    if await context.store.read(lambda connection: connection.execute(late).first()):
        await context.store.write(lambda transaction: leases.expire(transaction, now))


def _forget(transaction: Transaction, context: Context) -> None:
    now = context.clock()
    kept = now - context.settings.idempotency_s
    change_log.forget(transaction, kept)
    outbox.forget(transaction, kept)
    for statement in (
        delete(schema.idempotency).where(schema.idempotency.c.created <= kept),
        delete(schema.sessions).where(schema.sessions.c.expires <= now),
        delete(schema.login_tokens).where(schema.login_tokens.c.expires <= now),
    ):
        transaction.connection.execute(statement)
