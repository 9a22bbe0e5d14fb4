# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One call of a client against a server that misbehaves, and all that is shown of its error."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from spark_ros.clients import ClientError, HeatClient, SparkClient

Client = TypeVar('Client', SparkClient, HeatClient)


def outcome(
    server: Any, connect: Callable[[str], Client], call: Callable[[Client], Awaitable[Any]]
) -> Any:
    """Make one call; return its result or error, and let the server go."""

    async def run() -> Any:
        async with server, connect(server.url) as client:
            try:
                return await asyncio.wait_for(call(client), 30)
            except ClientError as error:
                return error

    return asyncio.run(run())


def passing(server: Any) -> dict[str, Any]:
    """Return ways to fail for a moment that either API knows, by name."""
    return {
        'close': server.close,
        'reset': server.reset,
        'half': server.answer(b'{"token": "t', length=500),
        'garbage': server.answer(b'<html>It works!</html>'),
        'empty': server.answer(b''),
        '500': server.answer({'statusCode': 500, 'message': 'oops'}, 500),
        '503': server.answer(b'down', 503),
    }


def shown(error: BaseException) -> str:
    """All that a log or a debugger shows of an error: itself, its chain, our frames' variables."""
    parts = [str(error), repr(error), *traceback.format_exception(error)]
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in trace.stack:
        if 'spark_ros' in frame.filename:
            parts += [f'{name}={value}' for name, value in (frame.locals or {}).items()]
    for linked in (error.__cause__, error.__context__):
        if linked is not None:
            parts.append(shown(linked))
    return '\n'.join(parts)
