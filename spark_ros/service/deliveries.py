# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How long the last deliveries of answers took; the database does not know."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MOST = 20_000


@dataclass(frozen=True)
class Delivery:
    """An answer that reached its caller.

    Attributes:
        at: when, in Unix seconds.
        seconds: from the answer to its delivery.
    """

    program: str | None
    at: float
    seconds: float


class RecentDeliveries:
    """The last deliveries since the service started; callable from any thread."""

    def __init__(self) -> None:
        self._last: deque[Delivery] = deque(maxlen=MOST)

    def add(self, delivery: Delivery) -> None:
        """Remember a delivery."""
        self._last.append(delivery)

    def since(self, at: float) -> list[Delivery]:
        """Return those after a time in Unix seconds, oldest first."""
        return [each for each in tuple(self._last) if each.at > at]
