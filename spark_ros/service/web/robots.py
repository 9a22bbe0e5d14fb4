# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Names of robots: several may share one API key, and each follows its own questions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from spark_ros.service.errors import ApiError

HEADER = 'Spark-Robot-Id'
LONGEST = 200
# What every client can send in a header, and every database can store.
PRINTABLE = re.compile(r'[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?')


def robot_of(request: Request) -> str | None:
    """Return the robot that makes a call, by its header; None without one.

    Raises:
        ApiError: 400, the header is not a valid name.
    """
    named = request.headers.get(HEADER)
    return None if named is None else check_robot_id(named.strip(), HEADER)


def name_in(metadata: Mapping[str, Any], field: str) -> str | None:
    """Return whom a question's metadata names in a field, as `robot_id` or `camera`, or None."""
    name = metadata.get(field)
    return name if isinstance(name, str) and _is_name(name) else None


def check_robot_id(robot_id: str, name: str) -> str:
    """Check the name of a robot and return it.

    Args:
        name: of the header or parameter, for the message.

    Raises:
        ApiError: 400, it is not 1 to 200 printable ASCII characters.
    """
    if not _is_name(robot_id):
        raise ApiError(400, f'{name} must be 1 to {LONGEST} printable ASCII characters')
    return robot_id


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST and PRINTABLE.fullmatch(text) is not None
