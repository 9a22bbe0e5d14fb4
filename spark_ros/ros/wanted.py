# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Frames of one camera that somebody wants on purpose, and that may have yet to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensor_msgs.msg import CompressedImage

from spark_ros.escalation.frames import Frame, FrameRing
from spark_ros.escalation.question.escalation import FrameMatch
from spark_ros.ros.serialized_image import SerializedImage

Found = tuple[Frame[SerializedImage | CompressedImage], FrameMatch]
Take = Callable[[Found | None], None]
MAX_WANTED = 1000


@dataclass(eq=False)
class _Wanted:
    stamp_ns: int
    until: float
    take: Take


class WantedFrames:
    """Who waits for which frame.

    Unlike a detection, who names a stamp means it: no other frame than the nearest within the
    slop will do.
    """

    def __init__(self, ring: FrameRing[SerializedImage | CompressedImage]) -> None:
        """Look in a camera's ring."""
        self._ring = ring
        self._wanted: list[_Wanted] = []

    def __len__(self) -> int:
        return len(self._wanted)

    def want(
        self, stamp_ns: int, until: float, now: float, take: Take
    ) -> Callable[[], None] | None:
        """Hand on the frame of a stamp, or the newest one for a stamp of zero.

        Args:
            stamp_ns: the frame's, in nanoseconds.
            until: when to give up, on the steady clock.
            now: by the same clock.
            take: given the frame, maybe at once, or None where it will not come.

        Returns:
            What ends the wait, or None where it has ended at once.
        """
        wanted = _Wanted(stamp_ns, until, take)
        if len(self._wanted) >= MAX_WANTED:
            wanted.until = now
        if self._serve(wanted, now):
            return None
        self._wanted.append(wanted)
        return lambda: self._forget(wanted)

    def settle(self, now: float) -> None:
        """Hand on what is there by now, and give up on what is late."""
        waiting, self._wanted = self._wanted, []
        self._wanted += [wanted for wanted in waiting if not self._serve(wanted, now)]

    def _serve(self, wanted: _Wanted, now: float) -> bool:
        over = now >= wanted.until
        found = self._find(wanted.stamp_ns, over)
        if found is None and not over and not self._in_vain(wanted.stamp_ns):
            return False
        wanted.take(found)
        return True

    def _find(self, stamp_ns: int, over: bool) -> Found | None:
        if stamp_ns == 0:
            newest = self._ring.newest()
            return (newest, FrameMatch.NEWEST) if newest is not None else None
        exact = self._ring.exact(stamp_ns)
        if exact is not None:
            return exact, FrameMatch.EXACT
        if not over and not self._ring.passed(stamp_ns):
            return None
        found = self._ring.settle(stamp_ns)
        return found if found is not None and found[1] is FrameMatch.NEAREST else None

    def _in_vain(self, stamp_ns: int) -> bool:
        return stamp_ns != 0 and self._ring.passed(stamp_ns)

    def _forget(self, wanted: _Wanted) -> None:
        if wanted in self._wanted:
            self._wanted.remove(wanted)
