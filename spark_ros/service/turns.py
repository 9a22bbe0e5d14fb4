# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One thing at a time for each caller, so that who has much to do waits for their own work."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from spark_ros.service.errors import ApiError


@dataclass
class _Caller:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0


class Turns:
    """Lets each caller do one thing at a time, in the order in which they came.

    Args:
        most: how many may wait for one caller; by default as many as come.
        what: names them in the message of a refusal.
    """

    def __init__(self, most: float = math.inf, what: str = 'of these') -> None:
        self._most = most
        self._what = what
        self._callers: dict[Hashable, _Caller] = {}

    @asynccontextmanager
    async def turn(self, name: Hashable) -> AsyncIterator[None]:
        """Wait for what came before of the same caller.

        Raises:
            ApiError: 429 when too many wait already.
        """
        caller = self._callers.setdefault(name, _Caller())
        if caller.count > self._most:
            raise ApiError(
                429,
                f'{self._most} {self._what} are waiting already; repeat later',
                {'Retry-After': '1'},
            )
        caller.count += 1
        try:
            async with caller.lock:
                yield
        finally:
            caller.count -= 1
            if not caller.count:
                del self._callers[name]
