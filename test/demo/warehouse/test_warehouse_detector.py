# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The detector of the hall: sure where it may be, in doubt or wrong where one expects it."""

from __future__ import annotations

import hall
import numpy as np
import pytest

from spark_ros.demo.warehouse.detector import detect
from spark_ros.demo.warehouse.render import Renderer
from spark_ros.demo.warehouse.scene import Pose
from spark_ros.geometry import iou_xywh

HERE = Pose(np.eye(3), np.zeros(3))
BROWN = '0.7 0.43 0.18'
CRATE = hall.box(0.8, 0.8, 0.8)
BARREL = hall.cylinder(0.3, 0.9)
BALL = hall.sphere(0.35)
AHEAD = '2.2 0 0.45 0 0 0.3'
SURE, DOUBTED = 0.8, 0.7


def look(folder, *models):
    """Detect; return the detections and the true objects."""
    renderer = Renderer(hall.scene(folder, hall.FLOOR, *models))
    return detect(renderer.render(HERE, seed=1)), renderer.objects(HERE)


@pytest.mark.parametrize(('label', 'shape', 'colour'), [
    ('crate', CRATE, BROWN), ('barrel', BARREL, hall.BLUE), ('ball', BALL, hall.RED),
])  # fmt: skip
def test_an_object_in_its_own_colour_is_found_surely(tmp_path, label, shape, colour):
    (found,), (true,) = look(tmp_path, hall.model(f'{label}_1', shape, AHEAD, colour))
    assert found.label == label and found.score > SURE
    assert iou_xywh(found.box, true.box) > 0.85


@pytest.mark.parametrize(('label', 'shape', 'usual', 'other'), [
    ('crate', CRATE, BROWN, hall.BLUE), ('barrel', BARREL, hall.BLUE, hall.RED),
    ('ball', BALL, hall.RED, hall.BLUE),
])  # fmt: skip
def test_another_kinds_colour_makes_it_less_sure(tmp_path, label, shape, usual, other):
    (usual_one,), _ = look(tmp_path, hall.model(f'{label}_1', shape, AHEAD, usual))
    (other_one,), _ = look(tmp_path, hall.model(f'{label}_1', shape, AHEAD, other))
    assert other_one.score < usual_one.score


def test_a_barrel_seen_from_its_end_is_doubted_or_wrong(tmp_path):
    """It shows a disc, but in the barrels' colour."""
    lying = hall.model('barrel_1', BARREL, '2.2 0.3 0.5 0 1.5707963 0.3', hall.BLUE)
    (found,), _ = look(tmp_path, lying)
    assert found.score < DOUBTED or found.label != 'barrel'


def test_two_that_touch_in_the_image_are_one_to_it(tmp_path):
    found, true = look(
        tmp_path,
        hall.model('crate_1', CRATE, '2.4 0.4 0.4 0 0 0', BROWN),
        hall.model('crate_2', CRATE, '2.4 -0.4 0.4 0 0 0', BROWN))
    assert len(true) == 2 and len(found) == 1


def test_a_ball_at_the_images_side_is_still_one(tmp_path):
    (found,), (true,) = look(tmp_path, hall.model('ball_1', BALL, '2 1.95 1 0 0 0'))
    assert 0.4 < true.score < 0.9
    assert found.label == 'ball' and found.box[0] == 0


def test_an_empty_hall_has_nothing(tmp_path):
    assert look(tmp_path)[0] == []


@pytest.mark.parametrize('image', [
    np.zeros((240, 320, 3), np.uint8),
    np.full((240, 320, 3), (180, 30, 20), np.uint8),
    np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8),
    np.full((1, 1, 3), (180, 30, 20), np.uint8),
    np.full((15, 400, 3), (20, 30, 200), np.uint8),
], ids=['black', 'blue', 'noise', 'one pixel', 'a strip'])  # fmt: skip
def test_any_image_gives_boxes_inside_it_and_scores_in_order(image):
    found = detect(image)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True) and all(0 < score < 1 for score in scores)
    for one in found:
        x, y, width, height = one.box
        assert x >= 0 and x + width <= image.shape[1]
        assert y >= 0 and y + height <= image.shape[0]
