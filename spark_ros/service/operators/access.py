# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who calls the console's API.

Operators come with a session cookie. Whatever changes something must also carry
`X-Requested-With: console` and, where the browser names an Origin, this service's own, so that
no other site can act in an operator's name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from spark_ros.service.context import base_url, context_of, port_of
from spark_ros.service.errors import ApiError
from spark_ros.service.storage import sessions
from spark_ros.service.storage.sessions import Session
from spark_ros.service.web.connections import mark_authenticated


def cookie_name(request: Request) -> str:
    """Return the session cookie's name: browsers share cookies among the ports of a host."""
    port = port_of(request)
    return f'spark_session_{port}' if port else 'spark_session'


async def session_or_none(request: Request) -> Session | None:
    """Return the caller's session, or None."""
    service = context_of(request)
    secret = request.cookies.get(cookie_name(request))
    found = (
        await sessions.find(service.store, service.sessions, secret, service.clock())
        if secret
        else None
    )
    if found is not None:
        mark_authenticated(request, found.operator)
    return found


async def known_session(request: Request) -> Session:
    """Return the caller's session, or answer 401."""
    session = await session_or_none(request)
    if session is None:
        raise ApiError(401, 'log in with the link that the service prints at its start')
    return session


async def acting_session(request: Request) -> Session:
    """As `known_session`, for a call that changes something: answer 403 to other sites."""
    if request.headers.get('x-requested-with') != 'console':
        raise ApiError(403, 'send the header X-Requested-With: console')
    origin = request.headers.get('origin')
    if origin is not None and not _is_ours(request, origin):
        raise ApiError(403, 'this call comes from another site')
    return await known_session(request)


async def known_operator(request: Request) -> str:
    """Return the operator of the caller's session, or answer 401."""
    return (await known_session(request)).operator


async def acting_operator(request: Request) -> str:
    """Return the operator of a call that changes something, or answer 401 or 403."""
    return (await acting_session(request)).operator


def _is_ours(request: Request, origin: str) -> bool:
    try:
        asked, public = urlsplit(origin).netloc, urlsplit(base_url(request)).netloc
    except ValueError:
        return False
    return asked in (request.headers.get('host'), public)
