# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""When a robot asks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import doubted

from spark_ros.geometry import Box, iou
from spark_ros.policy import (
    SAME_OBJECT_IOU,
    TRACKER_ID,
    Cooldown,
    HourlyLimit,
    Thresholds,
    certainty,
    ious,
)

scores = st.floats(0, 1)
labels = st.sampled_from(['cat', 'dog', ''])
per_label = st.dictionaries(labels, scores)


@pytest.mark.parametrize(
    ('score', 'counts', 'asks'),
    [(0.0, False, False), (0.0999, False, False), (0.1, True, True), (0.5999, True, True),
     (0.6, True, False), (1.0, True, False)],
)  # fmt: skip
def test_asks_from_ignore_below_up_to_ask_below(score: float, counts: bool, asks: bool) -> None:
    thresholds = Thresholds(ask_below=0.6, ignore_below=0.1)
    assert thresholds.counts('cat', score) is counts
    assert thresholds.doubted('cat', score) is asks


def test_a_label_has_thresholds_of_its_own() -> None:
    thresholds = Thresholds(0.6, 0.1, {'person': 0.95}, {'leaf': 0.5})
    assert thresholds.doubted('person', 0.9) and not thresholds.doubted('cat', 0.9)
    assert not thresholds.counts('leaf', 0.4) and thresholds.counts('cat', 0.4)
    assert not thresholds.doubted('leaf', 0.4)


@given(scores, scores, per_label, per_label, labels, scores)
def test_what_is_doubted_counts(
    ask: float,
    ignore: float,
    ask_of: dict[str, float],
    ignore_of: dict[str, float],
    label: str,
    score: float,
) -> None:
    thresholds = Thresholds(ask, ignore, ask_of, ignore_of)
    assert thresholds.counts(label, score) or not thresholds.doubted(label, score)
    if thresholds.doubted(label, score):
        assert score < ask_of.get(label, ask)


def test_an_object_is_asked_about_once_in_its_cooldown() -> None:
    cooldown = Cooldown()
    cat = doubted()
    assert cooldown.fresh([cat], 100.0, 30.0) == [cat]
    cooldown.start([cat], 100.0)
    assert cooldown.fresh([cat], 129.9, 30.0) == []
    assert cooldown.fresh([cat], 130.0, 30.0) == [cat]


def test_another_label_or_place_is_another_object() -> None:
    cooldown = Cooldown()
    cooldown.start([doubted('cat')], 0.0)
    dog, elsewhere = doubted('dog'), doubted(box=Box(0.8, 0.8, 0.9, 0.9))
    assert cooldown.fresh([dog, elsewhere], 1.0, 30.0) == [dog, elsewhere]


def test_an_object_that_moves_bit_by_bit_stays_the_same() -> None:
    cooldown = Cooldown()
    boxes = [Box(x / 100, 0.2, x / 100 + 0.2, 0.4) for x in range(0, 80, 4)]
    cooldown.start([doubted(box=boxes[0])], 0.0)
    for at, box in enumerate(boxes[1:], 1):
        assert cooldown.fresh([doubted(box=box)], float(at), 30.0) == [], box
    assert iou(boxes[0], boxes[-1]) < SAME_OBJECT_IOU


def test_a_later_detection_does_not_prolong_the_wait() -> None:
    cooldown = Cooldown()
    cooldown.start([doubted()], 0.0)
    for at in range(30):
        assert cooldown.fresh([doubted()], float(at), 30.0) == []
    assert cooldown.fresh([doubted()], 30.0, 30.0)


def test_a_tracker_id_says_which_object_it_is() -> None:
    cooldown = Cooldown()
    far = Box(0.8, 0.8, 0.9, 0.9)
    cooldown.start([doubted(attributes={TRACKER_ID: '7'})], 0.0)
    assert cooldown.fresh([doubted(box=far, attributes={TRACKER_ID: '7'})], 1.0, 30.0) == []
    assert cooldown.fresh([doubted('dog', box=far, attributes={TRACKER_ID: '7'})], 1.0, 30.0) == []
    assert len(cooldown.fresh([doubted(attributes={TRACKER_ID: '8'})], 1.0, 30.0)) == 1
    assert len(cooldown.fresh([doubted()], 1.0, 30.0)) == 1


