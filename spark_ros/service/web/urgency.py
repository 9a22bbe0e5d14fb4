# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How urgent a question is: its priority, and when the caller stops waiting for its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.keys import HIGHEST_PRIORITY, Key
from spark_ros.wire.values import DECIMAL

PRIORITY, DEADLINE = 'Spark-Priority', 'Spark-Deadline'
LONGEST_S = 30 * 24 * 3600.0
WHOLE = re.compile('[0-9]{1,3}')


@dataclass(frozen=True)
class Urgency:
    """How urgent a question is.

    Attributes:
        priority: 0 to 255; the highest is answered first.
        deadline: when nobody waits for the answer any more, in Unix seconds; None: never.
    """

    priority: int
    deadline: float | None


def urgency_of(request: Request, key: Key, now: float) -> Urgency:
    """Return what the headers of a request say; a priority above that of its key counts as that.

    Raises:
        ApiError: 400, a header is not a number within its limits.
    """
    priority = request.headers.get(PRIORITY, '0').strip()
    if not WHOLE.fullmatch(priority) or int(priority) > HIGHEST_PRIORITY:
        raise ApiError(400, f'{PRIORITY} must be a whole number from 0 to {HIGHEST_PRIORITY}')
    deadline = request.headers.get(DEADLINE)
    return Urgency(
        min(int(priority), key.max_priority),
        None if deadline is None else now + _seconds(deadline.strip()),
    )


def _seconds(text: str) -> float:
    if DECIMAL.fullmatch(text) and 0 < float(text) <= LONGEST_S:
        return float(text)
    raise ApiError(400, f'{DEADLINE} must be above 0 and at most {LONGEST_S:.0f} seconds')
