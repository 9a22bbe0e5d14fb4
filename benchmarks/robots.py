# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The robot of the tests, for benchmarks; it makes the modules of the tests importable."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from robot import Robot

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'test'), str(ROOT / 'test' / 'ros')]


def robot_with(journal: Path, domain: int, **parameters: Any) -> Robot:
    """Return the rest of a robot, alone on a domain of this machine.

    Args:
        journal: of the node that it starts.
        domain: ROS domain.
        parameters: of that node, with two underscores for a dot.
    """
    os.environ.update(ROS_DOMAIN_ID=str(domain), ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST')
    from robot import Robot

    def wait_until(condition: Any, executor: Any, deadline_s: float) -> None:
        end = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < end, f'not within {deadline_s:.0f} s'
            executor.spin_once(timeout_sec=0.05)

    given = {name.replace('__', '.'): value for name, value in parameters.items()}
    own = {'cameras': ['front'], 'robot_id': 'rover', 'journal.path': str(journal)}
    return Robot(wait_until, own | given)
