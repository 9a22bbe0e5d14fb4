# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Valid keys and sessions, kept for a second: every request shows one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import Connection

from spark_ros.service.storage.keys import digest
from spark_ros.service.storage.store import Store

T = TypeVar('T')

# How long a key or session may work on that another process revoked.
KEPT_S = 1.0


class CredentialCache(Generic[T]):
    """What the database holds for valid secrets; unknown ones are not kept.

    A write of this process that changes keys or sessions empties it at once.

    Args:
        find: reads what belongs to a secret.
    """

    def __init__(self, store: Store, find: Callable[[Connection, str], T | None]) -> None:
        self._store = store
        self._find = find
        self._version = store.credentials_version
        self._kept: dict[str, tuple[T, float]] = {}

    async def find(self, secret: str) -> T | None:
        """Return what belongs to a secret, or None; at most `KEPT_S` old."""
        version, now, name = self._store.credentials_version, time.monotonic(), digest(secret)
        if version != self._version:
            self._kept.clear()
            self._version = version
        found, until = self._kept.get(name, (None, now))
        if until > now:
            return found
        found = await self._store.read(self._find, secret)
        if found is None:
            self._kept.pop(name, None)
        elif version == self._store.credentials_version:
            self._kept[name] = found, now + KEPT_S
        return found
