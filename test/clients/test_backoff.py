# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Delays between attempts."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from spark_ros.clients.retry import Backoff


@given(st.floats(0.01, 10), st.floats(1, 1000), st.integers(0, 2**32), st.integers(1, 100))
def test_delays_double_up_to_the_longest(
    first_s: float, longest_s: float, seed: int, count: int
) -> None:
    backoff = Backoff(first_s, longest_s, random.Random(seed).random)
    for failures in range(count):
        whole = min(first_s * 2.0**failures, longest_s)
        assert whole / 2 <= backoff.next() <= whole


def test_the_jitter_tells_robots_apart() -> None:
    delays = {Backoff(1.0, 60.0, random.Random(seed).random).next() for seed in range(20)}
    assert len(delays) == 20


def test_it_starts_again_after_a_success() -> None:
    backoff = Backoff(1.0, 60.0)
    for _ in range(5):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 1.0


def test_a_million_failures_are_no_overflow() -> None:
    backoff = Backoff(1.0, 60.0, failures=10**6)
    assert 30.0 <= backoff.next() <= 60.0
