# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Intervals and a test, against what is published."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.service.operators.proportions import Median, Share, fisher_less, median, wilson


@pytest.mark.parametrize(
    ('count', 'of', 'low', 'high'),
    # Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
    ],
)  # fmt: skip
def test_wilson(count: int, of: int, low: float, high: float) -> None:
    assert wilson(count, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert Share(count, of).interval() == wilson(count, of)
    assert wilson(of - count, of) == (
        pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5),
    )  # fmt: skip


def test_a_share_of_none() -> None:
    assert (Share().share, Share().interval()) == (None, (0.0, 1.0))
    assert wilson(5, 5)[1] == 1.0 and wilson(0, 5)[0] == 0.0


@pytest.mark.parametrize(
    ('n', 'low', 'high'),
    # Ranks at 95 %, as tables of the sign test have them.
    [(5, None, None), (6, 1, 6), (8, 1, 8), (9, 2, 8), (10, 2, 9), (20, 6, 15), (100, 40, 61)],
)
def test_median(n: int, low: int | None, high: int | None) -> None:
    values = [*map(float, range(1, n + 1))]
    random.Random(1).shuffle(values)
    assert median(values) == Median(n, (n + 1) / 2, low, high)


def test_a_median_of_none_and_of_many() -> None:
    assert median([]) == Median(0, None, None, None)
    found = median([float(each) for each in range(20_000)])
    # By the normal distribution: half of 20,000, and 1.96 standard deviations of 70.7.
    assert (found.low, found.high) == (pytest.approx(9861, abs=2), pytest.approx(10138, abs=2))


def test_fisher() -> None:
    # The lady tasting tea: eight cups, four of them told right, or three.
    assert fisher_less(Share(0, 4), Share(4, 4)) == pytest.approx(1 / 70)
    assert fisher_less(Share(1, 4), Share(3, 4)) == pytest.approx(17 / 70)
    # Fisher's twins of criminals, of one egg and of two: 10 of 13, 2 of 17.
    assert fisher_less(Share(2, 17), Share(10, 13)) == pytest.approx(0.000465, abs=1e-6)
    assert fisher_less(Share(), Share(3, 4)) == 1


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_laws(right: int, wrong: int, others_right: int, others_wrong: int) -> None:
    one = Share(right, right + wrong)
    other = Share(others_right, others_right + others_wrong)
    low, high = one.interval()
    assert low <= (right / one.of if one.of else low) <= high
    # At least one of the two, and the outcome itself counts for both.
    assert fisher_less(one, other) + fisher_less(other, one) >= 1 - 1e-9
