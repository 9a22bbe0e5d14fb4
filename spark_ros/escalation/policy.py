# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""When to ask: thresholds, a cool-down per object, and limits. Pure: the clock is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from spark_ros.geometry import Box, iou
from spark_ros.model import Annotation

SAME_OBJECT_IOU = 0.5
TRACKER_ID = 'tracker_id'
HOUR_S = 3600.0


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
        """Whether a detection is worth mentioning at all."""
        return score >= self.ignore_below_of.get(label, self.ignore_below)

    def doubted(self, label: str, score: float) -> bool:
        """Whether a detection is one to ask about."""
        return self.counts(label, score) and score < self.ask_below_of.get(label, self.ask_below)


@dataclass
class _Asked:
    label: str
    tracker_id: str
    box: Box
    at: float


class Cooldown:
    """Remember which objects of one camera were asked about lately.

    An object is the same by its tracker id, else by label and an IoU of at least 0.5 with where
    it was last seen; a sighting moves the remembered box along but does not prolong the wait.

    Attributes:
        cooldown_s: may be changed at any time, also for what is remembered.
    """

    def __init__(self, cooldown_s: float) -> None:
        """Ask about one object at most once in `cooldown_s` seconds."""
        self.cooldown_s = cooldown_s
        self._asked: list[_Asked] = []

    def fresh(self, doubted: Iterable[Annotation], now: float) -> list[Annotation]:
        """Return those of the doubted detections that are not cooling down."""
        self._asked = [asked for asked in self._asked if now < asked.at + self.cooldown_s]
        return [annotation for annotation in doubted if not self._seen(annotation)]

    def note(self, asked: Iterable[Annotation], now: float) -> None:
        """Start the cool-down of objects that are being asked about."""
        for annotation in asked:
            if not self._seen(annotation):
                self._asked.append(
                    _Asked(
                        annotation.label,
                        _tracker_id(annotation),
                        annotation.box,
                        now,
                    )
                )

    def _seen(self, annotation: Annotation) -> bool:
        tracker_id = _tracker_id(annotation)
        for asked in self._asked:
            if tracker_id or asked.tracker_id:
                same = tracker_id == asked.tracker_id
            else:
                same = (
                    asked.label == annotation.label
                    and iou(asked.box, annotation.box) >= SAME_OBJECT_IOU
                )
            if same:
                asked.box = annotation.box
                return True
        return False


class HourlyLimit:
    """Count what was asked in the last hour; a limit of 0 is none."""

    def __init__(self, per_hour: int) -> None:
        """Allow `per_hour` questions in any 3600 seconds."""
        self.per_hour = per_hour
        self._times: deque[float] = deque()

    def reached(self, now: float) -> bool:
        """Whether one more would be too many."""
        while self._times and self._times[0] <= now - HOUR_S:
            self._times.popleft()
        return 0 < self.per_hour <= len(self._times)

    def note(self, now: float) -> None:
        """Count one question."""
        self._times.append(now)


def certainty(doubted: Sequence[Annotation]) -> float:
    """Return the lowest score among doubted detections; the least certain are asked first."""
    return min((a.score for a in doubted if a.score is not None), default=1.0)


def _tracker_id(annotation: Annotation) -> str:
    return str(annotation.attributes.get(TRACKER_ID, ''))
