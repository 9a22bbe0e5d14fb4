# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The settings that may change while the node runs, as one value that is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spark_ros.escalation.question.asking import Asking


@dataclass(frozen=True)
class Limits:
    """How much is asked; 0 is no limit.

    Attributes:
        open: questions that wait to be sent or answered at one time.
        per_hour: questions in any 3600 seconds.
        age_s: how long an unanswered question is kept, whatever its own timeout.
        audits_per_hour: audits in any 3600 seconds, and those that wait at one time; they count
            for no other limit.
    """

    open: int = 50
    per_hour: int = 0
    age_s: float = 0.0
    audits_per_hour: int = 600


@dataclass(frozen=True)
class Settings:
    """When and what to ask, how much, and how often to poll.

    Attributes:
        asking: per camera name.
        poll_interval_s: the first delay between two polls of a question.
        poll_max_interval_s: the longest.
        journal_max_bytes: what images in the journal may take; 0 is no limit.
        dry_run: publish what would be asked, and ask nobody.
        robot_id: of the robot, whose audits are its own.
        drive: the id of the drive; empty: one is made for each start.
    """

    asking: Mapping[str, Asking] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    poll_interval_s: float = 1.0
    poll_max_interval_s: float = 15.0
    journal_max_bytes: int = 0
    dry_run: bool = False
    robot_id: str = ''
    drive: str = ''


@dataclass
class Current:
    """The present settings; read them here each time they are needed."""

    settings: Settings
