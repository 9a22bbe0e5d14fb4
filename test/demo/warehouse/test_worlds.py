# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Random worlds: the same from the same seed, and difficult in the ways that matter."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from spark_ros.demo.warehouse.comparison import Frame, count
from spark_ros.demo.warehouse.render import Renderer
from spark_ros.demo.warehouse.scene import Scene
from spark_ros.demo.warehouse.worlds import SIZE_PX, random_world

HALL = Scene.load(Path(__file__).parents[3] / 'worlds' / 'warehouse.sdf')


def drive(seed: int, frames: int) -> list[tuple[int, Frame]]:
    return list(random_world(HALL, seed).frames(frames))


def test_a_seed_is_a_world_whatever_else_was_made() -> None:
    world = random_world(HALL, 7)
    random_world(HALL, 8).look(1)
    again = random_world(HALL, 7)
    assert np.array_equal(world.look(3)[0], again.look(3)[0])
    assert drive(7, 3) == drive(7, 3)
    assert drive(7, 3) != drive(8, 3)


def test_the_objects_of_the_file_are_gone() -> None:
    """Of the hall only what does not count is kept."""
    world = random_world(HALL, 1)
    assert set(range(len(HALL.models))).isdisjoint(
        shape.model for shape in world.scene.shapes if world.scene.label(shape.model)
    )


def test_it_is_looked_at_as_it_is_rendered() -> None:
    world = random_world(HALL, 2)
    renderer, pose = Renderer(world.scene), world.scene.drive.pose_at(4.0)
    image, truth = renderer.look(pose, seed=5)
    assert np.array_equal(image, renderer.render(pose, seed=5))
    assert truth == renderer.objects(pose)
    assert image.shape == (*SIZE_PX[::-1], 3)
    assert not np.array_equal(image, renderer.look(pose, seed=5, blur_px=1.0)[0])


def test_frames_come_by_the_clock() -> None:
    assert [stamp_ns for stamp_ns, _ in islice(random_world(HALL, 3).frames(), 3)] == [
        0, 1_000_000_000, 2_000_000_000]


@pytest.mark.slow('twelve drives are rendered')
def test_worlds_differ_in_how_often_the_detector_errs() -> None:
    """It errs while it is sure, and it doubts what is right."""
    shares, sure_and_wrong, doubted_and_right = [], 0, 0
    for seed in range(12):
        frames = [frame for _, frame in drive(seed, 10)]
        wrong = [count(frame.alone(0.1), frame.truth) for frame in frames]
        shares.append(sum(each.spurious + each.missed > 0 for each in wrong) / len(wrong))
        sure = [count(frame.alone(0.8), frame.truth) for frame in frames]
        sure_and_wrong += sum(each.spurious for each in sure)
        doubted_and_right += sum(w.right - s.right for w, s in zip(wrong, sure, strict=True))
    assert min(shares) <= 0.2 and max(shares) >= 0.6, shares
    assert sure_and_wrong >= 3 and doubted_and_right >= 3
