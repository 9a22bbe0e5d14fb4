# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How far two answers agree, for each kind of question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spark_ros.geometry import Box, ImageSize, corners, iou
from spark_ros.service.operators import shape_matching
from spark_ros.service.operators.agreement import agreement as agreement_of_images
from spark_ros.service.operators.agreement import disagree
from spark_ros.wire.heat import HeatRequest, parse_heat_request

NO_ANSWER: dict[str, Any] = {}
PICTURE = ['https://example.com/a.jpg']


def shape(left: float, top: float, size: float = 0.1, label: str = 'crate') -> dict[str, Any]:
    ends = (left, top), (left + size, top), (left + size, top + size), (left, top + size)
    vertices = [{'x': x, 'y': y} for x, y in ends]
    return {'label': label, 'type': 'bounding_box', 'vertices': vertices}


def polygon(*points: tuple[float, float], label: str = 'crate') -> dict[str, Any]:
    vertices = [{'x': str(x), 'y': str(y)} for x, y in points]
    return {'label': label, 'type': 'polygon' if len(points) > 1 else 'dot', 'vertices': vertices}


def answer(*shapes: dict[str, Any], **more: Any) -> dict[str, Any]:
    lists = {'annotations': [*shapes], 'confirmed_annotations': [], 'removed_annotations': []}
    return {'response': '', **lists, **more}


def heat(kind: str, **body: Any) -> HeatRequest:
    return parse_heat_request(kind, {'instruction': 'Look.', **body})


def agreement(
    asked: HeatRequest | None, first: dict[str, Any], second: dict[str, Any],
    sizes: Sequence[ImageSize | None] = (),
) -> float | None:  # fmt: skip
    """Compare two answers to a question with one image."""
    return agreement_of_images(asked, [first], [second], sizes)


def response(value: Any) -> dict[str, Any]:
    return {'response': value}


def test_shapes_are_matched_by_overlap_and_label() -> None:
    first = answer(shape(0.1, 0.1), shape(0.5, 0.5))
    assert agreement(None, first, first) == 1
    # Confirmed by one, drawn anew at nearly the same place by the other.
    near = answer(shape(0.11, 0.1), confirmed_annotations=[shape(0.5, 0.5)])
    assert agreement(None, first, near) == 1
    assert agreement(None, first, answer(shape(0.1, 0.1))) == pytest.approx(2 / 3)
    assert agreement(None, first, answer(shape(0.1, 0.1), shape(0.5, 0.5, label='cup'))) == 0.5
    assert agreement(None, first, answer(shape(0.16, 0.1), shape(0.5, 0.5))) == 0.5
    assert agreement(None, first, answer()) == 0
    assert agreement(None, answer(), answer(removed_annotations=[shape(0.1, 0.1)])) == 1


def test_as_many_as_possible_are_paired() -> None:
    first = answer(shape(0.10, 0.1), shape(0.13, 0.1))
    assert agreement(None, first, answer(shape(0.135, 0.1), shape(0.105, 0.1))) == 1
    # Each would rather have the one in the middle.
    assert agreement(None, first, answer(shape(0.129, 0.1), shape(0.16, 0.1))) == 1
    # Drawn twice by one of them.
    assert agreement(None, first, answer(*3 * [shape(0.1, 0.1)])) == pytest.approx(4 / 5)


def test_polygons_by_area_and_dots_by_distance() -> None:
    whole = answer(polygon((0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.1, 0.5)))
    most = answer(polygon((0.1, 0.1), (0.5, 0.1), (0.5, 0.35), (0.1, 0.35)))
    half = answer(polygon((0.1, 0.1), (0.5, 0.1), (0.1, 0.45)))
    assert agreement(None, whole, most) == 1
    assert agreement(None, whole, half) == 0
    # The same area as a box.
    assert agreement(None, whole, answer(shape(0.1, 0.1, 0.4))) == 1
    dot = answer(polygon((0.5, 0.5)))
    assert agreement(None, dot, answer(polygon((0.52, 0.52)))) == 1
    assert agreement(None, dot, answer(polygon((0.53, 0.53)))) == 0
    assert agreement(None, dot, whole) == 0


def test_a_response_counts_where_there_are_no_shapes() -> None:
    assert agreement(None, answer(response=' A  crate'), answer(response='a Crate ')) == 1
    assert agreement(None, answer(response='a crate'), answer(response='a cup')) == 0
    one = answer(shape(0.1, 0.1), response='moved')
    assert agreement(None, one, answer(shape(0.1, 0.1))) == 1


