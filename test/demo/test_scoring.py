# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The laws of the score."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.demo.scoring import Score, combined, match, score

CAT = ('cat', (0.0, 0.0, 10.0, 10.0))
DOG = ('dog', (50.0, 50.0, 20.0, 10.0))

sides = st.floats(1, 100)
boxes = st.lists(
    st.tuples(st.sampled_from(['cat', 'dog']), st.tuples(sides, sides, sides, sides)), max_size=6,
)


def test_the_truth_itself_is_perfect():
    assert score([DOG, CAT], [CAT, DOG]) == Score(1.0, 1.0, 2, 0, 0)


def test_missed_and_spurious_objects_count_as_nothing_right():
    assert score([], [CAT]) == Score(0.0, 0.0, 0, 1, 0)
    assert score([CAT], []) == Score(0.0, 0.0, 0, 0, 1)
    assert score([CAT, DOG], [CAT]) == Score(0.5, 0.5, 1, 0, 1)
    assert score([CAT], [CAT, DOG]) == Score(0.5, 0.5, 1, 1, 0)


def test_where_nothing_is_and_nothing_is_claimed_all_is_right():
    assert score([], []) == Score(1.0, 1.0, 0, 0, 0)
    assert combined([]) == combined([score([], [])]) == Score(1.0, 1.0, 0, 0, 0)


def test_a_right_box_with_a_wrong_label_is_matched_but_wrong():
    assert score([('dog', CAT[1])], [CAT]) == Score(1.0, 0.0, 1, 0, 0)


def test_labels_decide_between_equal_boxes():
    both = [('dog', CAT[1]), CAT]
    assert score(both, [CAT, ('dog', CAT[1])]).label_accuracy == 1.0


def test_the_better_box_takes_the_object():
    loose = ('cat', (0.0, 0.0, 10.0, 14.0))
    assert [(each.predicted, each.true) for each in match([loose, CAT], [CAT])] == [(1, 0)]


def test_a_box_that_hardly_touches_is_no_match():
    assert score([('cat', (8.0, 0.0, 10.0, 10.0))], [CAT]) == Score(0.0, 0.0, 0, 1, 1)


def test_frames_are_combined_by_their_objects():
    together = combined([score([CAT], [CAT]), score([], [CAT, DOG]), score([], [])])
    assert together == Score(pytest.approx(1 / 3), pytest.approx(1 / 3), 1, 2, 0)


@given(boxes, boxes)
def test_scores_stay_in_range_and_every_object_is_counted(predicted, truth):
    found = score(predicted, truth)
    assert 0 <= found.mean_iou <= 1
    assert 0 <= found.label_accuracy <= 1
    assert found.matched + found.missed == len(truth)
    assert found.matched + found.spurious == len(predicted)


@given(boxes)
def test_any_truth_scores_perfectly_against_itself(truth):
    found = score(truth, truth)
    assert found.mean_iou == pytest.approx(1)
    assert found.label_accuracy == 1
