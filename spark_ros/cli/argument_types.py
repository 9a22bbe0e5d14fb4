# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What argparse reads an argument with, so that it says what was wrong with it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

T = TypeVar('T')


def checked(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return a parser for an argument that shows the message of a ValueError."""

    def told(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return told


def whole(most: int, what: str, least: int = 0) -> Callable[[str], int]:
    """Return a parser for a whole number up to `most`; errors say that it must be `what`."""

    def read(text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) <= 18
        if not digits or not least <= int(text) <= most:
            raise ValueError(f'{text!r} is not {what}')
        return int(text)

    return checked(read)


def number(least: float, most: float, what: str) -> Callable[[str], float]:
    """Return a parser for a number from `least` to `most`; errors say that it must be `what`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1.0
        if not least <= value <= most:
            raise ValueError(f'{text!r} is not {what}')
        return value

    return checked(read)
