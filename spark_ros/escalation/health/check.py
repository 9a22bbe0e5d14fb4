# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Problems: what is wrong, how bad it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from spark_ros.escalation.health.snapshot import Snapshot

STOPPED_S = 10.0


class Level(IntEnum):
    """How bad it is, with the numbers of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `kind` names it without its numbers, `words` say what to do."""

    level: Level
    kind: str
    words: str


def warning(kind: str, words: str) -> Problem:
    """Return a problem that somebody should look at."""
    return Problem(Level.WARN, kind, words)


def error(kind: str, words: str) -> Problem:
    """Return a problem that prevents asking, or endangers answers."""
    return Problem(Level.ERROR, kind, words)


@dataclass(frozen=True)
class CheckResult:
    """How one part of the node is doing.

    Attributes:
        part: `camera front`, `questions` or `service`.
        fine: the message if there is no problem.
        values: what was measured.
    """

    part: str
    fine: str
    problems: tuple[Problem, ...]
    values: Mapping[str, str]

    @property
    def level(self) -> Level:
        """The worst of its problems."""
        return max((problem.level for problem in self.problems), default=Level.OK)

    @property
    def message(self) -> str:
        """All problems, the worst first."""
        worst_first = sorted(self.problems, key=lambda problem: -problem.level)
        return ' | '.join(problem.words for problem in worst_first) or self.fine

    @property
    def kinds(self) -> frozenset[str]:
        """What is wrong, without numbers."""
        return frozenset(problem.kind for problem in self.problems)


def check_running(snapshot: Snapshot, now: float) -> Iterator[Problem]:
    """Check that the runtime still runs: if it does not, its snapshot is old."""
    if now - snapshot.at >= STOPPED_S:
        yield error(
            'stopped',
            f'nothing was asked or fetched for {now - snapshot.at:.0f} s: a thread has stopped '
            'or hangs; questions are in the journal; see the log and restart the node',
        )


def ago(at: float | None, now: float) -> str:
    """Write how long ago something was, in seconds."""
    return f'{now - at:.0f}' if at is not None else 'never'