def test_that_it_cannot_be_answered() -> None:
    assert agreement(None, NO_ANSWER, NO_ANSWER) == 1
    assert agreement(None, answer(), NO_ANSWER) == 0
    assert agreement(heat('rating'), response(3), NO_ANSWER) == 0


def test_choices_ratings_and_words() -> None:
    choice = heat('multiple-choice', choices=['a', 'b', 'c'], max_answers=3)
    assert agreement(choice, response(['a', 'b']), response(['b', 'c'])) == pytest.approx(1 / 3)
    assert agreement(choice, response([]), response([])) == 1
    scale = heat('rating', rating_min=1, rating_max=5)
    assert agreement(scale, response(1), response(5)) == 0
    assert agreement(scale, response(4), response(5)) == 0.75
    words = heat('free-text')
    assert agreement(words, response('Two\ncups'), response('two cups')) == 1
    assert agreement(words, response('1'), response('1.0')) == 0
    number = heat('free-text', validation='number')
    assert agreement(number, response('1'), response('1.0')) == 1
    assert agreement(heat('image'), response('/a'), response('/b')) is None


def test_marks_of_heat() -> None:
    boxes = heat(
        'annotations-with-multiple-choice', annotations_type='rectangle', attachments=PICTURE,
        attachments_type='image', per_annotation={'instruction': 'What?', 'choices': ['a', 'b']},
    )  # fmt: skip
    box = {'x': 10, 'y': 10, 'x2': 110, 'y2': 110}
    first = response([{**box, 'response': ['a']}])
    assert agreement(boxes, first, response([{**box, 'x': 20, 'response': ['a']}])) == 1
    assert agreement(boxes, first, response([{**box, 'response': ['b']}])) == 0
    points = heat('annotations', attachments=PICTURE, attachments_type='image')
    one, other = (response([{'x': x, 'y': 50}]) for x in (50, 60))
    assert agreement(points, one, other, [ImageSize(1000, 1000)]) == 1
    assert agreement(points, one, other, [ImageSize(100, 100)]) == 0
    text = heat('annotations', attachments=['one two three'])
    span = response([{'start': 0, 'end': 7}])
    assert agreement(text, span, response([{'start': 0, 'end': 8}])) == 1
    assert agreement(text, span, response([{'start': 4, 'end': 13}])) == 0
    sound = heat('annotations', attachments=PICTURE, attachments_type='audio')
    assert agreement(sound, response([{'t': 3}]), response([{'t': 3.5}])) == 1
    assert agreement(sound, response([{'t': 3}]), response([{'t': 5}])) == 0


def test_what_is_a_disagreement() -> None:
    assert [disagree(each) for each in (None, 0.95, 0.94, 0.0)] == [False, False, True, True]
    ten = [shape(at / 20, 0.1, 0.04) for at in range(10)]
    assert disagree(agreement(None, answer(*ten), answer(*ten[1:])))


def test_several_images_have_one_agreement() -> None:
    box, said = shape(0.1, 0.1), {'response': 'a cat'}
    two, other = [answer(box, **said), answer(**said)], [answer(box), answer()]
    assert agreement_of_images(None, two, two) == 1
    # What is written is of all images, and does not count where one has shapes.
    assert agreement_of_images(None, two, other) == 1
    assert agreement_of_images(None, [answer(**said)] * 2, [answer()] * 2) == 0
    assert agreement_of_images(None, [answer(**said)] * 2, [answer(**said)] * 2) == 1
    removed = answer(removed_annotations=[box], **said)
    assert agreement_of_images(None, [answer(**said), removed], [answer(), removed]) == 1
    # Where a shape is counts, and all count together.
    assert agreement_of_images(None, two, other[::-1]) == 0
    assert agreement_of_images(None, [answer(box)] * 2, other) == pytest.approx(2 / 3)
    assert agreement_of_images(None, [NO_ANSWER] * 2, [NO_ANSWER] * 2) == 1
    assert agreement_of_images(None, two, [NO_ANSWER] * 2) == 0


def moved(count: int, by: float) -> dict[str, Any]:
    """Boxes beside each other, which overlap with few others."""
    places = [divmod(at, 20) for at in range(count)]
    return answer(*(shape(0.045 * x + by, 0.06 * y, 0.05) for y, x in places))


def test_many_shapes_that_were_all_moved_a_little() -> None:
    assert agreement(None, moved(300, 0.0), moved(300, 0.0002)) == 1
    assert agreement(None, moved(300, 0.0), moved(300, 0.045 / 2)) == 0


