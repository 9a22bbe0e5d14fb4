# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A frame that somebody asks for by its stamp: that one, or one within the slop, or none."""

from __future__ import annotations

from typing import Any

import pytest

from spark_ros.escalation.frames import FrameRing
from spark_ros.escalation.question.escalation import FrameMatch
from spark_ros.ros.pending_frames import MAX_PENDING, PendingFrameRequests

SLOP, SECOND = 20, 1_000_000_000
WAIT = 5.0


class Waiting:
    """A ring, and what was handed on from it; the clock stands at 0 until it is over."""

    def __init__(self) -> None:
        self.ring: FrameRing[Any] = FrameRing(10**6, SLOP)
        self.requests = PendingFrameRequests(self.ring)
        self.given: list[tuple[int, FrameMatch] | None] = []

    def frame(self, stamp: int) -> None:
        self.ring.add(stamp, 'frame', 1)
        self.requests.serve(0.0)

    def want(self, stamp: int) -> Any:
        return self.requests.add(
            stamp, WAIT, 0.0, lambda f: self.given.append(f and (f[0].stamp_ns, f[1]))
        )


@pytest.mark.parametrize(
    ('there', 'wanted', 'given'),
    [
        ([100], 100, (100, FrameMatch.EXACT)),
        ([100, 200], 110, (100, FrameMatch.NEAREST)),
        ([100, 200], 150, None),
        ([100, 200], 0, (200, FrameMatch.NEWEST)),
    ],
)
def test_what_is_clear_at_once_is_not_waited_for(
    there: list[int], wanted: int, given: tuple[int, FrameMatch] | None
) -> None:
    waiting = Waiting()
    for stamp in there:
        waiting.frame(stamp)
    assert waiting.want(wanted) is None
    assert waiting.given == [given] and not waiting.requests


@pytest.mark.parametrize(
    ('wanted', 'comes', 'given'),
    [
        (300, 300, (300, FrameMatch.EXACT)),
        (290, 400, None),
        (110, 400, (100, FrameMatch.NEAREST)),
    ],
)
def test_one_that_may_still_come_is_waited_for(
    wanted: int, comes: int, given: tuple[int, FrameMatch] | None
) -> None:
    waiting = Waiting()
    waiting.frame(100)
    assert waiting.want(wanted) is not None and waiting.given == []
    waiting.frame(comes)
    assert waiting.given == [given] and not waiting.requests


def test_the_wait_ends_with_the_best_there_is_but_never_with_just_any_frame() -> None:
    waiting = Waiting()
    waiting.frame(100)
    waiting.want(110)
    # A detector may stamp with the current time; who asks for a stamp means it.
    waiting.want(100 + SECOND)
    waiting.requests.serve(WAIT - 0.1)
    assert waiting.given == []
    waiting.requests.serve(WAIT)
    assert waiting.given == [(100, FrameMatch.NEAREST), None]


def test_the_first_frame_of_a_camera_is_waited_for() -> None:
    waiting = Waiting()
    waiting.want(0)
    assert waiting.given == []
    waiting.frame(7)
    assert waiting.given == [(7, FrameMatch.NEWEST)]


def test_who_no_longer_wants_it_is_not_given_it() -> None:
    waiting = Waiting()
    cancel, _ = waiting.want(5), waiting.want(5)
    cancel()
    cancel()
    waiting.frame(5)
    assert waiting.given == [(5, FrameMatch.EXACT)]


def test_there_is_an_end_to_how_many_may_wait() -> None:
    waiting = Waiting()
    for _ in range(MAX_PENDING):
        waiting.want(5)
    assert waiting.given == []
    assert waiting.want(5) is None and waiting.given == [None]
