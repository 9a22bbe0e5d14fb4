# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A replay of a log of decisions decides as the node did."""

from __future__ import annotations

import asyncio
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from triage_harness import CAMERAS, WORLD, Office, Seen, office, seen

from spark_ros.calibration.decisions import (
    AnswerRecord,
    CameraPolicy,
    Detection,
    DriveRecord,
    FrameRecord,
    Policy,
    Record,
    from_line,
    to_line,
)
from spark_ros.calibration.drives import drives_of
from spark_ros.calibration.replay import replay
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.settings import Limits
from spark_ros.model import State
from spark_ros.policy import Thresholds

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


def opened(robot: Office, id: str) -> bool:
    """Whether a question is at the service, so that it can give way to no other."""
    return State.OPEN in robot.record.states(id)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(frames, min_size=1, max_size=40), thresholds, st.integers(0, 6), st.integers(0, 6)
)
def test_a_replay_decides_as_the_node_did(series, rules, at_most, per_hour) -> None:
    """The node's own triage, questions and journal against the replay of what it logged."""
    policy = Policy(
        dict.fromkeys(CAMERAS, CameraPolicy(rules, COOLDOWN_S)), at_most, per_hour
    )
    asking = dict.fromkeys(CAMERAS, Asking(rules, COOLDOWN_S))

    async def node() -> list[FrameRecord]:
        log = []
        async with office(asking, Limits(at_most, per_hour)) as robot:
            for number, (camera, found, wait_s) in enumerate(series):
                robot.now += wait_s
                shown = [seen(n, *rest) for n, rest in found.items()]
                asked = await robot.see(Seen(shown, camera))
                if asked:
                    await robot.record.until(partial(opened, robot, asked.id))
                log.append(
                    FrameRecord(
                        'd', camera, number, robot.now,
                        tuple(
                            Detection(
                                a.id, a.label, a.score or 0.0, a.box,
                                str(a.attributes.get('tracker_id', '')),
                            )
                            for a in shown
                        ),
                        asked is not None, question=asked.id if asked else '',
                    )
                )  # fmt: skip
        return log

    log = asyncio.run(node())
    logged: list[Record] = [DriveRecord('d', 1.0, policy), *log]
    # Nobody answers here, so that a question waits to the end.
    logged += [
        AnswerRecord('d', each.question, State.EXPIRED, 1e9) for each in log if each.question
    ]
    (played,) = drives_of(from_line(to_line(record)) for record in logged)
    asked = tuple(index for index, each in enumerate(log) if each.asked)
    assert replay(played, policy).asked == asked
