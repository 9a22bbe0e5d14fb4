# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The simulation in benchmarks/ finds the careless operator, and hardly anybody else."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / 'benchmarks' / 'operator_simulation.py'


@pytest.mark.parametrize('draw', ['known_answers', 'second_opinions'])
def test_the_careless_one_is_found(draw: str) -> None:
    names = runpy.run_path(str(SCRIPT))
    names['simulate'].__globals__['TEAMS'] = 50
    found, another = names['simulate'](names[draw], 3, 50, 0.5)
    assert found == 1 and another == 0
    nobody, another = names['simulate'](names[draw], 3, 50, names['CAREFUL'])
    assert nobody == 0 and another < 0.2
