# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Kill, stop and cut: nothing is lost, and twice comes only what a kill explains.

`benchmarks/chaos.py` runs the same at length.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos_run import Chaos, Plan
from robot import Robot
from services import KillableService

from spark_ros.msg import Resolution

PLAN = Plan(questions=30, node_kills=2, service_kills=1, seconds=240.0)


@pytest.mark.slow('kills nodes and services by chance')
@pytest.mark.timeout(300)
@pytest.mark.parametrize('kind', ['spark', 'heat'])
def test_nothing_is_lost(robot: Robot, tmp_path: Path, kind: str) -> None:
    service = KillableService(tmp_path / 'service', kind)
    try:
        outcome = Chaos(robot, service, tmp_path / 'journal.db', PLAN).run()
    finally:
        service.stop()
    assert len(outcome.accepted) >= PLAN.questions
    assert not outcome.lost, outcome.log
    assert not outcome.unexplained
    assert set(outcome.states) == {Resolution.STATE_CLOSED}
    assert outcome.spoiled
