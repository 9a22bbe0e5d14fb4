# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`GET /healthz`, for everybody; `GET /readyz` and `GET /metrics`, on a port of their own.

That port has no keys: who may reach it may read everything there. It names programs and tasks,
but no questions, no keys and no secrets.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.monitoring.readiness import Readiness
from spark_ros.service.monitoring.scrape import Scrape
from spark_ros.service.web.replies import ERROR_HANDLERS, error_reply, reply
from spark_ros.wire.values import format_time

TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'


async def healthz(request: Request) -> Response:
    """Answer 200: the process answers."""
    return reply({'status': 'ok'})


async def readyz(request: Request) -> Response:
    """Answer 200 while all is well, else 503 with what fails."""
    readiness: Readiness = request.app.state.readiness
    failing = await readiness.failing()
    if not failing:
        return reply({'status': 'ok'})
    names = ', '.join(f'{name} since {format_time(since)}' for name, since in failing.items())
    return error_reply(503, f'failing: {names}')


async def metrics(request: Request) -> Response:
    """Give the metrics in Prometheus' text format."""
    scrape: Scrape = request.app.state.scrape
    return Response(await scrape.text(), media_type=TEXT_FORMAT)


def create_monitoring_app(service: Starlette) -> Starlette:
    """Make the application of the monitoring port for a service that has started.

    Args:
        service: the service's application, within its lifespan.
    """
    app = Starlette(
        routes=[*routes, Route('/readyz', readyz), Route('/metrics', metrics)],
        exception_handlers=ERROR_HANDLERS,
    )
    context, background = service.state.context, service.state.background
    app.state.readiness = Readiness(context, background)
    app.state.scrape = Scrape(context, background)
    return app


routes = [Route('/healthz', healthz)]
