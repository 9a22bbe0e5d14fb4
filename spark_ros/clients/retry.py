# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""When to ask again: doubling delays with jitter, and what Retry-After says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from random import random as uniform


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is repeated, and the delays between attempts.

    Attributes:
        attempts: how often it is tried in all, at least 1.
        first_delay_s: before the second attempt; doubles with each further one.
        max_delay_s: no wait is longer, whatever Retry-After asks for.
    """

    attempts: int = 4
    first_delay_s: float = 0.5
    max_delay_s: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f'attempts is {self.attempts}; it must be at least 1')
        for name in ('first_delay_s', 'max_delay_s'):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f'{name} is {value}; it must be 0 or more')

    @classmethod
    def none(cls) -> RetryPolicy:
        """One attempt, for a caller that schedules repetitions itself."""
        return cls(attempts=1)

    def delay_s(
        self, failures: int, random: Callable[[], float], retry_after_s: float | None = None
    ) -> float:
        """Return how long to wait after so many failures, in seconds.

        Args:
            failures: how many attempts have failed, from 1.
            random: gives a number in [0, 1).
            retry_after_s: what the service asked for; waited for at least, up to max_delay_s.
        """
        jittered = jittered_s(failures, self.first_delay_s, self.max_delay_s, random)
        return min(max(jittered, retry_after_s or 0.0), self.max_delay_s)


DEFAULT_RETRY = RetryPolicy()


@dataclass
class Backoff:
    """The delays of what is tried for ever, in seconds, from `first_s` to `longest_s`."""

    first_s: float
    longest_s: float
    random: Callable[[], float] = uniform
    failures: int = 0

    def next(self) -> float:
        """Count a failure and return how long to wait."""
        self.failures += 1
        return jittered_s(self.failures, self.first_s, self.longest_s, self.random)

    def reset(self) -> None:
        """Reset to the shortest delay."""
        self.failures = 0


def jittered_s(
    failures: int, first_s: float, longest_s: float, random: Callable[[], float]
) -> float:
    """Return the delay after so many failures, from 1: doubled each time, and shortened at random.

    Half of it is certain and half is random, so that a fleet that lost its service together does
    not come back together.
    """
    doubled = min(first_s * 2.0 ** min(failures - 1, 60), longest_s)
    return doubled / 2 + doubled / 2 * random()


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date (RFC 9110, 10.2.3).

    Args:
        value: the header, or None.
        now: Unix seconds.

    Returns:
        Seconds from now, never negative; None where it is missing or unreadable.
    """
    text = (value or '').strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(moment.timestamp() - now, 0.0)