def circles(count: int, turned: float, at: float = 0.5) -> dict[str, Any]:
    """Polygons of 50 corners that all overlap."""
    steps = [turned + 2 * math.pi * step / 50 for step in range(50)]
    radii = [0.1 + 0.3 * number / count for number in range(count)]
    return answer(*(
        polygon(*((at + radius * math.cos(a), 0.5 + radius * math.sin(a)) for a in steps))
        for radius in radii
    ))  # fmt: skip


def test_each_polygon_is_drawn_at_few_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    draw = shape_matching.ImageDraw.Draw

    def counting(image: Any) -> Any:
        drawn.append(image.size)
        return draw(image)

    monkeypatch.setattr(shape_matching.ImageDraw, 'Draw', counting)
    assert agreement(None, circles(40, 0.0), circles(40, 0.01)) == 1
    assert 80 <= len(drawn) <= 3 * 80 and max(max(size) for size in drawn) <= 130
    drawn.clear()
    assert agreement(None, circles(1, 0.0, 0.2), circles(1, 0.01, 0.8)) == 0
    assert drawn == []


def test_what_takes_too_long_to_compare_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape_matching, 'MOST_WORK', 10_000)
    some, others = (
        [shape(0.1 + at * 1e-5, top) for at in range(200)] for top in (0.1, 0.1001)
    )
    assert agreement(None, answer(*some), answer(*some)) == 1
    assert agreement(None, answer(*some), answer(*others)) is None
    first, second = answer(*some[:60]), answer(*others[:60])
    assert agreement(None, first, second) == 1
    # The work for all images counts together.
    assert agreement_of_images(None, [first] * 4, [second] * 4) is None


def test_shapes_as_large_as_numbers_go() -> None:
    boxes = heat(
        'annotations', annotations_type='rectangle', attachments=PICTURE,
        attachments_type='image',
    )  # fmt: skip
    large = response([{'x': 0, 'y': 0, 'x2': 10**308, 'y2': 10**308}])
    small = response([{'x': 0.5, 'y': 0.5, 'x2': 10.5, 'y2': 10}])
    assert agreement(boxes, large, small) == agreement(boxes, small, large) == 0


SHAPES = st.lists(
    st.builds(
        shape, st.sampled_from([0.1, 0.12, 0.15, 0.5]), st.sampled_from([0.1, 0.13]),
        st.sampled_from([0.1, 0.2]), st.sampled_from(['crate', 'cup']),
    ),
    max_size=6,
)  # fmt: skip


@given(SHAPES, SHAPES)
def test_laws(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    first, second = answer(*some), answer(*others)
    found = agreement(None, first, second)
    assert found is not None and 0 <= found <= 1
    assert found == agreement(None, second, first)
    assert agreement(None, first, answer(*reversed(some))) == 1


SIDES = st.sampled_from([0.003, 0.01, 0.04, 0.1, 0.25])
BOXES = st.builds(
    lambda x, y, width, height: Box(x, y, x + width, y + height),
    st.floats(0.3, 0.4), st.floats(0.3, 0.4), SIDES, SIDES,
)  # fmt: skip


@given(BOXES, st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.floats(0.4, 1.6))
def test_polygons_have_the_iou_of_what_they_are(
    box: Box, right: float, down: float, times: float
) -> None:
    width, height = box.x1 - box.x0, box.y1 - box.y0
    left, top = box.x0 + right * width, box.y0 + down * height
    other = Box(left, top, left + times * width, top + times * height)
    exact = iou(box, other)
    assume(abs(exact - 0.5) > 0.03)
    first, second = (answer(polygon(*corners(each))) for each in (box, other))
    assert agreement(None, first, second) == float(exact > 0.5)


@given(SHAPES, SHAPES)
def test_no_pair_is_overlooked(
    some: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    """Of those that are not equal, as many are paired as when all ways to do it are tried."""
    some, others = some[:4], [each for each in others if each not in some[:4]][:4]
    near = [
        [agreement(None, answer(one), answer(other)) == 1 for other in others] for one in some
    ]

    def most(row: int, taken: frozenset[int]) -> int:
        if row == len(some):
            return 0
        free = [at for at, each in enumerate(near[row]) if each and at not in taken]
        paired = (1 + most(row + 1, taken | {at}) for at in free)
        return max(most(row + 1, taken), *paired, 0)

    total = len(some) + len(others)
    expected = 2 * most(0, frozenset()) / total if total else 1.0
    assert agreement(None, answer(*some), answer(*others)) == expected
