# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many webhooks run at once, so that a receiver that hangs slows down only its own caller.

A key has at most a third as many under way as are still free: alone it gets a quarter, and
however many keys take their share, there is room left for one that has none yet. Hosts are
counted for each key apart: a host that fails for one key is not limited for another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

FREE_PER_RUNNING = 3
PER_HOST = 8
# All failing hosts of a key together get a tenth of all places, and each of them one.
FAILING_SHARE = 10
MOST_FAILING = 1000


@dataclass
class _OfKey:
    """What runs for one key, by host, and its failing hosts, those that failed first ahead."""

    running: Counter[str] = field(default_factory=Counter)
    failing: dict[str, None] = field(default_factory=dict)


class PerHostLimiter:
    """Limits how many webhooks of each key run, and how many of them to each host.

    Args:
        most: how many may run in all.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._running = 0
        self._keys: dict[int, _OfKey] = {}

    @property
    def free(self) -> int:
        """How many more may run, if their keys and hosts have room."""
        return self._most - self._running

    def begin(self, key_id: int, host: str) -> bool:
        """Count a webhook; False when there is no room for this key, or for its host."""
        of_key = self._keys.setdefault(key_id, _OfKey())
        if self._is_full(of_key) or not self._has_room(of_key, host):
            return False
        of_key.running[host] += 1
        self._running += 1
        return True

    def end(self, key_id: int, host: str, succeeded: bool | None) -> bool:
        """Remove a webhook from the count.

        Args:
            succeeded: whether the host accepted it; None if that was not found out.

        Returns:
            Whether the host was working and now fails, or the other way round.
        """
        of_key = self._keys[key_id]
        was_failing = host in of_key.failing
        self._running -= 1
        of_key.running[host] -= 1
        if not of_key.running[host]:
            del of_key.running[host]
        if succeeded:
            of_key.failing.pop(host, None)
        elif succeeded is False and not was_failing:
            if len(of_key.failing) >= MOST_FAILING:
                del of_key.failing[next(iter(of_key.failing))]
            of_key.failing[host] = None
        if not of_key.running and not of_key.failing:
            del self._keys[key_id]
        return was_failing == succeeded

    def full_keys(self) -> list[int]:
        """Return the keys that have no room now."""
        return [key_id for key_id, of_key in self._keys.items() if self._is_full(of_key)]

    def full_hosts(self) -> list[tuple[int, str]]:
        """Return the hosts that have no room now, of keys that have."""
        return [
            (key_id, host)
            for key_id, of_key in self._keys.items()
            if not self._is_full(of_key)
            for host in self._full_hosts_of(of_key)
        ]

    def _full_hosts_of(self, of_key: _OfKey) -> Iterable[str]:
        full = {host for host in of_key.running if not self._has_room(of_key, host)}
        return full | of_key.failing.keys() if self._failing_are_full(of_key) else full

    def _is_full(self, of_key: _OfKey) -> bool:
        return of_key.running.total() * FREE_PER_RUNNING >= self.free

    def _has_room(self, of_key: _OfKey, host: str) -> bool:
        if host in of_key.failing:
            return not of_key.running[host] and not self._failing_are_full(of_key)
        return of_key.running[host] < PER_HOST

    def _failing_are_full(self, of_key: _OfKey) -> bool:
        running = sum(of_key.running[host] for host in of_key.running if host in of_key.failing)
        return running >= max(1, self._most // FAILING_SHARE)
