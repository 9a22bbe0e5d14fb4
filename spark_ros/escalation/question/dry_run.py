# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A dry run: decide as if people were asked, ask nobody, and count."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from spark_ros.model import Annotation
from spark_ros.policy import HOUR_S, Cooldown, Thresholds

LISTED = 10
LONGEST = 40


@dataclass(frozen=True)
class Summary:
    """What would have been asked in the last hour.

    Attributes:
        questions: how many.
        by_label: how many by the label of the least certain detection of each.
        by_camera: how many by camera.
        dropped: since the dry run began, why how many were not even that.
    """

    questions: int = 0
    by_label: Mapping[str, int] = field(default_factory=dict)
    by_camera: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        counted = f'{self.questions} question{"" if self.questions == 1 else "s"} in the last hour'
        if self.questions:
            labels = ', '.join(f'{count} {_short(label)}' for label, count in _most(self.by_label))
            cameras = ', '.join(f'{camera} {count}' for camera, count in _most(self.by_camera))
            counted = f'{counted}: {labels}; {cameras}'
        dropped = ', '.join(f'{count} by {why}' for why, count in _most(self.dropped))
        return counted + (f'; left out: {dropped}' if dropped else '')


class DryRun:
    """The memory of one dry run: what it said is no reason not to ask afterwards, or before.

    No limit on open questions can be reached, because nobody is there to leave one open.

    Attributes:
        cooldowns: by camera name.
        dropped: why how many would not be asked.
    """

    def __init__(self, cameras: Iterable[str]) -> None:
        """Begin, for cameras of these names."""
        self.cooldowns = {camera: Cooldown() for camera in cameras}
        self.dropped: Counter[str] = Counter()
        self._said: deque[tuple[float, str, str]] = deque()
        self._lock = threading.Lock()

    def count(self, camera: str, label: str, now: float) -> None:
        """Count a question that would have been asked."""
        with self._lock:
            self._said.append((now, camera, label))

    def reached(self, now: float, per_hour: int) -> bool:
        """Whether one more would be too many in an hour; a limit of 0 is none."""
        with self._lock:
            self._expire(now)
            return 0 < per_hour <= len(self._said)

    def summary(self, now: float) -> Summary:
        """Return the numbers; from any thread."""
        with self._lock:
            self._expire(now)
            said = list(self._said)
        return Summary(
            len(said),
            Counter(label for _, _, label in said),
            Counter(camera for _, camera, _ in said),
            dict(self.dropped),
        )

    def _expire(self, now: float) -> None:
        while self._said and self._said[0][0] <= now - HOUR_S:
            self._said.popleft()


def reason(asked: Sequence[Annotation], thresholds: Thresholds) -> str:
    """Say in words why a question would be asked.

    Args:
        asked: the doubted detections, at least one.
        thresholds: by which they are doubted.
    """
    first = least_certain(asked)
    limit = thresholds.ask_below_of.get(first.label, thresholds.ask_below)
    words = f'{_short(first.label)} {first.score or 0.0:g} is under its ask_below {limit:g}'
    return words + (f', and {len(asked) - 1} more' if len(asked) > 1 else '')


def least_certain(asked: Sequence[Annotation]) -> Annotation:
    """Return the detection with the lowest score."""
    return min(asked, key=lambda annotation: annotation.score or 0.0)


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    most = Counter(counts).most_common()
    rest = sum(count for _, count in most[LISTED:])
    return most[:LISTED] + ([('others', rest)] if rest else [])


def _short(label: str) -> str:
    """A label comes from a topic, and goes into a line of the log."""
    words = ' '.join(''.join(c if c.isprintable() else ' ' for c in label).split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + '…'
