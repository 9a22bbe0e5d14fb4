# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Clients that go away before they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from spark_ros.service.errors import ApiError

T = TypeVar('T')


async def disconnected(request: Request) -> None:
    """Return when the request's client goes away; its body must have been read."""
    while (await request.receive())['type'] != 'http.disconnect':
        pass


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do some work, which is cancelled when the client goes away.

    Args:
        request: its body must have been read.

    Raises:
        ApiError: 400, for nobody, since the client went away.
    """
    working, gone = asyncio.create_task(work), asyncio.create_task(disconnected(request))
    try:
        await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ApiError(400, 'the client went away')
    finally:
        # Awaited, so that no task outlives its request.
        working.cancel()
        gone.cancel()
        await asyncio.wait([working, gone])
