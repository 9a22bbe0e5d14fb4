# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Tells the other processes on a PostgreSQL database that there is something new.

NOTIFY in the transaction that writes would make all commits of the server wait for each other. So
it is sent after the commit, on a connection of its own, and once for many commits.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import psycopg

CHANNEL = 'spark_changes'
# What is new: changes of questions, or keys or sessions, too.
CHANGES, CREDENTIALS = 'changes', 'credentials'
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
CLOSE_S = 10.0


class NotifySender:
    """Sends from a thread; what cannot be sent is sent later.

    A process that is killed may leave a commit that nobody is told of: listeners look by
    themselves, too.

    Args:
        parameters: of the driver's `connect`.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._changed = threading.Condition()
        self._waiting: str | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._connection: psycopg.Connection[Any] | None = None

    def send(self, credentials: bool) -> None:
        """Send a notification soon; callable from any thread.

        Args:
            credentials: whether keys or sessions are no longer what they were.
        """
        with self._changed:
            self._wait_to_send(CREDENTIALS if credentials else CHANGES)
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name='store-notify', daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Try once more to send what waits, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while payload := self._next():
            try:
                self._send(payload)
                pause_s = FIRST_PAUSE_S
            except psycopg.Error:
                self._disconnect()
                with self._changed:
                    if self._changed.wait_for(lambda: self._closed, pause_s):
                        break
                    self._wait_to_send(payload)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._disconnect()

    def _wait_to_send(self, payload: str) -> None:
        if self._waiting != CREDENTIALS:
            self._waiting = payload

    def _next(self) -> str | None:
        """Wait for what is to be sent and return it; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            payload, self._waiting = self._waiting, None
            return payload

    def _send(self, payload: str) -> None:
        if self._connection is None:
            self._connection = psycopg.connect(autocommit=True, **self._parameters)
        self._connection.execute('SELECT pg_notify(%s, %s)', [CHANNEL, payload])

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
