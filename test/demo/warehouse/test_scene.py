# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The world's file is read as Gazebo reads it, and what is not understood is refused."""

from __future__ import annotations

import math

import hall
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.demo.warehouse.scene import Scene, SceneError, turned

angles = st.floats(-7, 7)


def test_poses_follow_one_another(tmp_path):
    """A link and a visual lie in the frame of the model."""
    world = hall.text(hall.model('crate_1', hall.box(1, 2, 3), '1 0 0 0 0 1.5707963'))
    world = world.replace('<link name="link">', '<link name="link"><pose>2 0 0 0 0 0</pose>')
    world = world.replace('<visual name="body">',
                          '<visual name="body"><pose>0 0 3 0 0 1.5707963</pose>')
    (tmp_path / 'w.sdf').write_text(world)
    (shape,) = Scene.load(tmp_path / 'w.sdf').shapes
    assert shape.pose.at == pytest.approx([1, 2, 3], abs=1e-6)
    assert shape.pose.rotation @ [1, 0, 0] == pytest.approx([-1, 0, 0], abs=1e-6)
    assert shape.kind == 'box' and shape.size == (1, 2, 3)


@given(angles, angles, angles)
def test_a_rotation_is_one(roll, pitch, yaw):
    rotation = turned(roll, pitch, yaw)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_angles_turn_about_x_then_y_then_z():
    assert turned(math.pi / 2, 0, 0) @ [0, 1, 0] == pytest.approx([0, 0, 1], abs=1e-9)
    assert turned(0, math.pi / 2, 0) @ [1, 0, 0] == pytest.approx([0, 0, -1], abs=1e-9)
    assert turned(math.pi / 2, 0, math.pi / 2) @ [0, 1, 0] == pytest.approx([0, 0, 1], abs=1e-9)


def test_the_robot_comes_round(tmp_path):
    """At a constant speed and turn it drives a circle to its left."""
    drive = hall.scene(tmp_path).drive
    assert drive.period_s == pytest.approx(4 * math.pi)
    for quarter, at in enumerate([(0, 0), (2, 2), (0, 4), (-2, 2), (0, 0)]):
        pose = drive.pose_at(drive.period_s * quarter / 4)
        assert pose.at == pytest.approx([*at, 0], abs=1e-9)
        heading = quarter * math.pi / 2
        assert pose.rotation @ [1, 0, 0] == pytest.approx(
            [math.cos(heading), math.sin(heading), 0], abs=1e-9)


def test_only_names_with_a_number_are_objects(tmp_path):
    names = ('crate_1', 'ball_22', 'barrel', 'crates_1', 'wall_3')
    scene = hall.scene(
        tmp_path, *(hall.model(name, hall.sphere(1), '5 0 0 0 0 0') for name in names))
    assert [scene.label(model) for model in range(5)] == ['crate', 'ball', '', '', '']


@pytest.mark.parametrize(('right', 'wrong', 'message'), [
    ('<world', '<wor', 'hall.sdf: mismatched tag'),
    ('name="robot"', 'name="rover"', 'expected one model named robot, not 0'),
    ('VelocityControl', 'DiffDrive', 'robot has no VelocityControl'),
    ('<direction>0 0 -1', '<direction>0 0 x', 'could not convert'),
    ('<direction>0 0 -1', '<direction>0 -1', r'is .0 -1., not 3 number'),
    ('0 0 0.5</initial_angular>', '0 0 0</initial_angular>', 'must drive forward and turn'),
    ('1 0 0</initial_linear>', '1 1 0</initial_linear>', 'must drive forward and turn'),
    ('<pose>5 0 1', '<pose relative_to="robot">5 0 1', 'relative_to'),
    ('<pose>5 0 1', '<pose>nan 0 1', 'number'),
    ('<sphere><radius>1</radius></sphere>', '<mesh><uri>x</uri></mesh>', '<mesh> is not drawn'),
    ('<radius>1</radius>', '', 'has no <radius>'),
])  # fmt: skip
def test_what_is_not_understood_is_refused(tmp_path, right, wrong, message):
    world = hall.text(hall.model('ball_1', hall.sphere(1), '5 0 1 0 0 0'))
    assert right in world
    (tmp_path / 'hall.sdf').write_text(world.replace(right, wrong, 1))
    with pytest.raises(SceneError, match=message):
        Scene.load(tmp_path / 'hall.sdf')
