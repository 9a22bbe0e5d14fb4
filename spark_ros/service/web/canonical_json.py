# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""JSON in one form, whatever order and spaces it was sent with, so that it can be compared.

Long lists are written in parts: one call of `json` holds the GIL until it is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

# How many items of a list are written by one call.
AT_ONCE = 256
_encode = json.JSONEncoder(
    sort_keys=True, separators=(',', ':'), ensure_ascii=False, allow_nan=False
).encode


def sha256_of(value: Any, large: bool = True) -> str:
    """Return the SHA-256 of a JSON value's form, in hexadecimal.

    Args:
        large: whether to write it in parts; it has the same form without.

    Raises:
        UnicodeEncodeError: a string cannot be encoded in UTF-8.
        ValueError: a number is not finite.
    """
    parts: list[str] = []
    if large:
        _write(value, parts.append)
    else:
        parts.append(_encode(value))
    return hashlib.sha256(''.join(parts).encode()).hexdigest()


def _write(value: Any, write: Callable[[str], None]) -> None:
    if isinstance(value, dict):
        before = '{'
        for name in sorted(value):
            write(f'{before}{_encode(name)}:')
            _write(value[name], write)
            before = ','
        write('}' if value else '{}')
    elif isinstance(value, list):
        before = '['
        for start in range(0, len(value), AT_ONCE):
            write(before + _encode(value[start : start + AT_ONCE])[1:-1])
            before = ','
        write(']' if value else '[]')
    else:
        write(_encode(value))
