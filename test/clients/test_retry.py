# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""When a call is repeated, in numbers."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.clients.retry import RetryPolicy, parse_retry_after

NOW = 1_700_000_000.0


@given(st.integers(1, 5000), st.floats(0, 1, exclude_max=True), st.floats(0, 1e6) | st.none())
def test_a_delay_is_bounded(failures: int, chance: float, retry_after: float | None) -> None:
    """Never longer than the policy allows, never shorter than half of what it means."""
    policy = RetryPolicy()
    delay = policy.delay_s(failures, lambda: chance, retry_after)
    assert 0.0 < delay <= policy.max_delay_s
    assert delay >= min(policy.first_delay_s * 2.0 ** min(failures - 1, 60), 30.0) / 2


def test_it_doubles() -> None:
    """Without luck: half a quarter second, then twice that, up to the bound."""
    policy = RetryPolicy(first_delay_s=1.0, max_delay_s=5.0)
    assert [policy.delay_s(n, lambda: 0.0) for n in range(1, 6)] == [0.5, 1.0, 2.0, 2.5, 2.5]
    assert policy.delay_s(1, lambda: 0.5) == 0.75


def test_what_the_service_asks_is_waited_for() -> None:
    """But not longer than the policy allows."""
    policy = RetryPolicy(max_delay_s=30.0)
    assert policy.delay_s(1, lambda: 0.0, 7.0) == 7.0
    assert policy.delay_s(1, lambda: 0.0, 3600.0) == 30.0
    assert policy.delay_s(1, lambda: 0.0, 0.0) == 0.25


@pytest.mark.parametrize(
    ('header', 'expected'),
    [
        ('7', 7.0),
        (' 0 ', 0.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (None, None),
        ('', None),
        ('soon', None),
        ('-5', None),
        ('1.5', None),
        ('٣', None),
        ('Mon, 99 Foo 2024 99:99:99 GMT', None),
        ('9' * 5000, 999_999_999_999.0),
        (f'Mon, 01 Jan {"9" * 30} 00:00:00 GMT', None),
        (f'Mon, 01 Jan 2024 00:00:00 +{"9" * 30}', None),
    ],
)
def test_retry_after(header: str | None, expected: float | None) -> None:
    """Seconds or an HTTP date; anything else is as if it were not there."""
    assert parse_retry_after(header, NOW) == expected


@given(st.text())
def test_no_header_is_a_failure(header: str) -> None:
    """A server can send anything."""
    result = parse_retry_after(header, NOW)
    assert result is None or result >= 0.0


def test_a_wrong_policy_is_refused() -> None:
    """With the field's name."""
    with pytest.raises(ValueError, match='attempts'):
        RetryPolicy(attempts=0)
    with pytest.raises(ValueError, match='max_delay_s'):
        RetryPolicy(max_delay_s=float('nan'))
    assert RetryPolicy.none().attempts == 1
