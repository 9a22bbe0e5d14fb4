# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Frames of one camera that were asked for by their stamp and may not have come yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sensor_msgs.msg import CompressedImage

from spark_ros.escalation.frames import Frame, FrameRing
from spark_ros.escalation.question.escalation import FrameMatch
from spark_ros.ros.serialized_image import SerializedImage

Found = tuple[Frame[SerializedImage | CompressedImage], FrameMatch]
Take = Callable[[Found | None], None]
MAX_PENDING = 1000


@dataclass(eq=False)
class _FrameRequest:
    stamp_ns: int
    deadline: float
    take: Take


class PendingFrameRequests:
    """Requests for frames, each served once its frame is there or will not come.

    A detection may be given the newest frame where none has its stamp; a request is given only a
    frame with its stamp, or the nearest within the slop.
    """

    def __init__(self, ring: FrameRing[SerializedImage | CompressedImage]) -> None:
        """Serve requests from a camera's ring."""
        self._ring = ring
        self._pending: list[_FrameRequest] = []

    def __len__(self) -> int:
        return len(self._pending)

    def add(
        self, stamp_ns: int, deadline: float, now: float, take: Take
    ) -> Callable[[], None] | None:
        """Request the frame of a stamp, or the newest one for a stamp of zero.

        Args:
            stamp_ns: the frame's, in nanoseconds.
            deadline: when to give up, in seconds of the steady clock.
            now: by the same clock.
            take: called with the frame, or with None if it will not come; maybe before this
                returns.

        Returns:
            A function that cancels the request, or None if it was served at once.
        """
        full = len(self._pending) >= MAX_PENDING
        request = _FrameRequest(stamp_ns, now if full else deadline, take)
        if self._serve(request, now):
            return None
        self._pending.append(request)
        return partial(self._cancel, request)

    def serve(self, now: float) -> None:
        """Hand on the frames that are there, and give up the requests past their deadline."""
        pending, self._pending = self._pending, []
        self._pending += [request for request in pending if not self._serve(request, now)]

    def _serve(self, request: _FrameRequest, now: float) -> bool:
        stamp_ns = request.stamp_ns
        over = now >= request.deadline or (stamp_ns != 0 and self._ring.passed(stamp_ns))
        exact = self._ring.exact(stamp_ns) if stamp_ns else None
        found = (exact, FrameMatch.EXACT) if exact is not None else None
        # While a nearer frame may come, the nearest is not taken.
        if found is None and (over or not stamp_ns):
            found = self._ring.best_match(stamp_ns)
            if found is not None and stamp_ns and found[1] is FrameMatch.NEWEST:
                found = None
        if found is None and not over:
            return False
        request.take(found)
        return True

    def _cancel(self, request: _FrameRequest) -> None:
        if request in self._pending:
            self._pending.remove(request)
