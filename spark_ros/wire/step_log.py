# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One line in the log for each step of a question, in one form on the robot and in the service.

    question=<id> token=<token> robot=<robot_id> state=<state> …

`question` is the robot's id of the question, which it sends as Idempotency-Key; `token` is the
service's. So one search for either finds a question's steps in the logs of both sides.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping

NONE = '-'
MAX_VALUE = 200
# Everything else is quoted, so that a value can neither end its line nor look like another field.
PLAIN = re.compile(r'[!#-<>-~]+')

Value = str | int | float | None


def log_step(
    logger: logging.Logger,
    state: str,
    *,
    question: str | None,
    token: str | None,
    robot: str | None,
    **more: Value,
) -> None:
    """Log a step in the life of a question, at level INFO.

    Args:
        state: the step: what has just happened to the question.
        question: the robot's id of the question.
        token: the service's.
        robot: the id of the robot that asks.
        more: further fields; those that are None are left out. Values may come from outside.
    """
    if not logger.isEnabledFor(logging.INFO):
        return
    fields = {
        'question': question or NONE,
        'token': token or NONE,
        'robot': robot or NONE,
        'state': state,
        **{name: value for name, value in more.items() if value is not None},
    }
    logger.info('%s', step_text(fields), extra={'fields': fields})


def step_text(fields: Mapping[str, Value]) -> str:
    """Write fields as `name=value …`, in printable ASCII and on one line."""
    return ' '.join(f'{name}={_written(value)}' for name, value in fields.items())


def _written(value: Value) -> str:
    text = f'{value:.3f}' if isinstance(value, float) else str(value)
    text = text[:MAX_VALUE]
    # JSON escapes control characters, quotes and all that is not ASCII.
    return text if PLAIN.fullmatch(text) else json.dumps(text).replace('\x7f', '\\u007f')
