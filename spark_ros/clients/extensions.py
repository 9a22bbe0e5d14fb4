# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a service adds to the APIs' pages, as it announces it with each of its answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

ANNOUNCED = 'Spark-Extensions'
OPERATORS = 'Spark-Operators'
DEADLINE = 'Spark-Deadline'
PRIORITY = 'Spark-Priority'
MIN_DEADLINE_S = 0.001
MAX_DEADLINE_S = 30 * 86_400.0
MAX_PRIORITY = 255
# Longer than any list that is meant well; reading takes the square of the length at worst.
MAX_HEADER = 1000

TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def parse_extensions(header: str) -> dict[str, dict[str, str]]:
    """Read a list of extensions, a structured field (RFC 9651) such as `a;retention=60, b`.

    Returns:
        The parameters of each extension by its name, as texts. What is no name is passed over,
        and strings are empty: no extension of ours has one.
    """
    found: dict[str, dict[str, str]] = {}
    if len(header) > MAX_HEADER:
        return found
    for member in STRING.sub('""', header).split(','):
        name, *parameters = (part.strip() for part in member.split(';'))
        if TOKEN.fullmatch(name):
            pairs = (parameter.partition('=') for parameter in parameters)
            found[name] = {key.strip(): value.strip() for key, _, value in pairs}
    return found


def whole_number(text: str | None) -> int | None:
    """Read a header of a whole number from 0; None where it is something else."""
    good = text is not None and text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if text is not None and good else None


def urgency_headers(deadline_s: float | None, priority: int) -> Mapping[str, str]:
    """Return the headers that say until when an answer is of use, and how urgent it is.

    Args:
        deadline_s: in so many seconds, 0.001 to 30 days; None: always.
        priority: 0 to 255; the highest is answered first.

    Raises:
        ValueError: one of them is out of its range.
    """
    headers = {}
    if deadline_s is not None:
        if not MIN_DEADLINE_S <= deadline_s <= MAX_DEADLINE_S:
            raise ValueError(
                f'deadline_s is {deadline_s}; it must be {MIN_DEADLINE_S} to {MAX_DEADLINE_S:.0f}'
            )
        headers[DEADLINE] = f'{deadline_s:.3f}'
    if not 0 <= priority <= MAX_PRIORITY:
        raise ValueError(f'priority is {priority}; it must be 0 to {MAX_PRIORITY}')
    if priority:
        headers[PRIORITY] = str(priority)
    return headers
