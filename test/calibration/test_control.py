# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How a policy is chosen: closed forms, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.calibration.control import (
    choose,
    drives_needed,
    on_average,
    probably,
    probably_by_bets,
    smallest_alpha,
)
from spark_ros.calibration.losses import linear, monotone

tables = st.integers(1, 6).flatmap(
    lambda k: st.lists(st.lists(st.floats(0, 1), min_size=k, max_size=k), min_size=1, max_size=60)
)
rules = st.sampled_from([on_average(0.2), on_average(0.05), probably(0.2, 0.1)])


@pytest.mark.parametrize(
    ('alpha', 'drives'), [(0.05, 19), (0.1, 9), (0.01, 99), (0.2, 4), (0.07, 14)]
)
def test_the_fewest_drives_for_an_average(alpha: float, drives: int) -> None:
    """1/(n+1) <= alpha."""
    assert drives_needed(on_average(alpha)) == drives
    assert choose(np.zeros((drives, 3)), on_average(alpha)) == 0
    assert choose(np.zeros((drives - 1, 3)), on_average(alpha)) is None


@pytest.mark.parametrize(
    ('alpha', 'delta', 'drives'), [(0.05, 0.05, 59), (0.1, 0.1, 22), (0.05, 0.1, 45)]
)
def test_the_fewest_drives_for_a_probability(alpha: float, delta: float, drives: int) -> None:
    """(1 - alpha)^n <= delta."""
    assert drives_needed(probably(alpha, delta)) == drives
    assert choose(np.zeros((drives, 3)), probably(alpha, delta)) == 0
    assert choose(np.zeros((drives - 1, 3)), probably(alpha, delta)) is None


def test_how_many_more_like_these() -> None:
    """(n m + 1)/(n + 1) <= alpha from n = (1 - alpha)/(alpha - m) on."""
    assert drives_needed(on_average(0.1), [0.05]) == 18
    assert drives_needed(on_average(0.1), [0.1]) is None
    assert drives_needed(probably(0.1, 0.05), [0.2]) is None


def test_what_can_be_promised_now() -> None:
    assert smallest_alpha(lambda a: on_average(a)(np.zeros(10))) == 0.091
    assert smallest_alpha(lambda a: False) == 1.0


@given(tables, st.floats(0.02, 0.9))
def test_conformal_risk_control_as_the_paper_has_it(
    table: list[list[float]], alpha: float
) -> None:
    """The smallest lambda with n/(n+1) R + 1/(n+1) <= alpha."""
    losses = monotone(np.array(table))
    n = len(losses)
    bound = losses.sum(axis=0) / (n + 1) + 1 / (n + 1)
    kept = [k for k, each in enumerate(bound) if each <= alpha]
    if all(abs(each - alpha) > 1e-9 for each in bound):
        assert choose(losses, on_average(alpha)) == (kept[0] if kept else None)


@given(tables)
def test_monotone_losses_are_the_least_above(table: list[list[float]]) -> None:
    losses = np.array(table)
    made = monotone(losses)
    assert (made >= losses).all()
    assert (np.diff(made, axis=1) <= 0).all()
    assert (monotone(made) == made).all()
    assert set(made.flat) <= set(losses.flat)


@given(tables, rules, st.integers(1, 30))
def test_drives_without_an_error_never_make_it_ask_more(
    table: list[list[float]], rule, more: int
) -> None:
    losses = monotone(np.array(table))
    with_more = np.vstack([losses, np.zeros((more, losses.shape[1]))])
    before, after = choose(losses, rule), choose(with_more, rule)
    assert before is None or (after is not None and after <= before)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 30)), min_size=1, max_size=40),
    st.integers(1, 20), st.sampled_from([on_average(0.1), probably_by_bets(0.1, 0.2)]),
)  # fmt: skip
def test_weighed_by_errors_those_without_say_nothing(drives, more: int, rule) -> None:
    shares, errors = (np.array(each) for each in zip(*drives, strict=True))
    losses = linear((shares * errors)[:, None], errors, 0.1, 10.0)
    empty = linear(np.zeros((more, 1)), np.zeros(more), 0.1, 10.0)
    slack = (losses - 0.1).sum() + 0.9
    if abs(slack) > 1e-6:
        assert rule(losses[:, 0]) == rule(np.concatenate([losses[:, 0], empty[:, 0]]))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 9)), min_size=1), st.floats(0.01, 0.9))
def test_the_linear_loss_is_the_share_of_all_errors(drives, alpha: float) -> None:
    """Under the cap: its mean is above alpha just if more than alpha of all errors is unasked."""
    shares, errors = (np.array(each) for each in zip(*drives, strict=True))
    losses = linear((shares * errors)[:, None], errors, alpha, 10.0)
    surplus = (shares * errors).sum() - alpha * errors.sum()
    assert (losses.mean() - alpha) * 10.0 * len(drives) == pytest.approx(surplus, abs=1e-6)


def test_a_huge_drive_weighs_no_more_than_the_cap() -> None:
    losses = linear(np.array([[1000.0]]), np.array([1000.0]), 0.1, 10.0)
    assert losses[0, 0] == pytest.approx(1.0)
    assert linear(np.array([[0.0]]), np.array([1000.0]), 0.1, 10.0)[0, 0] == pytest.approx(0.0)
