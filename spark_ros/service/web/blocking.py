# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Calls that block: answer when a question is over, when the time is up, or when nobody listens.

Who waits subscribes before they look, so that a change between the look and the wait is not
missed. A waiter costs a task and a queue, and both end with its client's connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from starlette.requests import Request

from spark_ros.service.context import Context
from spark_ros.service.events import Change, ChangeBus, Subscription
from spark_ros.service.storage.jobs import OPEN_STATES
from spark_ros.service.storage.keys import Key
from spark_ros.service.web.disconnects import disconnected
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


async def wait_until_over(
    bus: ChangeBus,
    request: Request,
    question_id: int,
    seconds: float,
    look: Callable[[], Awaitable[T]],
    over: Callable[[T], bool],
) -> T:
    """Look at a question until it is over, and return what was seen last.

    Args:
        request: whose client waits; its body must have been read.
        look: reads the question's state.
        over: whether what was seen is final.
    """
    with bus.subscribe(question_id) as changes:
        return await wait_for_change(
            changes, request, seconds, look, over, lambda change: change.state not in OPEN_STATES
        )


async def wait_for_change(
    changes: Subscription,
    request: Request,
    seconds: float,
    look: Callable[[], Awaitable[T]],
    enough: Callable[[T], bool],
    worth_a_look: Callable[[Change], bool] = lambda change: True,
) -> T:
    """Look again at each change until what is seen is enough, and return what was seen last."""
    until = asyncio.get_running_loop().time() + seconds
    async with _connected(request, changes):
        while True:
            seen = await look()
            if enough(seen) or changes.closed:
                return seen
            if not await _changed_in_time(changes, until, worth_a_look):
                return seen


async def _changed_in_time(
    changes: Subscription, until: float, worth_a_look: Callable[[Change], bool]
) -> bool:
    """Wait for a change that is worth a look; False when the time is up or nobody listens."""
    loop = asyncio.get_running_loop()
    while not changes.closed:
        try:
            change = await asyncio.wait_for(changes.next(), until - loop.time())
        except asyncio.TimeoutError:
            return False
        if change is None or worth_a_look(change):
            return not changes.closed
    return False


@contextlib.asynccontextmanager
async def _connected(request: Request, changes: Subscription) -> AsyncIterator[None]:
    """Close the subscription when the request's client goes away."""

    async def watch() -> None:
        await disconnected(request)
        changes.closed = True
        changes.offer(None)

    watcher = asyncio.create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()
        # Awaited, so that no task outlives its request.
        await asyncio.wait([watcher])