def test_no_cooldown_asks_every_time() -> None:
    cooldown = Cooldown()
    cooldown.start([doubted()], 5.0)
    assert cooldown.fresh([doubted()], 5.0, 0.0)


@given(
    st.lists(st.tuples(labels, st.floats(0, 0.9), st.floats(0, 5)), max_size=12),
    st.floats(0.1, 20),
)
def test_two_questions_about_one_object_are_a_cooldown_apart(
    frames: list[tuple[str, float, float]], cooldown_s: float
) -> None:
    cooldown, now = Cooldown(), 0.0
    asked: dict[str, float] = {}
    for label, _, pause in frames:
        now += pause
        seen = doubted(label)
        if cooldown.fresh([seen], now, cooldown_s):
            assert now - asked.get(label, -1e9) >= cooldown_s * (1 - 1e-9)
            asked[label] = now
        cooldown.start([seen], now)


def test_the_hourly_limit_slides() -> None:
    limit = HourlyLimit()
    limit.count(0.0)
    assert not limit.reached(1.0, 2)
    limit.count(1800.0)
    assert limit.reached(3599.0, 2)
    assert not limit.reached(3600.0, 2)
    assert not limit.reached(1800.0, 0)


@given(st.integers(1, 5), st.lists(st.floats(0, 3000), max_size=40))
def test_no_hour_holds_more_than_the_limit(per_hour: int, pauses: list[float]) -> None:
    limit, now, asked = HourlyLimit(), 0.0, []
    for pause in pauses:
        now += pause
        if not limit.reached(now, per_hour):
            limit.count(now)
            asked.append(now)
    for at in asked:
        assert sum(at - 3600.0 < other <= at for other in asked) <= per_hour


def test_the_lowest_score_is_the_certainty() -> None:
    assert certainty([doubted(score=0.4), doubted(score=0.2), doubted(score=0.5)]) == 0.2
    assert certainty([]) == 1.0


coordinates = st.lists(st.floats(0, 1), min_size=4, max_size=4)
boxes = coordinates.map(
    lambda c: Box(min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)


@given(st.lists(boxes, min_size=1, max_size=5), st.lists(boxes, min_size=1, max_size=5))
def test_many_overlaps_at_once_are_those_of_two(some: list[Box], others: list[Box]) -> None:
    at_once = ious(np.array(some), np.array(others))
    expected = [[iou(a, b) for b in others] for a in some]
    np.testing.assert_allclose(at_once, expected, atol=1e-9)


def test_many_objects_of_one_frame_are_told_apart_and_followed() -> None:
    """More than are compared at once, so that those beside each other must not be missed."""
    cooldown = Cooldown()
    places = [(x / 20, y / 20) for x in range(20) for y in range(20)]
    frame = [doubted(box=Box(x, y, x + 0.04, y + 0.04)) for x, y in places]
    assert cooldown.fresh(frame, 0.0, 30.0) == frame
    cooldown.start(frame, 0.0)
    moved = [doubted(box=Box(x + 0.008, y, x + 0.048, y + 0.04)) for x, y in places]
    new = doubted('dog', box=Box(0.5, 0.5, 0.54, 0.54))
    assert cooldown.fresh([*reversed(moved), new], 1.0, 30.0) == [new]
    assert len(cooldown) == 400


def test_while_too_many_objects_cool_down_nothing_is_fresh() -> None:
    """It could not be told from what was asked already."""
    cooldown = Cooldown(most=3)
    frame = [doubted(box=Box(x / 10, 0.1, x / 10 + 0.08, 0.2)) for x in range(5)]
    assert cooldown.fresh(frame, 0.0, 30.0) == frame[:3]
    cooldown.start(frame[:3], 0.0)
    tracked = doubted(attributes={TRACKER_ID: '9'})
    assert cooldown.full and cooldown.fresh([*frame, tracked], 29.0, 30.0) == []
    assert len(cooldown.fresh([*frame, tracked], 30.0, 30.0)) == 3
    assert not cooldown.full and len(cooldown) == 0
