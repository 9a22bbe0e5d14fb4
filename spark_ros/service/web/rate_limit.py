# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many questions and uploads an API key may create a minute: a token bucket for each key."""

from __future__ import annotations

import math

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.keys import Key

MINUTE_S = 60.0


class RateLimit:
    """Counts in memory. A key that paused may create what it may in a minute at once."""

    def __init__(self) -> None:
        # By the key's id: how many it may create now, and as of when.
        self._left: dict[int, tuple[float, float]] = {}

    def take(self, key: Key, now: float) -> None:
        """Count one more for a key, if it has a rate.

        Args:
            now: Unix seconds.

        Raises:
            ApiError: 429 when it has created as many as it may.
        """
        if key.rate is None:
            return
        left, last = self._left.get(key.id, (float(key.rate), now))
        # The clock may have been set back.
        earned = max(now - last, 0.0) * key.rate / MINUTE_S
        left = min(left + earned, float(key.rate))
        self._left[key.id] = (left, now)
        if left < 1.0:
            wait_s = math.ceil((1.0 - left) * MINUTE_S / key.rate)
            raise ApiError(
                429,
                f'this key may create {key.rate} questions and uploads a minute; repeat in '
                f'{wait_s} s',
                {'Retry-After': str(wait_s)},
            )
        self._left[key.id] = (left - 1.0, now)
