# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The laws of the score."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.demo.scoring import Counts, Detection, match, score

CAT = Detection('cat', (0.0, 0.0, 10.0, 10.0))
DOG = Detection('dog', (50.0, 50.0, 20.0, 10.0))
CAT_AS_DOG = CAT._replace(label='dog')

sides = st.floats(1, 100)
boxes = st.lists(
    st.builds(Detection, st.sampled_from(['cat', 'dog']), st.tuples(sides, sides, sides, sides)),
    max_size=6,
)


def means(counts: Counts) -> tuple[float, float]:
    return counts.mean_iou, counts.label_accuracy


def test_the_truth_itself_is_perfect():
    found = score([DOG, CAT], [CAT, DOG])
    assert found == Counts(right=2, iou=2.0) and means(found) == (1.0, 1.0)


def test_missed_and_spurious_objects_count_as_nothing_right():
    for claimed, true, counts, mean in (
        ([], [CAT], Counts(missed=1), 0.0),
        ([CAT], [], Counts(spurious=1), 0.0),
        ([CAT, DOG], [CAT], Counts(right=1, spurious=1, iou=1.0), 0.5),
        ([CAT], [CAT, DOG], Counts(right=1, missed=1, iou=1.0), 0.5),
    ):
        found = score(claimed, true)
        assert found == counts and means(found) == (mean, mean)


def test_where_nothing_is_and_nothing_is_claimed_all_is_right():
    assert score([], []) == Counts() and means(Counts()) == (1.0, 1.0)


def test_a_right_box_with_a_wrong_label_is_matched_but_wrong():
    found = score([CAT_AS_DOG], [CAT])
    assert found == Counts(mislabelled=1, iou=1.0) and means(found) == (1.0, 0.0)
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)
    assert match([CAT_AS_DOG], [CAT], same_label=True) == []


def test_labels_decide_between_equal_boxes():
    assert score([CAT_AS_DOG, CAT], [CAT, CAT_AS_DOG]).label_accuracy == 1.0


def test_the_better_box_takes_the_object():
    loose = Detection('cat', (0.0, 0.0, 10.0, 14.0))
    assert [(each.predicted, each.true) for each in match([loose, CAT], [CAT])] == [(1, 0)]


def test_a_box_that_hardly_touches_is_no_match():
    found = score([Detection('cat', (8.0, 0.0, 10.0, 10.0))], [CAT])
    assert found == Counts(spurious=1, missed=1) and means(found) == (0.0, 0.0)


def test_frames_are_combined_by_their_objects():
    together = sum((score([CAT], [CAT]), score([], [CAT, DOG]), score([], [])), Counts())
    assert together == Counts(right=1, missed=2, iou=1.0)
    assert means(together) == pytest.approx((1 / 3, 1 / 3))


@given(boxes, boxes)
def test_scores_stay_in_range_and_every_object_is_counted(predicted, truth):
    found = score(predicted, truth)
    assert 0 <= found.mean_iou <= 1
    assert 0 <= found.label_accuracy <= 1
    matched = found.right + found.mislabelled
    assert matched + found.missed == len(truth)
    assert matched + found.spurious == len(predicted)


@given(boxes)
def test_any_truth_scores_perfectly_against_itself(truth):
    found = score(truth, truth)
    assert found.mean_iou == pytest.approx(1)
    assert found.label_accuracy == 1
