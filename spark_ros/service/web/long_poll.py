# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Long polling: a call waits for an answer until its time is up or its client disconnects.

A caller subscribes before it reads, so that a change between the read and the wait is not missed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from starlette.requests import Request

from spark_ros.service.context import Context, context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.events import Change, Subscription
from spark_ros.service.storage.keys import Key
from spark_ros.wire.values import DECIMAL, WireError

MAX_BLOCK_S = 60.0
T = TypeVar('T')


def block_s(request: Request) -> float:
    """Read the query parameter `block`: seconds to wait, 0 to 60; more counts as 60.

    Raises:
        WireError: it is negative or not a number.
    """
    value = request.query_params.get('block')
    if value is None:
        return 0.0
    seconds = float(value) if DECIMAL.fullmatch(value) else math.nan
    if not seconds >= 0:
        raise WireError('block must be a number of seconds from 0 to 60')
    return min(seconds, MAX_BLOCK_S)


def counted(service: Context, key: Key, seconds: float) -> AbstractContextManager[None]:
    """Count a call among those of its key that wait, if it waits at all.

    Raises:
        ApiError: 429 when too many of the key's calls wait already.
    """
    return service.blocked_calls.hold(key.id) if seconds else nullcontext()


async def long_poll(
    request: Request,
    check_key: Callable[[Request], Awaitable[Key]],
    changes: Subscription,
    seconds: float,
    read: Callable[[], Awaitable[tuple[T, Any]]],
    matters: Callable[[Change], bool] = lambda change: True,
    unchanged: T | None = None,
) -> T:
    """Read after each change until there is an answer, and return what was read last.

    Args:
        request: whose client waits; its body must have been read.
        check_key: answers 401 to a request whose key is not valid.
        seconds: how long to wait for changes.
        read: returns the result, and a second value that is true while it is not final.
        matters: whether to read after a change.
        unchanged: what a first read would return, where that is known to be not final.

    Raises:
        ApiError: 400 when the client disconnects, so nobody sees it; 401 when the caller's key was
            revoked meanwhile.
    """
    loop = asyncio.get_running_loop()
    store = context_of(request).store
    credentials = store.credentials_version
    until = loop.time() + seconds
    result, pending = await read() if unchanged is None else (unchanged, True)
    if not pending or not seconds:
        return result

    async def poll() -> T:
        nonlocal credentials
        result, pending = first
        while pending and not changes.closed:
            if not await changes.wait(until - loop.time(), matters):
                break
            if credentials != store.credentials_version:
                credentials = store.credentials_version
                await check_key(request)
            result, pending = await read()
        return result

    first = result, pending
    return await while_connected(request, poll())


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine, and cancel it when the client disconnects.

    Args:
        request: its body must have been read.

    Raises:
        ApiError: 400 when the client disconnects, so nobody sees it.
    """

    async def disconnected() -> None:
        while (await request.receive())['type'] != 'http.disconnect':
            pass

    working, gone = asyncio.create_task(work), asyncio.create_task(disconnected())
    try:
        await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ApiError(400, 'the client disconnected')
    finally:
        # Awaited, so that no task outlives its request.
        working.cancel()
        gone.cancel()
        await asyncio.wait([working, gone])
