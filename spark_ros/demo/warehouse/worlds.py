# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Random halls and drives through them, without a simulator and without ROS.

A world is made of the walls, the floor and the rack of a hall that was read from a file, and of
objects, obstacles, light, a camera and a path that are drawn from a seed. How difficult it is, is
drawn once for each world, so that errors come in worlds and not evenly.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spark_ros.demo.scoring import Detection
from spark_ros.demo.warehouse.comparison import Frame
from spark_ros.demo.warehouse.detector import detect
from spark_ros.demo.warehouse.render import Image, Renderer
from spark_ros.demo.warehouse.scene import LABELS, Array, Drive, Pose, Scene, Shape, turned

FRAMES = 30
SIZE_PX = 320, 240
SCENERY = 'floor', 'wall', 'post', 'marking', 'rack'
PLACES = 16
# Hue, saturation and value: of crates, barrels and balls, and of what is none of these.
USUAL = {'crate': (0.08, 0.74, 0.70), 'barrel': (0.618, 0.86, 0.72), 'ball': (0.005, 0.88, 0.78)}
GREY = (0.6, 0.1, 0.5)

Part = tuple[str, tuple[float, ...], Pose, float]


@dataclass(frozen=True)
class Difficulty:
    """How difficult a world is; each but the last two is the probability for one object.

    Attributes:
        odd: it has the colour of another kind.
        lying: it lies on its side, if it is a barrel.
        crowded: another one stands close by, perhaps of its colour.
        hidden: a column or a low wall stands before it.
        decoy: something that is no object stands in its place.
        noise: standard deviation of the camera's noise, of colours in [0, 1].
        blur_px: standard deviation of the blur of the lens.
    """

    odd: float
    lying: float
    crowded: float
    hidden: float
    decoy: float
    noise: float
    blur_px: float

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Difficulty:
        """Draw one: most worlds are easy."""
        return cls(
            odd=0.6 * random.beta(0.6, 3.0),
            lying=0.5 * random.beta(0.6, 3.0),
            crowded=0.5 * random.beta(0.6, 3.0),
            hidden=0.6 * random.beta(0.6, 3.0),
            decoy=0.4 * random.beta(0.6, 3.0),
            noise=random.uniform(0.005, 0.03),
            blur_px=random.uniform(0.0, 1.0),
        )


class World:
    """A hall and a drive through it."""

    def __init__(self, scene: Scene, blur_px: float, seed: int) -> None:
        self.scene, self.seed, self._blur_px = scene, seed, blur_px
        self._renderer = Renderer(scene)

    def look(self, step: int) -> tuple[Image, list[Detection]]:
        """Return what the camera sees at a step of the drive, and what is truly there.

        The image is BGR (H, W, 3), uint8; the score of what is there is the share in view.
        """
        pose = self.scene.drive.pose_at(step / self.scene.camera.rate_hz)
        return self._renderer.look(pose, self.seed * 1000 + step, self._blur_px)

    def frames(self, count: int = FRAMES) -> Iterator[tuple[int, Frame]]:
        """Drive; yield the stamp of each frame in nanoseconds, the truth and the detections."""
        for step in range(count):
            image, truth = self.look(step)
            stamp_ns = round(step * 1e9 / self.scene.camera.rate_hz)
            yield stamp_ns, Frame(truth, detect(image))


def random_world(hall: Scene, seed: int) -> World:
    """Return the world of a seed: the same for the same hall, whatever else was made.

    Args:
        hall: gives walls, floor, rack and the camera's lens, as `worlds/warehouse.sdf` does.
        seed: from 0 on.
    """
    random = np.random.default_rng(seed)
    difficulty = Difficulty.drawn(random)
    scenery = [name.rpartition('_')[0] or name for name in hall.models]
    kept = [shape for shape in hall.shapes if scenery[shape.model] in SCENERY]
    models, shapes = list(hall.models), list(kept)
    for name, parts, colour in _things(random, difficulty):
        for kind, size, pose, shade in parts:
            paint = np.array(colour) * shade
            shapes.append(Shape(kind, size, pose, paint, paint, True, len(models)))
        models.append(f'{name}_{len(models)}')
    height, bearing = random.uniform(0.7, 1.3), random.uniform(0, 2 * math.pi)
    light = np.array([math.cos(bearing), math.sin(bearing), -2 * height])
    warmth, bright = random.uniform(-0.06, 0.06), random.uniform(0.6, 1.1)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    width_px, height_px = SIZE_PX
    lens = hall.camera
    tilt, aside = random.uniform(0.08, 0.16), random.uniform(-0.5, -0.25)
    camera = replace(
        lens, width=width_px, height=height_px, focal_px=lens.focal_px * width_px / lens.width,
        noise=difficulty.noise, rate_hz=1.0,
        mount=Pose(turned(0, tilt, aside), lens.mount.at),
    )  # fmt: skip
    scene = Scene(
        f'world_{seed}', tuple(models), tuple(shapes), hall.background * bright,
        0.55 * bright * tint, light / np.linalg.norm(light),
        random.uniform(0.4, 0.7) * bright * tint, camera, _path(random),
    )  # fmt: skip
    return World(scene, difficulty.blur_px, seed)


