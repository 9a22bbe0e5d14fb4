# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The p-values, against closed forms, exact arithmetic and published numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.calibration.bounds import betting_p, binomial_cdf, hoeffding_bentkus_p

alphas = st.floats(0.01, 0.9)


@pytest.mark.parametrize(
    ('most', 'n', 'p', 'published'),
    [(2, 20, 0.1, 0.6769), (3, 10, 0.5, 0.1719), (1, 20, 0.05, 0.7358), (5, 15, 0.4, 0.4032),
     (0, 5, 0.3, 0.1681)],
)  # fmt: skip
def test_binomial_tables(most: int, n: int, p: float, published: float) -> None:
    """As every textbook's table of the binomial distribution has them."""
    assert binomial_cdf(most, n, p) == pytest.approx(published, abs=5e-5)


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 99))
def test_binomial_exactly(most: int, n: int, percent: int) -> None:
    p = Fraction(percent, 100)
    exact = sum(
        (math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(min(most, n) + 1)), Fraction(0)
    )
    assert binomial_cdf(most, n, percent / 100) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize(
    ('mean', 'n', 'alpha', 'p'),
    [
        # exp(-n * h(mean, alpha)), as the paper writes it: 0.15 log(0.75) + 0.85 log(1.0625).
        (0.15, 20, 0.2, math.exp(-20 * (0.15 * math.log(0.75) + 0.85 * math.log(1.0625)))),
        # e * P(Binomial(20, 0.1) <= 0) is above exp(-20 * -log(0.9)), the same without e.
        (0.0, 20, 0.1, 0.9**20),
        # Bentkus is the smaller one here: e * P(Binomial(1000, 0.1) <= 70).
        (0.07, 1000, 0.1, None),
    ],
)
def test_hoeffding_bentkus(mean: float, n: int, alpha: float, p: float | None) -> None:
    exact = p if p is not None else math.e * binomial_cdf(round(mean * n), n, alpha)
    assert hoeffding_bentkus_p(mean, n, alpha) == pytest.approx(exact, rel=1e-9)


@given(st.floats(0, 1), st.integers(1, 500), alphas)
def test_it_is_the_smaller_of_both(mean: float, n: int, alpha: float) -> None:
    p = hoeffding_bentkus_p(mean, n, alpha)
    assert 0.0 <= p <= min(1.0, math.e * binomial_cdf(math.ceil(n * mean), n, alpha) + 1e-9)
    if mean >= alpha:
        assert p == min(1.0, math.e * binomial_cdf(math.ceil(n * mean - 1e-9), n, alpha))


@given(st.lists(st.floats(0, 1), max_size=40), st.integers(0, 40), alphas)
def test_a_loss_of_alpha_says_nothing_to_a_bet(
    losses: list[float], at: int, alpha: float
) -> None:
    assert betting_p([*losses[:at], alpha, *losses[at:]], alpha) == betting_p(losses, alpha)


def test_a_bet_is_rarely_won_where_the_mean_is_alpha() -> None:
    """At most delta of 4,000 series are wrongly rejected, as a binomial goes."""
    random = np.random.default_rng(1)
    alpha, delta, runs = 0.1, 0.1, 4000
    series = random.random((runs, 60)) < alpha
    wrong = sum(betting_p(each.astype(float), alpha) <= delta for each in series)
    assert 1 - binomial_cdf(wrong - 1, runs, delta) > 1e-6


def test_a_bet_is_won_where_the_mean_is_less() -> None:
    random = np.random.default_rng(2)
    assert betting_p(random.random(200) * 0.1, 0.2) < 0.01
    assert betting_p(random.random(200), 0.2) > 0.5
