# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Play a drive again under another policy: what would have been asked, and what would not.

It is the node's own policy that decides, with cool-down and limits. A person sees the whole
frame that is asked about, so that all its errors are found. Where an object is cooling down, its
doubted detection counts as asked: its answer is there, unless the question ended without one.
Audits change nothing of all this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from spark_ros.calibration.decisions import REUSED, Policy
from spark_ros.calibration.drives import Drive
from spark_ros.policy import Cooldown, HourlyLimit, fresh_doubts, is_full

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Replayed:
    """What a policy would have done.

    Attributes:
        asked: the indexes of the frames that it would ask about.
        unasked: errors that it would not ask about, estimated for the whole drive.
    """

    asked: tuple[int, ...]
    unasked: float


@dataclass(frozen=True)
class Replays:
    """Drives under each policy of a path.

    Attributes:
        questions: (drives, policies), how many would be asked.
        unasked: (drives, policies), errors that would not be asked about.
        errors: (drives,), all errors.
        frames: (drives,), how many there are.
    """

    questions: Array
    unasked: Array
    errors: Array
    frames: Array

    @property
    def shares(self) -> Array:
        """(drives, policies): the share of a drive's errors not asked about; without any: 0."""
        errors = np.maximum(self.errors, np.finfo(float).tiny)[:, None]
        return np.minimum(self.unasked / errors, 1.0)


def replay(drive: Drive, policy: Policy | None) -> Replayed:
    """Play one drive under a policy.

    Args:
        drive: what is played.
        policy: decides from an empty start; None: what was asked is taken from the log.

    Questions wait as long for their answer as they did; those that were not asked, as long as
    questions of the drive usually did. A frame for which an answer was used again is not asked
    about, whatever the policy.

    Raises:
        KeyError: the policy lacks a camera of the drive.
    """
    as_logged, policy = policy is None, policy or drive.policy
    cooldowns = {camera: Cooldown() for camera in policy.cameras}
    unanswered = {camera: Cooldown() for camera in policy.cameras}
    hourly, open_until = HourlyLimit(), list[float]()
    asked, unasked = [], 0.0
    for index, frame in enumerate(drive.frames):
        camera, errors = policy.cameras[frame.camera], drive.errors.get(index, ())
        cooldown, now = cooldowns[frame.camera], frame.at_s
        doubted = [
            a for a in drive.annotations[index] if camera.thresholds.doubted(a.label, a.score or 0)
        ]
        fresh = fresh_doubts(doubted, cooldown, camera.cooldown_s, now) if doubted else []
        answered, lost = doubted, unanswered[frame.camera]
        if doubted and len(lost):
            answered = fresh_doubts(doubted, lost, camera.cooldown_s, now)
        while open_until and open_until[0] <= now:
            heappop(open_until)
        refused = (
            frame.refused == REUSED
            or hourly.reached(now, policy.per_hour)
            or is_full(len(open_until), policy.open)
        )
        if frame.asked if as_logged else fresh and not refused:
            asked.append(index)
            hourly.count(now)
            wait_s = drive.waited_s.get(frame.question, drive.usual_wait_s)
            heappush(open_until, now + wait_s)
            cooldown.start(fresh, now)
            if frame.asked and frame.question in drive.unanswered:
                lost.start(fresh, now)
        elif errors:
            # With a full memory nothing can be told from what was asked about.
            cooling = set() if cooldown.full else {a.id for a in answered} - {a.id for a in fresh}
            missed = sum(error.prior not in cooling for error in errors)
            unasked += missed / frame.audit_rate
    return Replayed(tuple(asked), unasked)


def replay_all(drives: Sequence[Drive], path: Sequence[Policy | None]) -> Replays:
    """Play every drive under every policy; None is as in `replay`."""
    questions, unasked = (np.zeros((len(drives), len(path))) for _ in range(2))
    for row, drive in enumerate(drives):
        for column, policy in enumerate(path):
            played = replay(drive, policy)
            questions[row, column] = len(played.asked)
            unasked[row, column] = played.unasked
    errors = np.array([drive.weight for drive in drives], float)
    frames = np.array([len(drive.frames) for drive in drives], float)
    return Replays(questions, unasked, errors, frames)