def _path(random: np.random.Generator) -> Drive:
    """Return a part of a circle around the middle of the hall, counter-clockwise."""
    radius, angle = random.uniform(3.2, 4.4), random.uniform(0, 2 * math.pi)
    at = np.array([radius * math.cos(angle), radius * math.sin(angle), 0.0])
    speed = random.uniform(0.35, 0.65)
    return Drive(Pose(turned(0, 0, angle + math.pi / 2), at), speed, speed / radius)


def _things(
    random: np.random.Generator, difficulty: Difficulty
) -> Iterator[tuple[str, Sequence[Part], tuple[float, float, float]]]:
    """Yield the name, the parts and the colour, RGB in [0, 1], of all that stands in a hall."""
    filled = random.uniform(0.3, 0.8)
    for place in range(PLACES):
        if random.random() > filled:
            continue
        angle = (place + random.uniform(-0.3, 0.3)) * 2 * math.pi / PLACES
        radius, yaw = random.uniform(5.4, 7.6), random.uniform(0, 2 * math.pi)
        if random.random() < difficulty.decoy:
            yield 'cabinet', [_cabinet(random, angle, radius)], _paint(random, _any_usual(random))
            continue
        label = str(random.choice(LABELS))
        colour = _colour(random, label, difficulty.odd)
        yield label, _object(random, label, angle, radius, yaw, difficulty.lying), colour
        if random.random() < difficulty.crowded:
            beside, behind = random.uniform(-0.16, 0.16), random.uniform(0.5, 1.1)
            other = str(random.choice(LABELS))
            if random.random() < 0.5:
                other_colour = colour
            else:
                other_colour = _colour(random, other, difficulty.odd)
            yield other, _object(
                random, other, angle + beside, radius + behind, yaw, difficulty.lying
            ), other_colour
        if random.random() < difficulty.hidden:
            yield 'obstacle', [_obstacle(random, angle, radius)], _paint(random, GREY)


def _object(
    random: np.random.Generator, label: str, angle: float, radius: float, yaw: float,
    lying: float,
) -> list[Part]:  # fmt: skip
    """Return the parts of a crate with slats, a barrel with bands, or a ball."""
    scale = random.uniform(0.85, 1.15)
    if label == 'ball':
        size = 0.35 * scale
        return [('sphere', (size,), Pose(np.eye(3), _at(angle, radius, size)), 1.0)]
    if label == 'crate':
        side = 0.8 * scale
        body = Pose(turned(0, 0, yaw), _at(angle, radius, side / 2))
        slat = (side + 0.03, side + 0.03, 0.1 * side)
        return [
            ('box', (side,) * 3, body, 1.0),
            *(('box', slat, body @ _up(height), 0.72) for height in (-0.36 * side, 0.36 * side)),
        ]
    girth, length = 0.3 * scale, 0.9 * scale
    if random.random() < lying:
        body = Pose(turned(0, math.pi / 2, yaw), _at(angle, radius, girth))
    else:
        body = Pose(np.eye(3), _at(angle, radius, length / 2))
    band = (girth + 0.015, 0.06 * length)
    return [
        ('cylinder', (girth, length), body, 1.0),
        *(('cylinder', band, body @ _up(height), 0.72) for height in (-length / 6, length / 6)),
    ]


def _cabinet(random: np.random.Generator, angle: float, radius: float) -> Part:
    deep, wide, tall = random.uniform([0.3, 0.5, 0.6], [0.6, 1.1, 1.6])
    pose = Pose(turned(0, 0, angle), _at(angle, radius, tall / 2))
    return 'box', (float(deep), float(wide), float(tall)), pose, 1.0


def _obstacle(random: np.random.Generator, angle: float, radius: float) -> Part:
    """Return a column or a low wall, a little nearer to the robot."""
    size = (0.35, 0.35, 3.2) if random.random() < 0.5 else (0.25, 1.5, random.uniform(0.3, 0.5))
    near = _at(angle + random.uniform(-0.06, 0.06), radius - random.uniform(0.7, 1.1), size[2] / 2)
    return 'box', size, Pose(turned(0, 0, angle), near), 1.0


def _colour(
    random: np.random.Generator, label: str, odd: float
) -> tuple[float, float, float]:
    usual = _any_usual(random) if random.random() < odd else USUAL[label]
    return _paint(random, usual)


def _any_usual(random: np.random.Generator) -> tuple[float, float, float]:
    return USUAL[str(random.choice(LABELS))]


def _paint(
    random: np.random.Generator, hsv: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Return a colour near one."""
    hue, saturation, value = hsv
    return colorsys.hsv_to_rgb(
        (hue + random.normal(0, 0.008)) % 1.0,
        min(1.0, saturation * random.uniform(0.8, 1.1)),
        min(1.0, value * random.uniform(0.8, 1.1)),
    )


def _at(angle: float, radius: float, height: float) -> Array:
    return np.array([radius * math.cos(angle), radius * math.sin(angle), height])


def _up(height: float) -> Pose:
    return Pose(np.eye(3), np.array([0.0, 0.0, height]))
