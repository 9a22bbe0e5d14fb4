# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which frame a detection speaks of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spark_ros.escalation.frames import NOW_STAMP_WINDOW_NS, START_NS, FrameRing
from spark_ros.escalation.question.escalation import FrameMatch

MS = 1_000_000
SLOP_NS = 20 * MS
FIRST = 1_700_000_000_000 * MS


def ring(*stamps_ms: float, max_bytes: int = 1000) -> FrameRing[str]:
    """Return a ring with a frame of ten bytes for each stamp after the first one's second."""
    frames: FrameRing[str] = FrameRing(max_bytes, SLOP_NS)
    for stamp in stamps_ms:
        frames.add(at(stamp), f'frame {stamp:g}', 10)
    return frames


def at(milliseconds: float) -> int:
    return FIRST + round(milliseconds * MS)


def settled(frames: FrameRing[str], stamp_ns: int) -> tuple[str, FrameMatch] | None:
    found = frames.best_match(stamp_ns)
    return found and (found[0].payload, found[1])


def test_the_very_stamp_is_exact() -> None:
    frames = ring(0, 33, 66)
    assert settled(frames, at(33)) == ('frame 33', FrameMatch.EXACT)
    exact = frames.exact(at(33))
    assert exact is not None and exact.payload == 'frame 33'
    assert frames.exact(at(33) + 1) is None


def test_a_stamp_within_the_slop_is_nearest() -> None:
    frames = ring(0, 100, 200)
    assert settled(frames, at(110)) == ('frame 100', FrameMatch.NEAREST)
    assert settled(frames, at(90)) == ('frame 100', FrameMatch.NEAREST)
    assert settled(frames, at(120)) == ('frame 100', FrameMatch.NEAREST)
    assert settled(frames, at(121)) is None


def test_no_stamp_is_the_newest() -> None:
    assert settled(ring(0, 33, 66), 0) == ('frame 66', FrameMatch.NEWEST)


def test_the_time_of_detecting_is_the_newest() -> None:
    frames = ring(0, 33)
    assert settled(frames, at(33) + SLOP_NS + 1) == ('frame 33', FrameMatch.NEWEST)
    assert settled(frames, at(33) + NOW_STAMP_WINDOW_NS) == ('frame 33', FrameMatch.NEWEST)
    assert settled(frames, at(33) + NOW_STAMP_WINDOW_NS + 1) is None


def test_an_unknown_stamp_is_nobodys() -> None:
    frames = ring(0, 33, 66)
    assert settled(frames, at(-60_000)) is None
    assert settled(frames, at(60_000)) is None
    assert settled(frames, -5) is None
    assert settled(ring(), at(0)) is None
    assert settled(ring(), 0) is None


def test_passed_says_that_no_better_frame_will_come() -> None:
    frames = ring(0, 33)
    assert frames.passed(at(5))
    assert not frames.passed(at(33))
    assert not frames.passed(at(33) - SLOP_NS)
    assert not frames.passed(at(40))
    assert not ring().passed(at(0))


def test_a_stamp_of_just_before_the_first_frame_is_from_before_the_start() -> None:
    """Also when that frame is gone; one of long ago is of another clock."""
    assert ring().begins_after(at(0))
    frames = ring(0, 100, max_bytes=10)
    assert len(frames) == 1
    assert frames.begins_after(at(0) - 1) and frames.begins_after(at(0) - START_NS)
    assert not frames.begins_after(at(0) - START_NS - 1)
    assert not frames.begins_after(at(0)) and not frames.begins_after(at(50))


def test_frames_without_stamps_can_be_found_too() -> None:
    frames: FrameRing[str] = FrameRing(1000, SLOP_NS)
    frames.add(0, 'unstamped', 10)
    assert settled(frames, 0) == ('unstamped', FrameMatch.NEWEST)


def test_the_oldest_go_when_the_bytes_are_used_up() -> None:
    frames = ring(0, 33, 66, 99, max_bytes=30)
    assert len(frames) == 3
    assert frames.exact(at(0)) is None and frames.exact(at(33)) is not None


def test_one_frame_stays_however_large() -> None:
    frames: FrameRing[str] = FrameRing(5, SLOP_NS)
    frames.add(at(0), 'small', 1)
    frames.add(at(1), 'large', 100)
    newest = frames.newest()
    assert len(frames) == 1 and newest is not None and newest.payload == 'large'


@given(st.integers(1, 1000), st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_the_ring_is_bounded_and_holds_the_newest(max_bytes: int, sizes: list[int]) -> None:
    frames: FrameRing[int] = FrameRing(max_bytes, SLOP_NS)
    for index, size in enumerate(sizes):
        frames.add(at(index), index, size)
        held = [frames.exact(at(i)) for i in range(index + 1)]
        kept = [frame for frame in held if frame is not None]
        assert kept[-1].payload == index and len(kept) == len(frames)
        assert sum(frame.size_bytes for frame in kept) <= max_bytes or len(kept) == 1
        assert [frame.payload for frame in kept] == list(range(index + 1))[-len(kept) :]


@given(
    st.lists(st.integers(0, 3000), min_size=1, max_size=20).map(sorted), st.integers(-3000, 6000)
)
def test_a_match_is_never_worse_than_it_says(stamps: list[int], asked: int) -> None:
    found = ring(*stamps).best_match(at(asked))
    distance = min(abs(stamp - asked) for stamp in stamps) * MS
    if found is None:
        assert distance > SLOP_NS
        return
    frame, match = found
    if match is FrameMatch.EXACT:
        assert frame.stamp_ns == at(asked)
    elif match is FrameMatch.NEAREST:
        assert abs(frame.stamp_ns - at(asked)) == distance <= SLOP_NS
    else:
        assert frame.stamp_ns == at(max(stamps)) < at(asked)
