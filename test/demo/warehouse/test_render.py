# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the camera sees of shapes is what a pinhole sees, and so are the true boxes."""

from __future__ import annotations

from pathlib import Path

import hall
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.demo.warehouse.rays import meet, normals
from spark_ros.demo.warehouse.render import Renderer
from spark_ros.demo.warehouse.scene import Pose, Scene

HERE = Pose(np.eye(3), np.zeros(3))
WORLD = Path(__file__).parents[3] / 'worlds' / 'warehouse.sdf'
SIZES = {'box': (1.0, 2.0, 0.6), 'sphere': (0.7,), 'cylinder': (0.5, 1.2)}
numbers = st.floats(-1, 1)


def objects(folder: Path, *models: str, **more: str) -> list:
    return Renderer(hall.scene(folder, *models, **more)).objects(HERE)


def test_a_box_is_where_a_pinhole_projects_it(tmp_path):
    """Its front is 3 m away, 1 m left of the middle, and 0.5 m above the camera's height."""
    (seen,) = objects(tmp_path, hall.model('crate_1', hall.box(2, 0.6, 0.8), '4 1 1.5 0 0 0'))
    front, back = hall.FOCAL_PX / 3, hall.FOCAL_PX / 5
    left, right = hall.WIDTH / 2 - 1.3 * front, hall.WIDTH / 2 - 0.7 * back
    top, bottom = hall.HEIGHT / 2 - 0.9 * front, hall.HEIGHT / 2 - 0.1 * back
    assert seen.label == 'crate' and seen.score == 1.0
    assert seen.box == pytest.approx((left, top, right - left, bottom - top), abs=1.5)


def test_a_ball_straight_ahead_is_a_disc(tmp_path):
    (seen,) = objects(tmp_path, hall.model('ball_1', hall.sphere(0.5), '3 0 1 0 0 0'))
    radius = hall.FOCAL_PX * 0.5 / (3**2 - 0.5**2) ** 0.5
    middle = (hall.WIDTH / 2 - radius, hall.HEIGHT / 2 - radius, 2 * radius, 2 * radius)
    assert seen.box == pytest.approx(middle, abs=1.5)


def test_what_stands_before_it_hides_its_part(tmp_path):
    """A screen before the left half leaves the right half, and its box."""
    ball = hall.model('ball_1', hall.sphere(0.5), '4 0 1 0 0 0')
    screen = hall.model('screen', hall.box(0.1, 1, 2), '2 0.5 1 0 0 0')
    (whole,), (half,) = objects(tmp_path, ball), objects(tmp_path, ball, screen)
    assert whole.score == 1.0 and half.score == pytest.approx(0.5, abs=0.05)
    assert objects(tmp_path, screen, ball) == [half]
    assert half.box[0] == pytest.approx(hall.WIDTH / 2, abs=1.5)
    assert half.box[2] == pytest.approx(whole.box[2] / 2, abs=1.5)
    wide = hall.model('screen', hall.box(0.1, 4, 4), '2 0 1 0 0 0')
    assert objects(tmp_path, ball, wide) == []


def test_what_the_image_cuts_off_counts_for_the_share(tmp_path):
    """At the very side of the view half of it is in."""
    (seen,) = objects(tmp_path, hall.model('ball_1', hall.sphere(0.3), '4 4 1 0 0 0'))
    assert seen.box[0] == 0 and 0.4 < seen.score < 0.6


def test_what_is_behind_is_not_seen(tmp_path):
    assert objects(tmp_path, hall.model('ball_1', hall.sphere(0.3), '-4 0 1 0 0 0')) == []


def test_the_camera_looks_where_it_is_mounted(tmp_path):
    """Turned by a right angle to the left it sees what stands there."""
    ball = hall.model('ball_1', hall.sphere(0.3), '0 4 1 0 0 0')
    assert objects(tmp_path, ball) == []
    (seen,) = objects(tmp_path, ball, sensor_pose='0 0 1 0 0 1.5707963')
    assert seen.box[0] + seen.box[2] / 2 == pytest.approx(hall.WIDTH / 2, abs=1)


def test_light_falls_and_is_kept_off(tmp_path):
    """Straight from above: the floor is lit but under the box, and colours are blue first."""
    crate = hall.model('crate_1', hall.box(1, 1, 0.5), '3 0 1.8 0 0 0', hall.RED)
    image = Renderer(hall.scene(tmp_path, hall.FLOOR, crate)).render(HERE)
    row = hall.HEIGHT // 2 + round(hall.FOCAL_PX / 3)
    shadow, floor = image[row, hall.WIDTH // 2], image[row, 20]
    assert tuple(floor) == pytest.approx((128,) * 3, abs=2)
    assert tuple(shadow) == pytest.approx((64,) * 3, abs=2)
    side = image[hall.HEIGHT // 2 - round(0.8 * hall.FOCAL_PX / 2.5), hall.WIDTH // 2]
    assert tuple(side) == pytest.approx((13, 13, 102), abs=2)
    assert tuple(image[5, 5]) == pytest.approx((230, 204, 178), abs=2)


def test_noise_comes_again_with_its_seed(tmp_path):
    renderer = Renderer(hall.scene(tmp_path, hall.FLOOR))
    assert (renderer.render(HERE, 1) == renderer.render(HERE, 1)).all()
    assert (renderer.render(HERE, 1) != renderer.render(HERE, 2)).any()
    difference = renderer.render(HERE, 1).astype(int) - renderer.render(HERE)
    assert difference.std() == pytest.approx(0.01 * 255, rel=0.1)


@pytest.mark.parametrize('kind', SIZES)
@given(along=st.tuples(numbers, numbers, numbers), place=st.tuples(numbers, numbers, numbers))
def test_rays_end_on_the_surface(kind, along, place):
    """Where a ray meets a shape, a step along the normal is outside and one against it inside."""
    start = np.array([[4.0], [0.5], [0.3]], np.float32)
    aim = np.array(place, np.float32)[:, None] + 0.1 * np.array(along, np.float32)[:, None]
    ray = (aim - start).astype(np.float32)
    distance = meet(kind, SIZES[kind], start, ray)
    if not np.isfinite(distance[0]):
        return
    point = start + distance * ray
    normal = normals(kind, SIZES[kind], point)
    assert np.linalg.norm(normal) == pytest.approx(1, abs=0.01)
    assert (normal * ray).sum() <= 0.02
    assert not inside(kind, point + 0.01 * normal)
    # Against the side just beside an edge, a step inward may pass the other side.
    assert inside(kind, point * 0.98 - 0.001 * normal)


def inside(kind: str, point: np.ndarray) -> bool:
    x, y, z = (float(number) for number in point[:, 0])
    size = SIZES[kind]
    if kind == 'box':
        return all(abs(a) < s / 2 for a, s in zip((x, y, z), size, strict=True))
    if kind == 'sphere':
        return x * x + y * y + z * z < size[0] ** 2
    return x * x + y * y < size[0] ** 2 and abs(z) < size[1] / 2


def test_the_way_leads_past_objects_all_along():
    """At every eighth of the loop at least one object counts, and a kind of each on the way."""
    scene = Scene.load(WORLD)
    renderer, labels = Renderer(scene), set()
    for part in range(8):
        seen = renderer.objects(scene.drive.pose_at(scene.drive.period_s * part / 8))
        clear = [one.label for one in seen if one.score > 0.9]
        assert clear
        labels |= set(clear)
    assert labels == {'crate', 'barrel', 'ball'}
