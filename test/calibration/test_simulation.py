# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The simulation in benchmarks/ finds a rule that does not keep its promise."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
FLEETS = 300


@pytest.fixture(scope='module')
def simulation() -> dict[str, Any]:
    """The benchmark's functions, with fewer fleets."""
    found = runpy.run_path(str(ROOT / 'benchmarks' / 'calibration_simulation.py'))
    found['simulate'].__globals__['FLEETS'] = FLEETS
    return found


@pytest.fixture(scope='module')
def naive(simulation) -> list[tuple[int | None, float]]:
    """Thresholds that keep the promise on the drives seen, as one would set them by hand."""
    alpha = simulation['ALPHA']
    return simulation['simulate'](
        np.random.default_rng(5), lambda losses: losses.mean() <= alpha, 10
    )


def test_a_broken_average_is_found(simulation) -> None:
    losses = list(np.random.default_rng(5).random(FLEETS) < 0.2)
    assert simulation['average_row']('naive', losses, 0.0, 0.0)[1] is False


def test_a_broken_probability_is_found(simulation, naive) -> None:
    """The naive rule is above alpha for far more fleets than delta allows."""
    truth = simulation['Truth'](simulation['Drives'](np.random.default_rng(6), 20_000))
    broken = truth.broken(naive, truth.shares, truth.noise)
    assert simulation['probable_row']('naive', broken, 0.0, 0.0)[1] is False


def test_our_rules_pass_where_the_naive_one_fails(simulation) -> None:
    truth = simulation['Truth'](simulation['Drives'](np.random.default_rng(6), 20_000))
    found = simulation['simulate'](
        np.random.default_rng(5), simulation['probably'](0.1, 0.1), 30
    )
    broken = truth.broken(found, truth.shares, truth.noise)
    assert simulation['probable_row']('ours', broken, 0.0, 0.0)[1] is True
    assert any(k is not None for k, _ in found)
