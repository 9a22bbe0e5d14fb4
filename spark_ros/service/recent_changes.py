# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which robots' questions changed lately, so that most waits at the feed need no look.

Thousands of robots begin to wait anew each minute, and for nearly all of them nothing happened.
"""

from __future__ import annotations

from collections.abc import Hashable

from spark_ros.service.storage.change_order import Position

MOST_TOPICS = 100_000


class RecentChanges:
    """The newest announced change of each key and of each robot; for the event loop.

    Attributes:
        newest: the position of the last change that was announced; None while it is unknown.
    """

    def __init__(self) -> None:
        self.newest: Position | None = None
        self._since = Position()
        self._last: dict[Hashable, Position] = {}

    def begin(self, newest: Position) -> None:
        """Know of all changes from here on; those up to `newest` can be read."""
        self.newest = self._since = newest
        self._last.clear()

    def stop(self) -> None:
        """Know nothing until `begin`: changes may be announced late, or not at all."""
        self.newest = None
        self._last.clear()

    def note(self, position: Position, key_id: int, robot_id: str | None) -> None:
        """Note a change that can be read from now on."""
        if self.newest is None:
            return
        if len(self._last) >= MOST_TOPICS:
            self.begin(self.newest)
        # Two threads' commits can be announced in the other order.
        self.newest = max(self.newest, position)
        for topic in {(key_id, None), (key_id, robot_id)}:
            self._last[topic] = max(self._last.get(topic, position), position)

    def none_after(self, position: Position, key_id: int, robot_id: str | None) -> bool:
        """Whether it is certain that nothing was announced for them after a position."""
        if self.newest is None or not self._since <= position <= self.newest:
            return False
        return self._last.get((key_id, robot_id), position) <= position
