# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The truth of a simulation grows while the scripted operator uses it."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from spark_ros.service.scripted.operator import from_setting
from spark_ros.service.scripted.recognise import TruthFile, dhash

GENERATOR = np.random.default_rng(3)
PICTURES = [
    np.kron(GENERATOR.integers(0, 255, (8, 9, 1), np.uint8), np.ones((10, 10, 3), np.uint8))
    for _ in range(2)
]


def write(path: Path, *pictures: np.ndarray) -> None:
    """Replace a truth file by one that knows pictures."""
    images = [
        {'width': 90, 'height': 80, 'dhash': f'{dhash(picture):016x}',
         'annotations': [{'label': f'thing {number}', 'box': [1, 2, 3, 4]}]}
        for number, picture in enumerate(pictures)
    ]  # fmt: skip
    new = path.with_name('new')
    new.write_text(json.dumps({'images': images}))
    os.replace(new, path)


def test_what_is_told_later_is_known_then(tmp_path):
    path = tmp_path / 'truth.json'
    write(path)
    truth = TruthFile(path)
    assert truth.find(PICTURES[0]) is None
    write(path, *PICTURES)
    assert truth.find(PICTURES[1]) == [('thing 1', (1, 2, 3, 4))]


@pytest.mark.parametrize('spoil', [
    lambda path: path.write_text('{"images": [{'), lambda path: path.unlink(),
], ids=['malformed', 'gone'])  # fmt: skip
def test_a_file_that_is_spoilt_leaves_what_was_known(tmp_path, caplog, spoil):
    path = tmp_path / 'truth.json'
    write(path, PICTURES[0])
    truth = TruthFile(path)
    spoil(path)
    with caplog.at_level(logging.WARNING):
        assert truth.find(PICTURES[0]) == [('thing 0', (1, 2, 3, 4))]
    assert 'keeping what was read before' in caplog.text
    write(path, *PICTURES)
    assert truth.find(PICTURES[1]) == [('thing 1', (1, 2, 3, 4))]


def test_the_operator_follows_the_file_that_it_is_given(tmp_path):
    path = tmp_path / 'truth.json'
    write(path)
    operator = from_setting(f'scripted:{path}', 0)
    write(path, PICTURES[0])
    assert operator.truth.find(PICTURES[0]) == [('thing 0', (1, 2, 3, 4))]


def test_a_file_that_is_not_there_at_the_start_is_an_error(tmp_path):
    with pytest.raises(OSError):
        TruthFile(tmp_path / 'nowhere.json')
