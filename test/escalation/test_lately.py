# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What happened a while ago is over."""

from spark_ros.escalation.health.lately import Lately


def test_only_what_grew_within_the_window_counts() -> None:
    lately = Lately(60.0, 0.0)
    assert lately.update({'drops': 0, 'others': 0}, 1.0) == {}
    assert lately.update({'drops': 2, 'others': 0}, 2.0) == {'drops': 2}
    assert lately.update({'drops': 5, 'others': 1}, 30.0) == {'drops': 5, 'others': 1}
    assert lately.update({'drops': 5, 'others': 1}, 62.0) == {'drops': 3, 'others': 1}
    assert lately.update({'drops': 5, 'others': 1}, 90.0) == {}


def test_what_was_counted_before_the_first_look_counts() -> None:
    assert Lately(60.0, 0.0).update({'drops': 7}, 0.5) == {'drops': 7}


def test_the_span_is_what_the_looks_cover() -> None:
    lately = Lately(10.0, 100.0)
    spans = []
    for second in range(1, 31):
        counts = lately.update({'frames': 5 * second}, 100.0 + second)
        spans.append(lately.span_s)
    assert spans[2] == 3.0 and spans[-1] == 10.0
    assert counts == {'frames': 50}


def test_looks_far_apart() -> None:
    lately = Lately(10.0, 0.0)
    lately.update({'frames': 3}, 1000.0)
    assert lately.update({'frames': 4}, 5000.0) == {'frames': 1}
