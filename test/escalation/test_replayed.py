# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A replay of a log of decisions decides as the node did."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from triage_harness import CAMERAS, WORLD, Office, Seen, office, seen

from spark_ros.calibration.decision_files import read_log
from spark_ros.calibration.drives import Drive, drives_of
from spark_ros.calibration.replay import replay
from spark_ros.escalation.backends.backend import Report
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.decisions import policy_of
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.settings import Limits, Settings
from spark_ros.model import Answer, State
from spark_ros.policy import Thresholds

pytestmark = pytest.mark.slow('plays hundreds of series of frames')

COOLDOWN_S = 60.0
scores = st.sampled_from([0.05, 0.15, 0.35, 0.55, 0.7, 0.9])
frames = st.tuples(
    st.sampled_from(CAMERAS),
    st.dictionaries(
        st.integers(0, len(WORLD) - 1), st.tuples(scores, st.floats(-0.02, 0.02)), max_size=4
    ),
    st.sampled_from([0.5, 1.0, 20.0, 58.0, 61.0, 1700.0]),
)
thresholds = st.sampled_from(
    [Thresholds(), Thresholds(0.8, 0.1, {'dog': 0.3}), Thresholds(1.0, 0.0, {}, {'cat': 0.4})]
)
limits = st.builds(
    Limits, st.integers(0, 3), st.integers(0, 6), audits_per_hour=st.integers(0, 2)
)
REACHED: Counter[str] = Counter()


def opened(robot: Office, id: str) -> bool:
    """Whether a question is at the service, so that it can give way to no other."""
    return State.OPEN in robot.record.states(id)


async def drive(
    folder: Path, series: Sequence[Any], asking: Asking, limits: Limits, answered: int = 0
) -> Drive:
    """Drive past some frames, and read the log of it.

    Args:
        folder: where the log is.
        series: camera, what is seen, and the wait before, of each frame.
        asking: of each camera.
        limits: of the node.
        answered: after each so many frames the oldest question is answered; 0: never.
    """
    # So small that every few records begin a new file.
    log = DecisionLog(folder / 'decisions.jsonl', 60_000)
    try:
        async with office(dict.fromkeys(CAMERAS, asking), limits, log=log) as robot:
            for number, (camera, found, wait_s) in enumerate(series, 1):
                robot.now += wait_s
                shown = [seen(n, *rest) for n, rest in found.items()]
                asked = await robot.see(Seen(shown, camera, number))
                if asked:
                    await robot.record.until(partial(opened, robot, asked.id))
                if answered and number % answered == 0:
                    # Not in the moment of a decision, which it would come after.
                    robot.now += 0.25
                    for one in robot.engagements.all_asked()[:1]:
                        closed = Report(one.token, State.CLOSED, lambda _: Answer(State.CLOSED))
                        await robot.engagements.router.route(closed)
                        await robot.record.until(
                            lambda id=one.id: State.CLOSED in robot.record.states(id)
                        )
    finally:
        log.close()
    (read,) = drives_of(read_log([log.path]))
    assert read.whole and not log.lost
    assert [frame.stamp_ns for frame in read.frames] == list(range(1, len(series) + 1))
    return read


@settings(deadline=None, max_examples=60)
@given(
    st.lists(frames, min_size=5, max_size=40), thresholds, limits,
    st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 4),
)  # fmt: skip
def test_a_replay_decides_as_the_node_did(series, rules, limits, rate, answered) -> None:
    """The node's own triage, questions, journal and log against the replay of that log.

    Audits among them change nothing.
    """
    asking = Asking(rules, COOLDOWN_S, audit_rate=rate)
    with TemporaryDirectory() as folder:
        read = asyncio.run(drive(Path(folder), series, asking, limits, answered))
    asked = tuple(index for index, each in enumerate(read.frames) if each.asked)
    policy = policy_of(Settings(dict.fromkeys(CAMERAS, asking), limits))
    assert read.policy == policy
    # Whoever is not answered waits to the end.
    waits = {each.question: read.waited_s.get(each.question, 1e9) for each in read.frames}
    played = Drive(read.id, policy, read.frames, waited_s=waits)
    assert replay(played, policy).asked == asked
    for frame in read.frames:
        REACHED['asked'] += frame.asked
        REACHED['audits asked'] += frame.audit and bool(frame.question)
        REACHED['both'] += frame.audit and frame.asked
        REACHED[frame.refused] += 1
    REACHED['answered'] += len(read.waited_s)


def test_the_law_was_tried_where_it_matters() -> None:
    reached = ('asked', 'audits asked', 'both', 'answered', 'limits.open', 'limits.per_hour',
               'limits.audits_per_hour')  # fmt: skip
    assert min(REACHED[each] for each in reached) > 3, REACHED


@settings(deadline=None, max_examples=20)
@given(st.lists(frames, min_size=1, max_size=30), st.lists(scores, min_size=120, max_size=120))
def test_scores_have_no_say_in_what_is_audited(series, others) -> None:
    """The same frames are chosen, and asked about as audits, whatever the detector is sure of."""
    again = iter(others)
    changed = [
        (camera, {n: (next(again), shift) for n, (_, shift) in found.items()}, wait_s)
        for camera, found, wait_s in series
    ]
    chosen = []
    for each in (series, changed, [(camera, {}, wait_s) for camera, _, wait_s in series]):
        with TemporaryDirectory() as folder:
            asking = Asking(Thresholds(), COOLDOWN_S, audit_rate=0.5)
            limits = Limits(open=2, per_hour=3, audits_per_hour=0)
            read = asyncio.run(drive(Path(folder), each, asking, limits))
        chosen.append([frame.stamp_ns for frame in read.frames if frame.audit])
        assert all(bool(frame.question) for frame in read.frames if frame.audit)
    assert chosen[0] == chosen[1] == chosen[2]
