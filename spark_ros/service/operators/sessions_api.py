# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Sessions on the console: which there are, ending one, and logging out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.context import Context, context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.operators.access import acting_session, cookie_name, known_session
from spark_ros.service.storage import sessions
from spark_ros.service.web.replies import reply
from spark_ros.wire.values import format_time


async def every_session(request: Request) -> Response:
    """List the browsers that are logged in; `this` is the one that asks."""
    session, service = await known_session(request), context_of(request)
    found = await service.store.read(sessions.list_all, service.clock())
    return reply({
        'sessions': [
            {
                'id': each.id,
                'created': format_time(each.created),
                'seen': format_time(each.seen),
                'expires': format_time(each.expires),
                'this': each.id == session.id,
            }
            for each in found
        ]
    })


async def revoke(request: Request) -> Response:
    """End any session."""
    await acting_session(request)
    if not await _end(context_of(request), request.path_params['session_id']):
        raise ApiError(404, 'there is no such session')
    return reply({})


async def log_out(request: Request) -> Response:
    """End the caller's session, and have the browser forget its cookie."""
    session = await acting_session(request)
    await _end(context_of(request), session.id)
    answer = reply({})
    answer.delete_cookie(cookie_name(request), path='/', httponly=True, samesite='lax')
    return answer


async def _end(service: Context, id: str) -> bool:
    ended = await service.store.write(sessions.end, id)
    # Its event stream ends now.
    service.bus.read_again()
    return ended > 0


routes = [
    Route('/console/api/sessions', every_session),
    Route('/console/api/sessions/{session_id}/revoke', revoke, methods=['POST']),
    Route('/logout', log_out, methods=['POST']),
]
