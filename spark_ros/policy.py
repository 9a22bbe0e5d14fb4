# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""When to ask: thresholds, a cool-down per object, and limits. Pure: the clock is an argument.

The node decides by it, and `spark calibrate` replays it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spark_ros.geometry import Box
from spark_ros.model import Annotation

SAME_OBJECT_IOU = 0.5
TRACKER_ID = 'tracker_id'
HOUR_S = 3600.0
MAX_REMEMBERED = 10_000
COMPARED_AT_ONCE = 32
MAX_PRIORS = 1000


@dataclass(frozen=True)
class Thresholds:
    """Scores in [0, 1]: ask when `ignore_below` <= score < `ask_below`.

    Attributes:
        ask_below_of: labels with an `ask_below` of their own.
        ignore_below_of: labels with an `ignore_below` of their own.
    """

    ask_below: float = 0.6
    ignore_below: float = 0.1
    ask_below_of: Mapping[str, float] = field(default_factory=dict)
    ignore_below_of: Mapping[str, float] = field(default_factory=dict)

    def counts(self, label: str, score: float) -> bool:
        """Whether a detection is part of a question: not below `ignore_below`."""
        return score >= self.ignore_below_of.get(label, self.ignore_below)

    def doubted(self, label: str, score: float) -> bool:
        """Whether a detection is doubted, so that people are asked."""
        return self.counts(label, score) and score < self.ask_below_of.get(label, self.ask_below)


class Cooldown:
    """Remember which objects of one camera were asked about lately.

    An object is the same by its tracker id, else by label and an IoU of at least 0.5 with where
    it was last seen; a detection moves the remembered box along but does not prolong the wait.
    More objects are remembered than operators could look at. While the memory is full, no object
    counts as fresh, because it could not be told from one that was asked about.
    """

    def __init__(self, most: int = MAX_REMEMBERED) -> None:
        """Remember at most so many objects."""
        self._most = most
        self._tracked: dict[str, float] = {}
        self._placed: dict[str, _Places] = {}

    def __len__(self) -> int:
        return len(self._tracked) + sum(len(places) for places in self._placed.values())

    @property
    def full(self) -> bool:
        """Whether the memory is full."""
        return len(self) >= self._most

    def fresh(
        self, doubted: Iterable[Annotation], now: float, cooldown_s: float
    ) -> list[Annotation]:
        """Return those of one frame's doubted detections that are not cooling down.

        Args:
            doubted: what one frame shows.
            now: in seconds.
            cooldown_s: how long each object cools down.
        """
        self._expire(now - cooldown_s)
        unseen = self._unseen(list(doubted))
        return unseen[: max(self._most - len(self), 0)]

    def start(self, asked: Iterable[Annotation], now: float) -> None:
        """Start the cool-down of objects of one frame that are being asked about."""
        for annotation in self._unseen(list(asked)):
            if id := tracker_id(annotation):
                self._tracked[id] = now
            else:
                self._placed.setdefault(annotation.label, _Places()).add(annotation.box, now)

    def _expire(self, until: float) -> None:
        self._tracked = {id: at for id, at in self._tracked.items() if at > until}
        for places in self._placed.values():
            places.expire(until)
        self._placed = {label: places for label, places in self._placed.items() if places.at}

    def _unseen(self, found: Sequence[Annotation]) -> list[Annotation]:
        unseen = [tracker_id(annotation) not in self._tracked for annotation in found]
        by_label: dict[str, list[int]] = {}
        for number, annotation in enumerate(found):
            if annotation.label in self._placed and not tracker_id(annotation):
                by_label.setdefault(annotation.label, []).append(number)
        for label, numbers in by_label.items():
            followed = self._placed[label].follow([found[number].box for number in numbers])
            for number, one in zip(numbers, followed, strict=True):
                unseen[number] = not one
        return [annotation for annotation, new in zip(found, unseen, strict=True) if new]


@dataclass
class _Places:
    """Where objects of one label were last seen, and when each was asked about."""

    boxes: list[Box] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at)

    def add(self, box: Box, at: float) -> None:
        self.boxes.append(box)
        self.at.append(at)

    def expire(self, until: float) -> None:
        kept = [(box, at) for box, at in zip(self.boxes, self.at, strict=True) if at > until]
        self.boxes, self.at = [box for box, _ in kept], [at for _, at in kept]

    def follow(self, boxes: Sequence[Box]) -> list[bool]:
        """Tell which boxes are objects that are here; those are there from now on."""
        some, known = np.array(boxes), np.array(self.boxes)
        followed = np.zeros(len(some), bool)
        # From left to right, a few at a time, so that each few are compared with what is near.
        order = np.argsort(some[:, 0])
        for start in range(0, len(some), COMPARED_AT_ONCE):
            few = order[start : start + COMPARED_AT_ONCE]
            left, right = some[few, 0].min(), some[few, 2].max()
            near = np.flatnonzero((known[:, 2] > left) & (known[:, 0] < right))
            if not len(near):
                continue
            overlaps = ious(some[few], known[near])
            best = overlaps.argmax(axis=1)
            followed[few] = overlaps[np.arange(len(few)), best] >= SAME_OBJECT_IOU
            for number, nearest in zip(few, near[best], strict=True):
                if followed[number]:
                    self.boxes[nearest] = boxes[number]
        return [bool(one) for one in followed]


def ious(
    some: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return what `spark_ros.geometry.iou` gives for every pair of two sets of boxes.

    Args:
        some: (M, 4), each x0, y0, x1, y1.
        others: (N, 4), of the same frame.

    Returns:
        (M, N), in [0, 1].
    """
    a, b = some[:, None], others[None]
    shared = _areas(np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:]))
    union = _areas(a[..., :2], a[..., 2:]) + _areas(b[..., :2], b[..., 2:]) - shared
    return np.minimum(np.divide(shared, union, out=np.zeros_like(union), where=union > 0), 1.0)


def _areas(
    low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    width, height = high[..., 0] - low[..., 0], high[..., 1] - low[..., 1]
    return np.where((width > 0) & (height > 0), width * height, 0.0)


class HourlyLimit:
    """Count what was asked in the last hour."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def reached(self, now: float, per_hour: int) -> bool:
        """Whether one more would be too many in any 3600 seconds; a limit of 0 is none."""
        while self._times and self._times[0] <= now - HOUR_S:
            self._times.popleft()
        return 0 < per_hour <= len(self._times)

    def count(self, now: float) -> None:
        """Count one question."""
        self._times.append(now)


def is_full(waiting: int, limit: int) -> bool:
    """Whether so many open questions are all that a limit allows; a limit of 0 is none."""
    return 0 < limit <= waiting


def fresh_doubts(
    doubted: Iterable[Annotation], cooldown: Cooldown, cooldown_s: float, now: float
) -> list[Annotation]:
    """Return what is to be asked about among a frame's doubted detections, least certain first.

    Args:
        doubted: those of one frame.
        cooldown: of the frame's camera; what it remembers is moved along.
        cooldown_s: how long each object cools down.
        now: in seconds.
    """
    first = sorted(doubted, key=lambda a: a.score or 0.0)[:MAX_PRIORS]
    return cooldown.fresh(first, now, cooldown_s)


def certainty(doubted: Sequence[Annotation]) -> float:
    """Return the lowest score among doubted detections; the least certain are asked first."""
    return min((a.score for a in doubted if a.score is not None), default=1.0)


def tracker_id(annotation: Annotation) -> str:
    """Return the id that a tracker gave an object, or an empty string."""
    return str(annotation.attributes.get(TRACKER_ID, ''))
