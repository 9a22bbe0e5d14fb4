# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a browser loads: the console and its login, the API's description, and images."""

from __future__ import annotations

import asyncio
import functools
from html import escape
from pathlib import Path
from string import Template

import yaml
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from spark_ros.service.context import base_url, context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.media import images
from spark_ros.service.media.image_reply import image_reply
from spark_ros.service.operators.access import cookie_name, session_or_none
from spark_ros.service.storage import keys, sessions
from spark_ros.service.web.body import read_urlencoded
from spark_ros.service.web.credentials import shown_key, shows_key
from spark_ros.service.web.replies import to_json

HERE = Path(__file__).parents[1]
CONSOLE = HERE / 'console'
DOCS = HERE / 'docs_page'
OPENAPI = HERE / 'openapi.yaml'
LOGIN_BUTTON = DOCS / 'login_button.html'
LOGIN_HELP = DOCS / 'login.html'
LOGIN_LIMIT = 4096
NO_STORE = {'Cache-Control': 'no-store'}


class ConsoleFiles(StaticFiles):
    """The console's scripts and styles; browsers ask each time whether they are still current."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers['Cache-Control'] = 'no-cache'
        return response


async def login_page(request: Request) -> Response:
    """Show the button of a login link.

    Looking does not use the link up: a chat that is sent one loads it for a preview.
    """
    service = context_of(request)
    token, now = request.query_params.get('token', ''), service.clock()
    if await service.store.read(lambda connection: sessions.is_link(connection, token, now)):
        return _login_button(token)
    if await session_or_none(request) is None:
        return please_log_in()
    return RedirectResponse('/', 303, NO_STORE)


async def login(request: Request) -> Response:
    """Turn a login link into a session; a link works once."""
    token = (await read_urlencoded(request, LOGIN_LIMIT)).get('token')
    if token is None:
        raise ApiError(400, 'the form lacks the field token')
    service = context_of(request)
    now, session_s = service.clock(), service.settings.session_s
    secret = await service.store.write(
        lambda transaction: sessions.log_in(transaction, token, now, session_s)
    )
    if secret is None and await session_or_none(request) is None:
        return please_log_in()
    answer = RedirectResponse('/', 303, NO_STORE)
    if secret is not None:
        answer.set_cookie(
            cookie_name(request),
            secret,
            max_age=int(session_s),
            path='/',
            httponly=True,
            # Strict would ask again for a login whoever clicks a link in a chat.
            samesite='lax',
            secure=base_url(request).startswith('https:'),
        )
    return answer


async def index(request: Request) -> Response:
    """Give the console to who is logged in."""
    if await session_or_none(request) is None:
        return please_log_in()
    page = CONSOLE / 'index.html'
    if not page.is_file():
        raise ApiError(404, 'this installation has no console')
    return FileResponse(page, headers=NO_STORE)


async def docs(request: Request) -> Response:
    """Give the page that shows /openapi.json."""
    return FileResponse(DOCS / 'index.html')


async def openapi(request: Request) -> Response:
    """Give the description of the APIs."""
    return Response(await asyncio.to_thread(_openapi), media_type='application/json')


async def docs_part(request: Request) -> Response:
    """Give that page's script or style sheet, or the picture that `spark-service try` names."""
    name = request.path_params['name']
    if name not in ('docs.js', 'docs.css', 'example.png'):
        raise ApiError(404, 'there is no such page')
    return FileResponse(DOCS / name)


async def image(request: Request) -> Response:
    """Give a file to its owner's key, to operators, or to who has a signed and current URL."""
    service, tenant = context_of(request), request.path_params['tenant']
    path = images.image_path(tenant, request.path_params['name'])
    if images.PATH.fullmatch(path) is None:
        raise ApiError(404, 'there is no such image')
    await _expect_access(request, tenant, path)
    row = await service.store.read(lambda connection: images.find(connection, path))
    if row is None:
        raise ApiError(404, 'there is no such image')
    return await image_reply(service.images, row, request)


async def _expect_access(request: Request, tenant: str, path: str) -> None:
    service = context_of(request)
    key = await shown_key(request)
    if key is not None and key.tenant == tenant:
        return
    if await session_or_none(request) is not None:
        return
    query = request.query_params
    signature, until = query.get('signature'), query.get('expires', '')
    if signature is None:
        if shows_key(request):
            raise ApiError(404, 'there is no such image')
        raise ApiError(
            401,
            'use the signed URL, or send the API key of the owner',
            {'WWW-Authenticate': 'Bearer'},
        )
    key_hash = await service.store.read(lambda store: keys.hash_of_tenant(store, tenant))
    if key_hash is None or not service.urls.valid(
        path, key_hash, until, signature, service.clock()
    ):
        raise ApiError(403, 'the signature of this URL is not valid, or no longer')


@functools.cache
def _openapi() -> bytes:
    # The file is YAML for the sake of those who write it.
    return to_json(yaml.load(OPENAPI.read_bytes(), yaml.CSafeLoader))


def _login_button(token: str) -> Response:
    page = Template(LOGIN_BUTTON.read_text('utf-8'))
    return HTMLResponse(page.substitute(token=escape(token)), headers=NO_STORE)


def please_log_in() -> Response:
    """Say how to log in."""
    return FileResponse(LOGIN_HELP, 401, NO_STORE)


routes = [
    Route('/', index),
    Route('/login', login_page),
    Route('/login', login, methods=['POST']),
    Route('/docs', docs),
    Route('/docs/{name}', docs_part),
    Route('/openapi.json', openapi),
    Route('/v1/image/{tenant}/{name}', image),
]
