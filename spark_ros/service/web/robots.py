# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which robot asks: several may share one API key, and each follows its own questions."""

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
    """Return the robot that makes a call, by its header; None where there is none.

    Raises:
        ApiError: 400, it is no name of a robot.
    """
    named = request.headers.get(HEADER)
    return None if named is None else check_robot_id(named.strip(), HEADER)


def robot_in(metadata: Mapping[str, Any]) -> str | None:
    """Return the robot that a question's metadata names as `robot_id`, or None."""
    said = metadata.get('robot_id')
    return said if isinstance(said, str) and _is_name(said) else None


def check_robot_id(robot_id: str, name: str) -> str:
    """Return a robot's name, or answer 400."""
    if not _is_name(robot_id):
        raise ApiError(400, f'{name} must be 1 to {LONGEST} printable ASCII characters')
    return robot_id


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST and PRINTABLE.fullmatch(text) is not None
