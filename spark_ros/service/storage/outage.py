# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A database server that is away for a while: which errors say so, and what the log does."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError

from spark_ros.service.storage.database import is_contention

log = logging.getLogger('spark_ros.service')

WARN_EVERY_S, SETTLED_S = 60.0, 0.5
# SQLSTATE of a server without room, class 53 of PostgreSQL.
DISK_FULL = '53100'


def is_disk_full(error: Exception) -> bool:
    """Whether the disk of the database is full."""
    state = getattr(getattr(error, 'orig', None), 'sqlstate', None)
    return state == DISK_FULL or 'disk is full' in str(error)


def is_outage(error: Exception) -> bool:
    """Whether a database server cannot be reached, stops, or gave up: it is worth repeating.

    What was being committed may be stored or not.
    """
    return (
        isinstance(error, OperationalError)
        # A file is never away.
        and not isinstance(error.orig, sqlite3.Error)
        and not is_disk_full(error)
        and not is_contention(error)
    )


class OutageLog:
    """Says when the database is away, once a minute, and when it is back."""

    def __init__(self) -> None:
        self._warned: float | None = None
        self._failed = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch over what the block does with the database."""
        try:
            yield
        except DBAPIError as error:
            if is_outage(error):
                self._warn(error)
            raise
        # Of the connections of a server that stops, some work a moment longer than others.
        if self._warned is not None and time.monotonic() - self._failed > SETTLED_S:
            self._warned = None
            log.warning('the database can be used again')

    def _warn(self, error: DBAPIError) -> None:
        now = self._failed = time.monotonic()
        if self._warned is None or now - self._warned > WARN_EVERY_S:
            self._warned = now
            reason = str(error.orig).partition('\n')[0]
            log.warning(
                'the database cannot be used: %s; what needs it is answered 503', reason
            )
