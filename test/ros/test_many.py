# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ten thousand open questions: the node starts fast, stays small and needs one connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from many_questions import Started, Tray, fill
from robot import Robot

MANY = 10_000
WORKING_S = 30.0
LARGEST_MB = 300.0


@pytest.fixture
def trays() -> Iterator[tuple[Tray, Tray]]:
    both = Tray(), Tray()
    yield both
    for tray in both:
        tray.close()


@pytest.mark.slow('starts nodes on ten thousand questions')
def test_ten_thousand_open_questions(
    robot: Robot, trays: tuple[Tray, Tray], tmp_path: Path
) -> None:
    idle = Started(robot, trays[0])
    assert idle.node.end() == 0
    (tmp_path / 'journal.db').unlink()
    fill(tmp_path / 'journal.db', MANY)
    tray = trays[1]
    busy = Started(robot, tray)
    assert f'continuing with {MANY} unanswered' in busy.node.output
    # A coarse ceiling, above what Python, ROS and discovery take with an empty journal:
    # `make bench` says how long it is on a machine that does nothing else.
    assert busy.seconds - idle.seconds < WORKING_S
    robot.until(lambda: tray.calls['GET /v1/engagement'])
    assert busy.most_resident_mb < LARGEST_MB
    assert tray.at_once == 1
    assert busy.node.end() == 0
    assert 'Traceback' not in busy.node.output
