# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Processor time per frame: one subject at a time on a running camera, in many short turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, median

from comparison import Comparison, compare
from processes import Process
from subjects import KEEPING, KEEPING_AGAIN, NODE, PLAIN, Subject

SUBJECTS = (KEEPING, NODE, PLAIN, KEEPING_AGAIN)
WARM_UP_S = 2.0


@dataclass(frozen=True)
class Cost:
    """What a subject spent in one turn."""

    frames: int
    cpu_s: float

    @property
    def ms_per_frame(self) -> float:
        """Processor milliseconds, all threads, user and system, for each frame received."""
        return self.cpu_s / self.frames * 1e3


Round = dict[str, Cost]


def measure_cost(
    rounds: int,
    seconds: float,
    domain: int,
    progress: Callable[[str], None],
    subjects: Sequence[Subject] = SUBJECTS,
    camera_arguments: Sequence[str] = (),
    warm_up_s: float = WARM_UP_S,
) -> list[Round]:
    """Return what each subject spent in each round.

    Each turn is a fresh process, alone on the camera, so that subjects do not share the
    processors; the order is turned around and rotated from round to round, so that a machine
    that gets slower or faster favours nobody. Many short turns say more than a few long ones:
    what disturbs a machine lasts for seconds, and each process has its own luck with memory.

    Args:
        rounds: how many.
        seconds: length of a turn.
        domain: ROS domain.
        progress: told each result.
        subjects: what is compared.
        camera_arguments: for `camera.py`.
        warm_up_s: before each turn, until rings are full and their memory is there.
    """
    with Process('camera.py', *camera_arguments, profile=True, domain=domain) as camera:
        result = []
        for number in range(rounds):
            shift, round_ = number // 2 % len(subjects), Round()
            order = (*subjects[shift:], *subjects[:shift])
            for subject in order[:: -1 if number % 2 else 1]:
                cost = _turn(subject, camera, seconds, domain, warm_up_s)
                round_[subject.name] = cost
                progress(
                    f'cost: round {number + 1} of {rounds}: {subject.name}: '
                    f'{cost.ms_per_frame:.2f} ms per frame, {cost.frames} frames'
                )
            result.append(round_)
        return result


def compare_cost(rounds: list[Round], subject: Subject, *bases: Subject) -> Comparison:
    """Compare what a subject costs per frame with the mean of others, round by round."""
    return compare(
        [
            round_[subject.name].ms_per_frame
            / geometric_mean(round_[base.name].ms_per_frame for base in bases)
            for round_ in rounds
        ]
    )


def median_ms(rounds: list[Round], name: str) -> float:
    """Return a subject's median cost per frame in milliseconds."""
    return median(round_[name].ms_per_frame for round_ in rounds)


def _turn(
    subject: Subject, camera: Process, seconds: float, domain: int, warm_up_s: float
) -> Cost:
    with subject.start(domain) as process:
        time.sleep(warm_up_s)
        before, sent = process.read(), camera.read().frames
        time.sleep(seconds)
        after, sent = process.read(), camera.read().frames - sent
    frames = after.frames - before.frames
    if not frames:
        raise RuntimeError(f'{subject.name}: no frame of {sent} arrived')
    return Cost(frames, after.cpu_s - before.cpu_s)
