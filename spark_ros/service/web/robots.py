# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which robot asks: several may share one API key, and each follows its own questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from spark_ros.service.errors import ApiError

HEADER = 'Spark-Robot-Id'
LONGEST = 200


def robot_of(request: Request, metadata: Mapping[str, Any] | None = None) -> str | None:
    """Return the robot that makes a call: by its header, else by `robot_id` in its metadata.

    Raises:
        ApiError: 400, the header is too long or empty.
    """
    named = request.headers.get(HEADER)
    if named is not None:
        return check_robot_id(named.strip(), HEADER)
    said = (metadata or {}).get('robot_id')
    return said if isinstance(said, str) and 0 < len(said) <= LONGEST else None


def check_robot_id(robot_id: str, name: str) -> str:
    """Return a robot's name, or answer 400."""
    if not 0 < len(robot_id) <= LONGEST:
        raise ApiError(400, f'{name} must be 1 to {LONGEST} characters')
    return robot_id
