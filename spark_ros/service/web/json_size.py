# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Limits of JSON, checked on its bytes before it is parsed: nesting and number of values.

A parser holds the GIL until it is done. Two megabytes of `[[],[],…]` would take most of a second,
and a hundred thousand brackets would overflow its stack.
"""

from __future__ import annotations

from itertools import accumulate

from spark_ros.service.errors import ApiError

DEEPEST = 100
MOST_VALUES = 200_000

STRUCTURE = b'"[]{},'
THE_REST = bytes(byte for byte in range(256) if byte not in STRUCTURE)
# What a bracket adds to the depth, as a signed byte.
STEPS = bytes.maketrans(b'[{]}', b'\x01\x01\xff\xff')


def expect_small(raw: bytes) -> None:
    """Check the limits of JSON in UTF-8. Text that is not JSON is left to the parser.

    Raises:
        ApiError: 413 more than MOST_VALUES values, 400 nested deeper than DEEPEST.
    """
    # A backslash hides the character after it, and may itself be hidden.
    unescaped = raw.replace(b'\\\\', b'').replace(b'\\"', b'')
    marks = unescaped.translate(None, THE_REST)
    # Each value is a string at most, and so is its name.
    if marks.count(b'"') > 4 * (MOST_VALUES + 1):
        raise _too_much()
    brackets_and_commas = b''.join(marks.split(b'"')[::2])
    brackets = brackets_and_commas.translate(None, b',')
    commas = len(brackets_and_commas) - len(brackets)
    if commas + brackets.count(b'[') + brackets.count(b'{') > MOST_VALUES:
        raise _too_much()
    depths = accumulate(memoryview(brackets.translate(STEPS)).cast('b'))
    if max(depths, default=0) > DEEPEST:
        raise ApiError(400, f'the body is nested deeper than {DEEPEST} levels')


def _too_much() -> ApiError:
    return ApiError(413, f'the body holds more than {MOST_VALUES} values; send fewer')
