# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Precision, recall and F1, and the fair comparison."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.demo.scoring import Counts, Detection
from spark_ros.demo.warehouse.comparison import Frame, compare, count, is_clear
from spark_ros.demo.warehouse.plot import smoothed
from spark_ros.demo.warehouse.report import table

BOX = (10.0, 10.0, 40.0, 40.0)
FAR = (200.0, 10.0, 40.0, 40.0)
HALF = (10.0, 10.0, 40.0, 20.1)
LESS = (10.0, 10.0, 40.0, 19.9)

labels = st.sampled_from(['crate', 'ball'])
boxes = st.tuples(*[st.floats(0, 90)] * 2, *[st.floats(15, 60)] * 2)
truths = st.lists(
    st.builds(Detection, labels, boxes, st.sampled_from([0.1, 0.5, 1.0])), max_size=4)
frames = st.lists(
    st.builds(
        Frame, truths, st.lists(st.builds(Detection, labels, boxes, st.floats(0, 1)), max_size=4),
        st.none() | st.lists(st.builds(Detection, labels, boxes), max_size=4)),
    max_size=4)


def true(label: str = 'crate', box=BOX, share: float = 1.0) -> Detection:
    return Detection(label, box, share)


@pytest.mark.parametrize(('claimed', 'counts'), [
    ([], Counts(0, 0, 1)),
    ([('crate', BOX)], Counts(1, 0, 0)),
    ([('ball', BOX)], Counts(0, 1, 1)),
    ([('crate', FAR)], Counts(0, 1, 1)),
    ([('crate', HALF)], Counts(1, 0, 0)),
    ([('crate', LESS)], Counts(0, 1, 1)),
    ([('crate', BOX), ('crate', BOX)], Counts(1, 1, 0)),
])  # fmt: skip
def test_a_claim_is_right_with_the_label_and_half_of_the_box(claimed, counts):
    assert count([Detection(*each) for each in claimed], [true()]) == counts


@pytest.mark.parametrize('claimed', [[], [('crate', BOX)], [('ball', BOX)]])
@pytest.mark.parametrize('hidden', [
    true(share=0.2), true(box=(10.0, 10.0, 40.0, 13.0)),
])  # fmt: skip
def test_what_is_hardly_seen_counts_neither_way(claimed, hidden):
    near = [Detection(label, hidden.box) for label, _ in claimed]
    assert count(near, [hidden]) == Counts(0, 0, 0)


def test_measures_are_those_of_the_books():
    counts = Counts(right=6, spurious=2, missed=4)
    assert (counts.precision, counts.recall) == (0.75, 0.6)
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert (Counts().precision, Counts().recall, Counts().f1) == (1, 1, 1)


def test_the_detector_is_taken_at_its_best_and_an_answer_replaces_it():
    wrong, right = Detection('crate', FAR, 0.5), Detection('crate', BOX, 0.6)
    answered = Frame([true()], [wrong], [Detection('crate', BOX)])
    compared = compare([Frame([true()], [wrong, right]), answered])
    assert compared.threshold == 0.6
    assert compared.alone == Counts(1, 0, 1) and compared.together == Counts(2, 0, 0)
    assert (compared.frames, compared.asked) == (2, 1)
    assert 'detector + resolutions       1.000   1.000  1.000' in table(compared)


@given(frames, st.floats(0, 1))
def test_no_other_threshold_is_better_for_the_detector(given_frames, threshold):
    compared = compare(given_frames)
    other = sum((count(f.alone(threshold), f.truth) for f in given_frames), Counts())
    # Above every score nothing is claimed at all, which is no detector.
    if any(claim.score >= threshold for frame in given_frames for claim in frame.claims):
        assert compared.alone.f1 >= other.f1 - 1e-12


@given(truths)
def test_the_truth_itself_is_perfect(truth):
    claimed = [one for one in truth if is_clear(one)]
    counted = count(claimed, truth)
    assert counted.right + counted.missed == len(claimed)
    assert counted.missed == 0 and counted.f1 == 1


@given(frames)
def test_without_answers_nothing_is_gained_or_lost(given_frames):
    unasked = [Frame(frame.truth, frame.claims) for frame in given_frames]
    compared = compare(unasked)
    assert compared.alone == compared.together and compared.asked == 0


def test_each_point_of_the_plot_is_over_five_frames():
    counted = [Counts(right=1)] * 4 + [Counts(missed=1)] * 4
    assert smoothed(counted)[:2] == [1, 1]
    assert smoothed(counted)[3] == pytest.approx(Counts(right=3, missed=2).f1)
