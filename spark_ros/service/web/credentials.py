# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who calls: the API key that a request shows, in the ways of either API.

SparkAI's callers send `Authorization: Bearer <key>`. Heat's send `X-Heat-API-Key`, its former
name `X-Crunch-API-Key`, or HTTP Basic with the key as user name. Images are uploaded with
either: Heat takes URLs only, so its callers must host their frames somewhere.
"""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request

from spark_ros.service.context import context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.storage.keys import Key
from spark_ros.service.web.connections import mark_authenticated

HEAT_HEADERS = ('X-Heat-API-Key', 'X-Crunch-API-Key')


async def spark_key(request: Request) -> Key:
    """Return the key of a call to the SparkAI API, or answer 401."""
    key = await _find(request, *_bearer(request))
    if key is None or key.api != 'spark':
        raise _unauthorized('send a valid API key as `Authorization: Bearer <key>`')
    return key


async def heat_key(request: Request) -> Key:
    """Return the key of a call to the Heat API, or answer 401."""
    shown = _heat_secrets(request)
    if len(shown) > 1:
        raise _unauthorized('this request shows two different API keys; send one', request)
    key = await _find(request, *shown)
    if key is None or key.api != 'heat':
        raise _unauthorized(
            'send a valid key of the Heat API as X-Heat-API-Key, or as the user name of HTTP '
            'Basic',
            request,
        )
    return key


async def hosting_key(request: Request) -> Key:
    """Return the key of a call that takes keys of either API, or answer 401."""
    key = await shown_key(request)
    if key is None:
        raise _unauthorized('send a valid API key as `Authorization: Bearer <key>`')
    return key


async def shown_key(request: Request) -> Key | None:
    """Return the one valid key that a request shows in any way, or None."""
    return await _find(request, *(_bearer(request) | _heat_secrets(request)))


def shows_key(request: Request) -> bool:
    """Whether a request shows a key, valid or not."""
    return 'authorization' in request.headers or bool(_heat_secrets(request))


async def _find(request: Request, *shown: str) -> Key | None:
    if len(shown) != 1:
        return None
    [secret] = shown
    key = await context_of(request).keys.find(secret)
    if key is not None:
        mark_authenticated(request, key.id)
    return key


def _bearer(request: Request) -> set[str]:
    scheme, _, secret = request.headers.get('authorization', '').partition(' ')
    return {secret.strip()} - {''} if scheme.lower() == 'bearer' else set()


def _heat_secrets(request: Request) -> set[str]:
    shown = {request.headers.get(name, '').strip() for name in HEAT_HEADERS}
    return (shown | {_basic_user(request)}) - {''}


def _basic_user(request: Request) -> str:
    scheme, _, encoded = request.headers.get('authorization', '').partition(' ')
    if scheme.lower() != 'basic':
        return ''
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return ''
    return decoded.decode('utf-8', 'replace').partition(':')[0]


def _unauthorized(message: str, basic: Request | None = None) -> ApiError:
    """Return a 401 that names HTTP Basic only to a client that uses it.

    In other clients, which may be browsers, it would open a password dialog.

    Args:
        basic: the request, where its API takes HTTP Basic.
    """
    sent = '' if basic is None else basic.headers.get('authorization', '')
    if sent.lower().startswith('basic'):
        return ApiError(401, message, {'WWW-Authenticate': 'Basic realm="heat", charset="UTF-8"'})
    return ApiError(401, message, {'WWW-Authenticate': 'Bearer'})
