# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One thread that uses the journal, for an asyncio loop that must not wait for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec('P')
T = TypeVar('T')


class Disk:
    """Calls made one after another, in the order they were handed over."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, 'journal')

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call and await what it returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))

    def post(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have a call made; from any thread, returns at once."""
        self._thread.submit(call, *args, **kwargs)

    def close(self, last: Callable[[], object]) -> None:
        """Make one last call after all others, and wait for it."""
        self._thread.submit(last)
        self._thread.shutdown(wait=True)
