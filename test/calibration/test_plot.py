# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A plot shows all that it is given."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from spark_ros.calibration.plot import HEIGHT, WIDTH, Series, as_file, plot, round_up

numbers = st.floats(0, 1e6, allow_subnormal=False)
points = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20)


@given(points, st.booleans(), st.tuples(numbers, numbers), st.text(max_size=9))
def test_everything_is_within(some, dots: bool, mark, name: str) -> None:
    name = ''.join(char for char in name if char.isprintable())
    made = plot(Series(some, dots), name, name, promise=0.05, chosen=mark, present=mark)
    root = ElementTree.fromstring(made)
    circles = root.findall('circle')
    assert len(circles) == 2 + (len(some) if dots else 0)
    for circle in circles:
        assert 0 <= float(circle.attrib['cx']) <= WIDTH
        assert 0 <= float(circle.attrib['cy']) <= HEIGHT


@given(points, points, st.text(max_size=9), st.tuples(numbers, numbers))
def test_a_second_line_and_named_points(some, more, name: str, point) -> None:
    """Are within, and a file of its own is well-formed."""
    name = ''.join(char for char in name if char.isprintable())
    made = as_file(plot(Series(some), 'x', 'y', second=Series(more), named={name: point}))
    root = ElementTree.fromstring(made)
    _, second = root.findall('{*}polyline')
    for place in second.attrib['points'].split():
        x, y = map(float, place.split(','))
        assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
    assert name in [text.text or '' for text in root.findall('{*}text')]
    assert len(root.findall('{*}circle')) == 1


@given(st.floats(1e-12, 1e12))
def test_an_axis_ends_soon_after_its_data(most: float) -> None:
    assert most * (1 - 1e-9) <= round_up(most) <= 2.01 * most
