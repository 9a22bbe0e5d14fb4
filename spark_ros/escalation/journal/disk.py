# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One thread that uses the journal, for an asyncio loop that must not wait for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar, cast

P = ParamSpec('P')
T = TypeVar('T')


class Disk:
    """Calls made one after another, in the order they were handed over."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, 'journal')

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call and await what it returns.

        It is made also where whoever awaits it is cancelled: what was told to the world before a
        write must be written after it, however the process ends.
        """
        loop = asyncio.get_running_loop()
        returned: asyncio.Future[T] = loop.create_future()

        def settle(value: T | None, error: Exception | None) -> None:
            if returned.done():
                return
            if error is None:
                returned.set_result(cast(T, value))
            else:
                returned.set_exception(error)

        def make() -> None:
            value, error = None, None
            try:
                value = call(*args, **kwargs)
            except Exception as raised:
                error = raised
            with suppress(RuntimeError):
                # The loop is closed: nobody is there to be told.
                loop.call_soon_threadsafe(settle, value, error)

        self._thread.submit(make)
        return await returned

    def post(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have a call made; from any thread, returns at once."""
        self._thread.submit(call, *args, **kwargs)

    def close(self, last: Callable[[], object]) -> None:
        """Make one last call after all others, and wait for it."""
        self._thread.submit(last)
        self._thread.shutdown(wait=True)
