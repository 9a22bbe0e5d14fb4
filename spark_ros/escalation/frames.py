# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Keep the last frames of a camera, and find the frame of a detection."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from spark_ros.escalation.question.escalation import FrameMatch

Payload = TypeVar('Payload')

NS = 1_000_000_000
NOW_STAMP_WINDOW_NS = 2 * NS
# Longer than a detector takes for a frame.
START_NS = 5 * NS


@dataclass(frozen=True)
class Frame(Generic[Payload]):
    """A frame as it arrived; the payload is kept by reference and never copied."""

    stamp_ns: int
    payload: Payload
    size_bytes: int


class FrameRing(Generic[Payload]):
    """The newest frames of one camera, bounded by bytes; the newest frame always stays."""

    def __init__(self, max_bytes: int, slop_ns: int) -> None:
        """Hold at most `max_bytes`; a stamp may be off by `slop_ns` to be NEAREST."""
        self._max_bytes = max_bytes
        self._slop_ns = slop_ns
        self._frames: deque[Frame[Payload]] = deque()
        self._bytes = 0
        self._first_ns: int | None = None

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size_bytes(self) -> int:
        """What the frames take together."""
        return self._bytes

    def configure(self, max_bytes: int, slop_ns: int) -> None:
        """Change the limits; the next frame makes the oldest ones go if there are too many."""
        self._max_bytes, self._slop_ns = max_bytes, slop_ns

    def add(self, stamp_ns: int, payload: Payload, size_bytes: int) -> None:
        """Add a frame, and drop the oldest ones if they exceed the limit."""
        if self._first_ns is None:
            self._first_ns = stamp_ns
        self._frames.append(Frame(stamp_ns, payload, size_bytes))
        self._bytes += size_bytes
        while self._bytes > self._max_bytes and len(self._frames) > 1:
            self._bytes -= self._frames.popleft().size_bytes

    def newest(self) -> Frame[Payload] | None:
        """Return the frame that arrived last."""
        return self._frames[-1] if self._frames else None

    def exact(self, stamp_ns: int) -> Frame[Payload] | None:
        """Return the frame with this very stamp."""
        return next((f for f in reversed(self._frames) if f.stamp_ns == stamp_ns), None)

    def passed(self, stamp_ns: int) -> bool:
        """Whether a frame came that is so much later that no better match can follow."""
        newest = self.newest()
        return newest is not None and newest.stamp_ns > stamp_ns + self._slop_ns

    def begins_after(self, stamp_ns: int) -> bool:
        """Whether a stamp is in the last seconds before the first frame, or there is no frame yet.

        A detector that started earlier still sends detections for frames that never came here.
        """
        return self._first_ns is None or 0 < self._first_ns - stamp_ns <= START_NS

    def best_match(self, stamp_ns: int) -> tuple[Frame[Payload], FrameMatch] | None:
        """Return the best frame there is for a stamp, when waiting is over.

        A stamp of zero means the newest frame. So does a stamp a little later than any frame
        (up to two seconds): some detectors stamp with the current time instead of the image's.
        """
        newest = self.newest()
        if newest is None:
            return None
        if stamp_ns == 0:
            return newest, FrameMatch.NEWEST
        nearest = min(self._frames, key=lambda frame: abs(frame.stamp_ns - stamp_ns))
        distance = abs(nearest.stamp_ns - stamp_ns)
        if distance == 0:
            return nearest, FrameMatch.EXACT
        if distance <= self._slop_ns:
            return nearest, FrameMatch.NEAREST
        if 0 < stamp_ns - newest.stamp_ns <= NOW_STAMP_WINDOW_NS:
            return newest, FrameMatch.NEWEST
        return None
