# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many pushes run at once, so that a receiver that hangs slows nobody but itself."""

from __future__ import annotations

from collections import Counter

MOST = 256
PER_HOST = 8
# Of all receivers that failed the last time together; each of them alone gets one.
MOST_TROUBLED = 96
REMEMBERED = 10_000


class Lanes:
    """Counts what runs to each host, and knows which hosts are in trouble."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        # In the order in which their trouble began.
        self._troubled: dict[str, None] = {}

    @property
    def free(self) -> int:
        """How many more may run, if their hosts have room."""
        return MOST - self._running.total()

    def begin(self, host: str) -> bool:
        """Take a place; False when there is none for this host."""
        if self.free <= 0 or not self._has_room(host):
            return False
        self._running[host] += 1
        return True

    def end(self, host: str, well: bool) -> bool:
        """Give a place back and return whether the host's state changed: to trouble, or out."""
        self._running[host] -= 1
        if not self._running[host]:
            del self._running[host]
        if well == (host not in self._troubled):
            return False
        if well:
            del self._troubled[host]
        else:
            if len(self._troubled) >= REMEMBERED:
                del self._troubled[next(iter(self._troubled))]
            self._troubled[host] = None
        return True

    def leave(self, host: str) -> None:
        """Give a place back with nothing learned about the host."""
        self.end(host, host not in self._troubled)

    def full(self) -> set[str]:
        """Return the hosts that have no room now."""
        if self._troubled_full():
            return {host for host in self._running if not self._has_room(host)} | set(
                self._troubled
            )
        return {host for host in self._running if not self._has_room(host)}

    def _has_room(self, host: str) -> bool:
        if host in self._troubled:
            return not self._running[host] and not self._troubled_full()
        return self._running[host] < PER_HOST

    def _troubled_full(self) -> bool:
        running = sum(self._running[host] for host in self._running if host in self._troubled)
        return running >= MOST_TROUBLED
