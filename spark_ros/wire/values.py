# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Check and write single JSON values; every error names the field and what was wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

DECIMAL = re.compile(r'[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?', re.ASCII)
KINDS = {
    type(None): 'null', bool: 'a boolean', int: 'a number', float: 'a number', list: 'an array',
}  # fmt: skip
MAX_TEXT = 20_000
MAX_URL = 8_192
MAX_DECIMAL = 400  # characters: the smallest float has some 340


class WireError(ValueError):
    """JSON that does not follow the API's page; the message names the field."""


def expect_object(value: Any, name: str) -> Mapping[str, Any]:
    """Return a JSON object, or raise WireError."""
    if not isinstance(value, dict):
        raise WireError(f'{name} must be an object, not {kind_of(value)}')
    return value


def expect_list(value: Any, name: str) -> list[Any]:
    """Return a JSON array, or raise WireError."""
    if not isinstance(value, list):
        raise WireError(f'{name} must be an array, not {kind_of(value)}')
    return value


def expect_text(value: Any, name: str, longest: int = MAX_TEXT) -> str:
    """Return a string of at most `longest` characters that UTF-8 can hold, or raise WireError."""
    if not isinstance(value, str):
        raise WireError(f'{name} must be a string, not {kind_of(value)}')
    if len(value) > longest:
        raise WireError(f'{name} has {len(value)} characters; at most {longest} are accepted')
    if '\x00' in value or (
        not value.isascii() and any('\ud800' <= char <= '\udfff' for char in value)
    ):
        raise WireError(f'{name} holds a character that is not text')
    return value


def utf8_text(text: str) -> str:
    """Return a text with `?` for each half of a surrogate pair: JSON may have it, UTF-8 cannot."""
    return text.encode('utf-8', 'replace').decode('utf-8')


def expect_url(value: Any, name: str) -> str:
    """Return a well-formed http or https URL, or raise WireError."""
    text = expect_text(value, name, MAX_URL).strip()
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise WireError(f'{name} is not a well-formed URL') from None
    if parts.scheme not in ('http', 'https') or not parts.hostname or not port_is_valid:
        raise WireError(f'{name} must be a well-formed http or https URL')
    if len(text.split()) > 1:
        raise WireError(f'{name} must not contain spaces')
    return text


def optional(body: Mapping[str, Any], name: str, default: Any) -> Any:
    """Return a field; null is as if it were missing."""
    value = body.get(name)
    return default if value is None else value


def expect_fraction(value: Any, name: str) -> float:
    """Return a number or decimal string in [0, 1] as a float, or raise WireError.

    1 itself is accepted because the vendor's client sends it; the caller clamps.
    """
    if type(value) is float and 0.0 <= value <= 1.0:
        return value
    text = value.strip() if isinstance(value, str) else ''
    if len(text) <= MAX_DECIMAL and DECIMAL.fullmatch(text):
        number = float(text)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = _float(value)
    else:
        raise WireError(f'{name} must be a number or a decimal string, not {kind_of(value)}')
    if not 0.0 <= number <= 1.0:
        raise WireError(f'{name} is {value}; it must be between 0 and 1')
    return number


def expect_number(value: Any, name: str) -> float:
    """Return a finite number that is no string and no boolean, or raise WireError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WireError(f'{name} must be a number, not {kind_of(value)}')
    number = _float(value)
    if not math.isfinite(number):
        raise WireError(f'{name} must be a finite number')
    return number


def decimal_text(value: float) -> str:
    """Write a float as a plain decimal that reads back as the same float."""
    return format(Decimal(repr(value)), 'f')


def format_time(seconds: float | None) -> str | None:
    """Write Unix seconds as RFC 3339 in UTC with milliseconds, as the page's samples are."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def parse_time(value: Any) -> float | None:
    """Read an RFC 3339 time as Unix seconds; None where it is missing or unreadable."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.replace('Z', '+00:00'))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def kind_of(value: Any) -> str:
    """Name a JSON value's type for an error message."""
    if isinstance(value, str):
        return 'a string' if value.strip() else 'an empty string'
    return KINDS.get(type(value), 'an object')


def _float(value: float) -> float:
    """Return a number as a float; a whole number that is too large for one is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
