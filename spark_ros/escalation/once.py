# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Log a message only once, however often it happens."""

from __future__ import annotations

import logging

MAX_REMEMBERED = 500


class WarnOnce:
    """Warn about each message or key the first time only."""

    def __init__(self, logger: logging.Logger) -> None:
        """Warn through `logger`."""
        self._logger = logger
        self._said: set[str] = set()

    def __call__(self, message: str, key: str | None = None) -> None:
        """Log a warning unless the key (by default the message) was warned about before."""
        key = message if key is None else key
        if key not in self._said and len(self._said) < MAX_REMEMBERED:
            self._said.add(key)
            self._logger.warning('%s (further ones are not logged)', message)
