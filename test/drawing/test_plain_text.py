# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whatever people write becomes letters that can be drawn, or says that it cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.drawing.plain_text import LONGEST, is_plain, plain

ANY_TEXT = st.text(st.characters(blacklist_categories=()), max_size=50)


@given(ANY_TEXT)
def test_nothing_but_printable_ascii_comes_out(text: str) -> None:
    drawn = plain(text)
    assert drawn.isascii() and (drawn.isprintable() or not drawn)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_ascii_stays_as_it_is(text: str) -> None:
    assert plain(text) == text
    assert is_plain(text)


@pytest.mark.parametrize(
    ('text', 'drawn'),
    [
        ('Küche, café', 'Kuche, cafe'),
        ('Straße', 'Strasse'),
        ('\u201cno\u201d \u2013 ok\u2026', '"no" - ok...'),
        ('猫', '[U+732B]'),
        ('cat 猫 nose', 'cat [U+732B] nose'),
        ('Слишком темно', '[12 letters]'),
        ('고양이', '[U+ACE0 U+C591 U+C774]'),
        ('\x1b[31mred\x00', '[31mred'),
        ('two\nlines', 'two lines'),
        ('\u202eback', 'back'),
        ('half \ud800', 'half '),
    ],
)
def test_other_letters(text: str, drawn: str) -> None:
    assert plain(text) == drawn
    assert is_plain(text) == ('letters]' not in drawn and 'U+' not in drawn)


def test_two_labels_that_cannot_be_drawn_still_differ() -> None:
    assert plain('猫') != plain('犬')


def test_text_without_end_has_one() -> None:
    assert len(plain('x' * 10**6)) == LONGEST
    assert len(plain('é' * 10**6)) == LONGEST
