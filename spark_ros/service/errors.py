# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the service refuses.

Exception
├── ApiError            an answer other than 200, with its message and headers
└── StreamAborted       an answer that cannot be finished although its 200 has gone out
"""

from __future__ import annotations

from collections.abc import Mapping

DISK_FULL = 'the disk of the service is full: nothing was stored; free space and repeat'
DATABASE_AWAY = 'data can be neither stored nor read at present; repeat later'
IMAGES_AWAY = 'images can be neither stored nor read at present; repeat later'


class ApiError(Exception):
    """An answer other than 200; `message` says what was wrong and what to do."""

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


class StreamAborted(Exception):
    """A file that is being sent cannot be read to its end; the connection must be closed."""
