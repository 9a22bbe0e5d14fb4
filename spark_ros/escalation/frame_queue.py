# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Frames that wait to be looked at: those that nobody would be asked about give way first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from spark_ros.escalation.question.asking import DetectedFrame


@dataclass(eq=False)
class _Waiting:
    frame: DetectedFrame
    wanted: bool | None = None


class FrameQueue:
    """A bounded queue of frames, in order of arrival; used on one loop, but for `expect`."""

    def __init__(self, most: int, wanted: Callable[[DetectedFrame], bool]) -> None:
        """Begin empty.

        Args:
            most: so many frames wait.
            wanted: whether people may have to be asked about a frame; called once for each, and
                only while the queue is full.
        """
        self._most, self._wanted = most, wanted
        self._frames: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        # Each is counted by one thread alone.
        self._expected = self._done = 0

    @property
    def all_done(self) -> bool:
        """Whether each frame that was expected is done."""
        return self._expected == self._done

    def expect(self) -> None:
        """Count a frame that is on its way to `put`; on the thread that it comes from."""
        self._expected += 1

    def done(self) -> None:
        """Count an expected frame that gave way, or that was decided about."""
        self._done += 1

    def put(self, frame: DetectedFrame) -> tuple[DetectedFrame, bool] | None:
        """Add a frame.

        Returns:
            The frame that gave way, and whether it was wanted; None if there was room. It is the
            oldest that is not wanted, or else the new one.
        """
        newest, dropped = _Waiting(frame), None
        if len(self._frames) >= self._most:
            newest.wanted = self._wanted(frame)
            if not newest.wanted or (dropped := self._unwanted()) is None:
                return frame, newest.wanted
            self._frames.remove(dropped)
        self._frames.append(newest)
        self._arrived.set()
        return None if dropped is None else (dropped.frame, False)

    async def get(self) -> DetectedFrame:
        """Wait for the oldest frame, and take it."""
        while not self._frames:
            self._arrived.clear()
            await self._arrived.wait()
        return self._frames.popleft().frame

    def _unwanted(self) -> _Waiting | None:
        for waiting in self._frames:
            if waiting.wanted is None:
                waiting.wanted = self._wanted(waiting.frame)
            if not waiting.wanted:
                return waiting
        return None
