# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Both thresholds are compared on the same drive, and too few worlds are said to be too few."""

from __future__ import annotations

from pathlib import Path

import pytest

from spark_ros.demo.errors import DemoError
from spark_ros.demo.scoring import Detection
from spark_ros.demo.warehouse.audits import asking
from spark_ros.demo.warehouse.calibrated import calibrate_on_worlds, compared
from spark_ros.demo.warehouse.comparison import Frame
from spark_ros.geometry import ImageSize

HALL = Path(__file__).parents[3] / 'worlds' / 'warehouse.sdf'
BOX = (20, 20, 40, 40)


def test_what_each_would_have_asked() -> None:
    """Three errors, of which the lower threshold asks about one, and doubts one that is right."""
    wrong = [Frame([], [Detection('ball', BOX, score)]) for score in (0.5, 0.7, 0.9)]
    right = Frame([Detection('ball', BOX)], [Detection('ball', BOX, 0.4)])
    told = compared(
        dict(enumerate([*wrong, right])), ImageSize(320, 240),
        {'low': asking(0.6, 0.15), 'high': asking(0.8)},
    ).split('\n')  # fmt: skip
    assert [line.split() for line in told[2:5]] == [
        ['low', '2', '2', 'of', '3'],
        ['high', '3', '1', 'of', '3'],
        ['oracle', '3', '0', 'of', '3'],
    ]


@pytest.mark.slow('two worlds are rendered')
def test_two_worlds_are_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DemoError, match=r'^2 drives count.*\nNot possible: on average'):
        calibrate_on_worlds(HALL, 0.7, tmp_path, worlds=2)
    assert capsys.readouterr().out.endswith('2 of 2 worlds\n')
    assert list(tmp_path.iterdir()) == []
