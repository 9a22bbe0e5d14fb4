# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The watch warns rarely without a reason, and soon with one."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.calibration.bounds import binomial_cdf
from spark_ros.calibration.watch import STAKES, Watch

losses = st.lists(st.floats(0, 1), max_size=30)


def test_false_alarms_are_as_rare_as_promised_however_often_one_looks() -> None:
    """400 robots with just alpha, looked at after each of 100 drives."""
    random, level, robots = np.random.default_rng(3), 0.1, 400
    false = 0
    for _ in range(robots):
        watch = Watch(0.1, level)
        for loss in random.random(100) < 0.1:
            watch.add(float(loss))
        false += watch.broken
    assert 1 - binomial_cdf(false - 1, robots, level) > 1e-6


def test_a_bad_month_is_seen_after_good_years() -> None:
    watch = Watch(0.05)
    for _ in range(1000):
        watch.add(0.0)
    assert not watch.broken
    bad = 0
    while not watch.broken and bad < 100:
        watch.add(0.6)
        bad += 1
    assert watch.broken and bad <= 12
    for _ in range(1000):
        watch.add(0.0)
    assert watch.broken
    assert watch.evidence >= 20


@given(losses, losses)
def test_it_goes_on_where_it_was(before: list[float], after: list[float]) -> None:
    one = Watch(0.1, 0.01)
    for loss in before:
        one.add(loss)
    other = Watch.from_plain(json.loads(json.dumps(one.to_plain(), allow_nan=False)))
    for loss in after:
        one.add(loss)
        other.add(loss)
    assert other.to_plain() == one.to_plain()


@given(losses, st.sampled_from([0.05, 0.3]))
def test_it_is_the_mixture_that_it_says_it_is(seen: list[float], alpha: float) -> None:
    """Against the sum over all beginnings, written out."""
    watch, most = Watch(alpha), 1.0
    for n in range(1, len(seen) + 1):
        watch.add(seen[n - 1])
        capital = 0.0
        for stake in STAKES:
            won = 1 / (n + 1)
            for j in range(1, n + 1):
                bets = (1 + stake * (each - alpha) / alpha for each in seen[j - 1 : n])
                won += math.prod(bets) / (j * (j + 1))
            capital += won / len(STAKES)
        most = max(most, capital)
    assert watch.evidence == pytest.approx(most, rel=1e-6)
    assert watch.mean == pytest.approx(np.mean(seen) if seen else 0.0)


@pytest.mark.parametrize('loss', [-0.1, 1.1, math.nan])
def test_a_loss_is_a_share(loss: float) -> None:
    with pytest.raises(ValueError, match='a loss is'):
        Watch(0.05).add(loss)


@pytest.mark.parametrize('alpha', [0.0, 1.0, math.nan])
def test_a_promise_is_between_none_and_all(alpha: float) -> None:
    with pytest.raises(ValueError, match='alpha is'):
        Watch(alpha)


@pytest.mark.parametrize(
    'change',
    [{'logs': [1.0]}, {'drives': -1}, {'log_most': math.inf}, {'alpha': 2}, {'total': None}],
)
def test_a_spoilt_state_is_refused(change) -> None:
    watch = Watch(0.05)
    watch.add(0.5)
    with pytest.raises(ValueError):
        Watch.from_plain({**watch.to_plain(), **change})
