# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The measurement of reuse counts what it says, on frames made up for it."""

from __future__ import annotations

import runpy
from pathlib import Path

import cv2
import numpy as np

from spark_ros.demo.scoring import Detection
from spark_ros.escalation.question.asking import Asking

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / 'benchmarks' / 'reuse.py'))
CRATE = Detection('crate', (40.0, 40.0, 80.0, 80.0), 0.5)
HALL = cv2.resize(np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8), (320, 240))


def counts(truths: list[list[Detection]], reuse_s: float) -> dict[str, int]:
    """Count on frames that all look alike, with a crate in doubt and some truth."""
    views = [BENCHMARK['view_of'](HALL, [CRATE], truth) for truth in truths]
    return dict(BENCHMARK['drive'](views, Asking(cooldown_s=2.0, reuse_s=reuse_s), 1.0))


def test_what_is_saved() -> None:
    standing = [[CRATE._replace(score=1.0)]] * 30
    assert counts(standing, 0.0) == {'frames': 30, 'doubted': 30, 'asked': 3}
    # Answered after a second, that is from the sixth frame on.
    assert counts(standing, 60.0) == {
        'frames': 30, 'doubted': 30, 'asked': 1, 'reused': 25, 'answers': 25, 'right': 25,
        'detector right': 25,
    }  # fmt: skip


def test_what_is_right() -> None:
    barrel = CRATE._replace(label='barrel', score=1.0)
    later = [[barrel]] * 10 + [[CRATE._replace(score=1.0)]] * 5 + [[]] * 5
    found = counts(later, 60.0)
    assert (found['answers'], found['right'], found['detector right']) == (15, 5, 5)
    hidden = [[barrel]] * 10 + [[barrel._replace(score=0.1)]] * 10
    # Of what is hardly seen nobody can say what it is.
    assert counts(hidden, 60.0)['answers'] == 5
