# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The service as an ASGI application, and how to run one inside a process."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from spark_ros.service import feed_api
from spark_ros.service.background import BackgroundTasks
from spark_ros.service.context import Context, open_context
from spark_ros.service.fetching.fetcher import Fetcher
from spark_ros.service.file_limits import most_deliveries
from spark_ros.service.heat import api as heat_api
from spark_ros.service.housekeeping import clean_up, end_in_time
from spark_ros.service.media.image_store import image_files
from spark_ros.service.monitoring import api as monitoring_api
from spark_ros.service.notify.notifier import Notifier, channels
from spark_ros.service.operators import (
    answers_api,
    checks_api,
    images_api,
    pages,
    queue_api,
    sessions_api,
    statistics_api,
)
from spark_ros.service.operators import api as console_api
from spark_ros.service.operators.live_queue import LiveQueue
from spark_ros.service.pushes.outgoing import Guard, Resolve
from spark_ros.service.pushes.webhooks import Sender
from spark_ros.service.scripted import operator
from spark_ros.service.settings import Settings
from spark_ros.service.spark import api as spark_api
from spark_ros.service.storage import change_log
from spark_ros.service.web.middleware import SecurityHeadersMiddleware
from spark_ros.service.web.replies import ERROR_HANDLERS

if TYPE_CHECKING:
    from spark_ros.service.change_listener import ChangeListener


def create_app(
    settings: Settings,
    clock: Callable[[], float] = time.time,
    resolve: Resolve | None = None,
) -> Starlette:
    """Make the application; its data is opened when its lifespan starts.

    Args:
        clock: Unix seconds.
        resolve: resolves host names that callers give; by default as the system does.

    Raises:
        OSError, ValueError: the scripted operator's truth file cannot be used, or a network of
            the settings is none.
    """
    guard = Guard(settings.allow_nets, settings.refused_ports, resolve)
    fetch_guard = Guard(
        settings.fetch_nets, settings.refused_ports, resolve, option='--allow-fetch-net'
    )
    scripted = operator.from_setting(settings.operator, settings.operator_delay_s)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        context = open_context(settings, clock)
        context.bus.open()
        background = BackgroundTasks(clock, on_failure=context.metrics.failed)
        app.state.context, app.state.background = context, background
        app.state.live_queue = live_queue = LiveQueue()
        app.state.statistics = {}
        if context.store.shared:
            background.start('changes', _listener(context).run)
        else:
            _, newest = context.store.read_now(change_log.bounds)
            context.bus.recent.begin(newest)
        background.start('webhooks', lambda: Sender(context, guard, most_deliveries()).run())
        background.start('deadlines', lambda: end_in_time(context))
        background.start('console queue', lambda: live_queue.run(context))
        background.start('fetches', lambda: Fetcher(context, fetch_guard).run())
        # What follows runs in one process of those that share a database.
        locks = context.store.advisory_locks()
        background.start('clean-up', lambda: locks.run('clean-up', lambda: clean_up(context)))
        if scripted is not None:
            answer = functools.partial(scripted.run, app, context)
            background.start('scripted operator', lambda: locks.run('scripted operator', answer))
        if notified := channels(context, resolve):
            names = ['notifications', *(channel.name for channel in notified)]
            ways = [Notifier(context, notified).watch, *(channel.run for channel in notified)]
            for name, way in zip(names, ways, strict=True):
                background.start(name, functools.partial(locks.run, 'notifications', way))
        if context.store.shared:
            background.start('locks', locks.keep)
            background.start('presence', lambda: context.presence.share(context.store))
        try:
            yield
        finally:
            await background.stop()
            context.bus.close()
            await asyncio.to_thread(context.close)

    # A development environment's files are links into the checkout.
    files = pages.ConsoleFiles(directory=pages.CONSOLE, check_dir=False, follow_symlink=True)
    app = Starlette(
        routes=[
            *spark_api.routes,
            *heat_api.routes,
            *feed_api.routes,
            *monitoring_api.routes,
            # Before those whose paths have any id.
            *checks_api.routes,
            *console_api.routes,
            *queue_api.routes,
            *images_api.routes,
            *sessions_api.routes,
            *statistics_api.routes,
            *answers_api.routes,
            *pages.routes,
            Mount('/console', files),
        ],
        middleware=[Middleware(SecurityHeadersMiddleware, idempotency_s=settings.idempotency_s)],
        exception_handlers=ERROR_HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _listener(context: Context) -> ChangeListener:
    # Its driver is there only with PostgreSQL.
    from spark_ros.service.change_listener import ChangeListener

    return ChangeListener(context)


@asynccontextmanager
async def running(
    settings: Settings,
    clock: Callable[[], float] = time.time,
    resolve: Resolve | None = None,
) -> AsyncIterator[Starlette]:
    """Run a service inside this process, for instance behind `httpx.ASGITransport`.

    Args:
        settings, clock, resolve: as of `create_app`.

    Raises:
        ImagesUnusable, OSError, ValueError: as `create_app`, or images cannot be kept.
    """
    app = create_app(settings, clock, resolve)
    await asyncio.to_thread(image_files(settings).prepare)
    async with app.router.lifespan_context(app):
        yield app
