# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How deep and how much JSON is, told from its bytes: as a parser would, and before one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.service.errors import ApiError
from spark_ros.service.web.json_size import DEEPEST, MOST_VALUES, expect_small

MARKS = st.text('"\\[]{},:aü\n')
VALUES = st.recursive(
    MARKS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(MARKS, inner),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0)


def status(raw: bytes) -> int:
    try:
        expect_small(raw)
    except ApiError as error:
        return error.status
    return 200


@given(VALUES, st.booleans())
def test_the_depth_is_the_parsers(value: Any, ascii: bool) -> None:
    above = DEEPEST - depth(value)
    fits = b'[' * above + json.dumps(value, ensure_ascii=ascii).encode() + b']' * above
    assert status(fits) == 200
    assert status(b'[' + fits + b']') == 400


@given(st.binary())
def test_no_bytes_are_too_much_for_it(raw: bytes) -> None:
    expect_small(raw)


@pytest.mark.parametrize(
    'raw',
    [
        b'[' + b'[],' * 700_000 + b'[]]', b'[' + b'"",' * 700_000 + b'""]', b'"' * 2_000_000,
        b'[' + b'{"a":1},' * 200_000 + b'{}]', b'[' * 2_000_000, b'["' * 700_000,
    ],
    ids=['lists', 'strings', 'quotation marks', 'objects', 'brackets', 'unclosed'],
)  # fmt: skip
def test_what_holds_too_much_is_413(raw: bytes) -> None:
    assert status(raw) == 413


@pytest.mark.parametrize(
    'inside', [b'[' * 1_000_000, b'\\"[' * 500_000, b'\\\\' * 500_000, b'\\\\\\"[,' * 300_000]
)
def test_a_string_holds_one_value_whatever_is_in_it(inside: bytes) -> None:
    assert status(b'["' + inside + b'"]') == 200


def test_the_number_of_values_is_sharp() -> None:
    assert status(b'[' + b'1,' * (MOST_VALUES - 1) + b'1]') == 200
    assert status(b'[' + b'1,' * MOST_VALUES + b'1]') == 413
