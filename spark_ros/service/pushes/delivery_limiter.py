# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many webhooks run at once, so that a receiver that hangs slows nobody but its own caller.

A key has at most a third as many under way as are still free: alone it gets a quarter, and
however many keys take their share, there is room left for one that has none yet. Receivers are
counted for each key apart: what another key does to a host is not this key's concern.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

FREE_PER_RUNNING = 3
PER_HOST = 8
# Of a key's receivers that failed the last time together; each of them alone gets one.
TROUBLED_SHARE = 10
REMEMBERED = 1000


@dataclass
class _OfKey:
    """What runs of one key, by host, and its hosts in trouble, in the order it began."""

    running: Counter[str] = field(default_factory=Counter)
    troubled: dict[str, None] = field(default_factory=dict)

    @property
    def trying(self) -> int:
        """How many run to hosts in trouble."""
        return sum(self.running[host] for host in self.running if host in self.troubled)


class DeliveryLimiter:
    """Counts what runs for each key to each host, and knows which hosts are in trouble.

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
        """Take a place; False when there is none for this key, or for its host."""
        of_key = self._keys.setdefault(key_id, _OfKey())
        if self._is_full(of_key) or not self._has_room(of_key, host):
            return False
        of_key.running[host] += 1
        self._running += 1
        return True

    def end(self, key_id: int, host: str, well: bool) -> bool:
        """Give a place back and return whether the host's state changed: to trouble, or out."""
        of_key = self._keys[key_id]
        was_troubled = host in of_key.troubled
        self._give_back(of_key, host)
        if well:
            of_key.troubled.pop(host, None)
        else:
            if not was_troubled and len(of_key.troubled) >= REMEMBERED:
                del of_key.troubled[next(iter(of_key.troubled))]
            of_key.troubled.setdefault(host)
        self._forget(key_id)
        return was_troubled == well

    def leave(self, key_id: int, host: str) -> None:
        """Give a place back with nothing learned about the host."""
        self._give_back(self._keys[key_id], host)
        self._forget(key_id)

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
        if self._troubled_full(of_key):
            full |= of_key.troubled.keys()
        return full

    def _is_full(self, of_key: _OfKey) -> bool:
        return of_key.running.total() * FREE_PER_RUNNING >= self.free

    def _has_room(self, of_key: _OfKey, host: str) -> bool:
        if host in of_key.troubled:
            return not of_key.running[host] and not self._troubled_full(of_key)
        return of_key.running[host] < PER_HOST

    def _troubled_full(self, of_key: _OfKey) -> bool:
        return of_key.trying >= max(1, self._most // TROUBLED_SHARE)

    def _give_back(self, of_key: _OfKey, host: str) -> None:
        self._running -= 1
        of_key.running[host] -= 1
        if not of_key.running[host]:
            del of_key.running[host]

    def _forget(self, key_id: int) -> None:
        if not self._keys[key_id].running and not self._keys[key_id].troubled:
            del self._keys[key_id]
