# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is drawn can be read, stays within the picture, and costs no copy of a large one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.drawing import canvas
from spark_ros.drawing.canvas import Canvas
from spark_ros.drawing.marks import (
    BEFORE,
    DOUBTED,
    PRIOR,
    STYLES,
    Mark,
    on_picture,
    outline,
    prior_mark,
)
from spark_ros.geometry import Box, corners
from spark_ros.model import CorrectionKind, box_annotation

BOX = corners(Box(0.2, 0.3, 0.6, 0.7))
GREY = 128


def grey(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def test_a_large_picture_is_drawn_on_in_place() -> None:
    pixels = grey(1920, 1080)
    drawn = Canvas(pixels)
    drawn.draw([Mark(PRIOR, 'cat', BOX)])
    assert drawn.picture() is pixels and (pixels != GREY).any()


@pytest.mark.parametrize(
    'size', [(1, 1), (2, 3), (96, 64), (16, 900), (320, 240), (900, 16), (4000, 3000)]
)
def test_every_size_is_drawn_on(size: tuple[int, int]) -> None:
    marks = [Mark(style, style.name, BOX) for style in (PRIOR, DOUBTED, BEFORE)]
    marks += [Mark(style, 'cat > dog', (), BOX) for style in STYLES.values()]
    marks += [Mark(PRIOR, 'nose', [(1.0, 0.0)]), Mark(BEFORE, '', [(0.0, 1.0)])]
    drawn = Canvas(grey(*size))
    drawn.draw(marks)
    assert drawn.picture().shape == (size[1], size[0], 3)
    assert (drawn.picture() != GREY).any()


@pytest.mark.parametrize('width', [320, 640, 1920])
def test_the_line_is_where_the_box_is(width: int) -> None:
    drawn = Canvas(grey(width, width))
    drawn.draw([Mark(STYLES[CorrectionKind.ADDED], '', corners(Box(0.25, 0.25, 0.75, 0.75)))])
    row = (drawn.picture()[width // 2] != GREY).any(axis=1).nonzero()[0]
    left, right = row[row < width // 2], row[row >= width // 2]
    assert abs(left.mean() + 0.5 - width / 4) <= 0.5
    assert abs(right.mean() + 0.5 - width * 3 / 4) <= 0.5


def test_a_line_at_the_edge_is_drawn_whole() -> None:
    inside, at_edge = (Canvas(grey(640, 640)) for _ in range(2))
    inside.draw([Mark(PRIOR, '', corners(Box(0.1, 0.1, 0.9, 0.9)))])
    at_edge.draw([Mark(PRIOR, '', corners(Box(0.0, 0.0, 1.0, 1.0)))])
    widths = [
        (np.abs(each.picture()[320].astype(int) - PRIOR.colour).max(axis=1) < 20).sum()
        for each in (inside, at_edge)
    ]
    assert widths[0] == widths[1]


def test_labels_do_not_cover_one_another_while_there_is_room() -> None:
    drawn = Canvas(grey(640, 480))
    taken = np.full((3, 4), -1.0)
    for number in range(3):
        taken[number] = drawn.label(Mark(PRIOR, 'cat', BOX), Box(0, 0, 640, 480), taken)
    assert len({tuple(each) for each in taken}) == 3


def test_a_label_without_end_stays_within_the_picture() -> None:
    drawn = Canvas(grey(640, 480))
    at = drawn.label(Mark(PRIOR, 'W' * 10**6, BOX), Box(0, 0, 640, 480))
    assert 0 <= at.x0 < at.x1 <= 640 and 0 <= at.y0 < at.y1 <= 480


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80), st.floats(0, 500))
def test_text_is_cut_off_as_late_as_it_can_be(text: str, room: float) -> None:
    shown = canvas._shortened(text, 0.5, 1.0, room)
    if shown == text:
        return
    assert not shown or (text.startswith(shown[:-3]) and shown.endswith('...'))
    assert not shown or canvas.text_width(shown, 0.5, 1.0) <= room
    longer = f'{text[: len(shown[:-3]) + 1]}...'
    assert canvas.text_width(longer, 0.5, 1.0) > room or len(longer) > len(text) + 2


def test_what_is_not_on_the_picture_is_left_out() -> None:
    beyond = [(1.5, 0.1), (1.9, 0.1), (1.9, 0.2)]
    assert on_picture([Mark(PRIOR, 'cat', outline(beyond))]) == []
    assert outline([(-1.0, 0.5), (2.0, 0.5)]) == [(0.0, 0.5), (1.0, 0.5)]


def test_a_doubted_prior_is_told_from_the_others() -> None:
    box = Box(0.2, 0.3, 0.6, 0.7)
    sure = prior_mark(box_annotation('cat', box, score=0.9), BOX)
    doubted = prior_mark(box_annotation('', box, attributes={'doubted': 'true'}), BOX)
    assert (sure.style, sure.words) == (PRIOR, 'cat  90%')
    assert (doubted.style, doubted.words) == (DOUBTED, 'object ?')


@pytest.mark.parametrize(
    'text', ['\x00\x1b[2J', '猫' * 300, 'W' * 100_000, '\ud800', 'a\n' * 5000, '%s %n {0}', 'ß']
)
def test_no_text_spoils_a_picture(text: str) -> None:
    drawn = Canvas(grey(320, 240))
    drawn.draw([Mark(PRIOR, text, BOX), Mark(PRIOR, text, [(0.9, 0.9)])])
    drawn.text(text, (10.0, 10.0), room=100.0)
    drawn.legend([(text, PRIOR)], 10.0, 200.0, 300.0)
    assert drawn.picture().shape == (240, 320, 3)
