# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How much time has passed is known, or at least never nonsense, whatever the clocks do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spark_ros.escalation.journal.elapsed import LONGEST_S, Moment, elapsed_s, now

TODAY_S = 1_795_000_000.0
any_wall = st.floats(-1e12, 1e12)
boots = st.sampled_from(['', 'a', 'b'])
moments = st.builds(Moment, boots, st.floats(0.0, 1e9), any_wall)


@given(any_wall, any_wall, st.floats(0.0, 1e7), st.floats(0.0, 1e7))
def test_within_one_start_of_the_machine_the_wall_clock_is_no_matter(
    wall_then: float, wall_now: float, up_s: float, more_s: float
) -> None:
    then, later = Moment('a', up_s, wall_then), Moment('a', up_s + more_s, wall_now)
    assert elapsed_s(then, later) == (up_s + more_s) - up_s


def test_across_a_restart_a_clock_that_is_set_counts() -> None:
    then = Moment('a', 5000.0, TODAY_S)
    assert elapsed_s(then, Moment('b', 20.0, TODAY_S + 300.0)) == 300.0
    assert elapsed_s(Moment('', 0.0, TODAY_S), Moment('b', 20.0, TODAY_S + 300.0)) == 300.0


def test_a_clock_that_was_not_set_or_has_jumped_says_nothing() -> None:
    for then_s, now_s in (
        (300.0, TODAY_S),
        (300.0, 500.0),
        (TODAY_S, 20.0),
        (TODAY_S, TODAY_S - 60.0),
        (TODAY_S, TODAY_S + 30 * LONGEST_S),
    ):
        then = Moment('a', 5000.0, then_s)
        assert elapsed_s(then, Moment('b', 20.0, now_s)) == 20.0
        assert elapsed_s(Moment('', 0.0, then_s), Moment('b', 20.0, now_s)) == 0.0


@given(moments, moments)
def test_time_never_runs_backwards(then: Moment, later: Moment) -> None:
    assert elapsed_s(then, later) >= 0.0


def test_this_machine_has_both_clocks() -> None:
    first, second = now(), now()
    assert first.boot and first.boot == second.boot
    assert 0.0 <= elapsed_s(first, second) < 60.0
