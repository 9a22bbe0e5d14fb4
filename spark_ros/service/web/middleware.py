# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is done to every answer: headers that all have, a line in the log, metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spark_ros.service.context import Context
from spark_ros.service.errors import StreamAborted
from spark_ros.service.web.replies import error_reply, log

access = logging.getLogger('spark_ros.service.access')

CONTENT_SECURITY_POLICY = '; '.join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    # Nothing is loaded from an address that a question names: the service has copies.
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "frame-src 'none'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
))
# As ASGI has them.
HEADERS = (
    (b'content-security-policy', CONTENT_SECURITY_POLICY.encode()),
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
    (b'x-frame-options', b'DENY'),
)
# Of answers of the APIs: what the service knows beyond their pages, and how many operators are
# there.
EXTENSIONS, OPERATORS = b'spark-extensions', b'spark-operators'


class SecurityHeadersMiddleware:
    """The outermost middleware: headers, errors, the access log and metrics.

    It adds the headers that an answer lacks, answers 500 to an exception that nothing else
    handled, and logs each request without its query string, which can hold a login token or a
    signature.

    Args:
        idempotency_s: for how long an Idempotency-Key is kept. Callers are told, so that they may
            repeat a request.
    """

    def __init__(self, app: ASGIApp, idempotency_s: float) -> None:
        self._app = app
        extensions = (
            f'idempotency-key;retention={int(idempotency_s)}, robot-id, priority, deadline, '
            'withdraw, operators'
        )
        self._extensions = EXTENSIONS, extensions.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            await self._app(scope, receive, send)
            return
        begun, status = time.monotonic(), 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message['type'] == 'http.response.start':
                status = message['status']
                headers = message['headers']
                present = {name for name, _ in headers}
                headers += [header for header in HEADERS if header[0] not in present]
                if scope['path'].startswith('/v1/'):
                    service: Context = scope['app'].state.context
                    headers.append(self._extensions)
                    headers.append((OPERATORS, b'%d' % service.presence.count))
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except StreamAborted as error:
            # Without an end the server closes the connection, and the client knows.
            log.debug('%s %s broke off: %s', scope['method'], _path(scope), error)
        except Exception:
            log.exception('%s %s failed', scope['method'], _path(scope))
            _context(scope).metrics.failed('request')
            if status:
                raise
            reply = error_reply(500, 'the service failed; its log says why')
            await reply(scope, receive, send_on)
        finally:
            _context(scope).metrics.answered(scope['method'], _template(scope), status)
            if access.isEnabledFor(logging.INFO):
                elapsed_ms = (time.monotonic() - begun) * 1000
                access.info(
                    '%s %s %s %.0f ms', scope['method'], _path(scope), status, elapsed_ms
                )


def _context(scope: Scope) -> Context:
    context: Context = scope['app'].state.context
    return context


def _template(scope: Scope) -> str:
    """Return the path of the route that a request was for, with names in place of values."""
    endpoint = scope.get('endpoint')
    if endpoint is None:
        return 'none'
    for route in scope['app'].routes:
        if isinstance(route, Route) and route.endpoint is endpoint:
            if route.path_regex.match(scope['path']):
                return route.path
        elif isinstance(route, Mount) and route.app is endpoint:
            return f'{route.path}/{{path}}'
    return 'none'


def _path(scope: MutableMapping[str, Any]) -> str:
    # As it was sent: percent-encoded, so that nobody can write lines into the log.
    raw: bytes = scope.get('raw_path') or scope['path'].encode()
    return ascii(raw.partition(b'?')[0].decode('latin-1'))[1:-1]
