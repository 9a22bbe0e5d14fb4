# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many calls one caller may have waiting at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from spark_ros.service.errors import ApiError

RETRY_AFTER_S = 5


class ConcurrencyLimit:
    """Limits how many calls or streams each caller has open.

    Args:
        most: how many each caller may have at once.
        what: names them in the message of a refusal.
    """

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._held: Counter[Hashable] = Counter()

    @contextmanager
    def hold(self, caller: Hashable) -> Iterator[None]:
        """Count one more for a caller while the block runs.

        Raises:
            ApiError: 429 when the caller holds as many as are allowed.
        """
        if self._held[caller] >= self._most:
            raise ApiError(
                429,
                f'{self._most} {self._what} are open already; wait for one to end',
                {'Retry-After': str(RETRY_AFTER_S)},
            )
        self._held[caller] += 1
        try:
            yield
        finally:
            self._held[caller] -= 1
            if not self._held[caller]:
                del self._held[caller]


class CountedStream(StreamingResponse):
    """A streamed answer that is counted for as long as it is sent.

    Args:
        held: counts it, such as what `ConcurrencyLimit.hold` returned.
        args, kwargs: of StreamingResponse.
    """

    def __init__(self, held: AbstractContextManager[None], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)
