# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Read a Gazebo world: its shapes, its light, the robot's camera and the loop that it drives.

Only what ``worlds/warehouse.sdf`` uses is understood: models of primitive shapes whose poses
follow one another (model, link, visual), one directional light, and a model ``robot`` with a
camera sensor that a VelocityControl system drives at a constant speed, thus in a circle. So the
simulated run and the one that is rendered without a simulator come from one file.

World and robot frames are those of REP 103 (x forward, y left, z up; metres, radians); so is the
camera's, which looks along its x axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LABELS = ('crate', 'barrel', 'ball')
ROBOT = 'robot'
# What makes the size of each kind of shape.
SIZES = {'box': ['size'], 'cylinder': ['radius', 'length'], 'sphere': ['radius'], 'plane': []}


class SceneError(ValueError):
    """A world that cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Pose:
    """A place and an orientation in a parent's frame: ``rotation`` is (3, 3), ``at`` (3,)."""

    rotation: Array
    at: Array

    def __matmul__(self, inner: Pose) -> Pose:
        """Return a pose that is given in this one's frame in the parent's."""
        return Pose(self.rotation @ inner.rotation, self.rotation @ inner.at + self.at)


@dataclass(frozen=True)
class Shape:
    """One visual: a ``box`` (x, y, z), ``cylinder`` (radius, length), ``sphere`` (radius,).

    A ``plane`` has no size: it is the ground of its frame. Colours are (red, green, blue) in
    [0, 1]; ``model`` is the index of its model in ``Scene.models``.
    """

    kind: str
    size: tuple[float, ...]
    pose: Pose
    ambient: Array
    diffuse: Array
    casts_shadows: bool
    model: int

    @property
    def half(self) -> Array:
        """Half of the extents along the shape's own axes, (3,)."""
        if self.kind == 'box':
            return np.array(self.size) / 2
        radius, length = (*self.size, 2 * self.size[0])[:2]
        return np.array([radius, radius, length / 2])

    def corners(self) -> Array:
        """The corners of the box around the shape in the world, (8, 3)."""
        signs = np.array(list(product([-1, 1], repeat=3)))
        return np.asarray(signs * self.half @ self.pose.rotation.T + self.pose.at)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera on the robot; ``noise`` is the standard deviation in [0, 1]."""

    width: int
    height: int
    focal_px: float
    near: float
    rate_hz: float
    noise: float
    mount: Pose


@dataclass(frozen=True)
class Drive:
    """A constant speed (m/s) along the robot's x axis and turn (rad/s) about its z axis."""

    start: Pose
    speed: float
    turn: float

    @property
    def period_s(self) -> float:
        """Seconds for one loop."""
        return 2 * math.pi / abs(self.turn)

    def pose_at(self, time_s: float) -> Pose:
        """Where the robot is so many seconds after the start."""
        angle, radius = self.turn * time_s, self.speed / self.turn
        moved = np.array([radius * math.sin(angle), radius * (1 - math.cos(angle)), 0.0])
        return self.start @ Pose(turned(0, 0, angle), moved)


@dataclass(frozen=True)
class Scene:
    """What a world holds; ``models`` are names, ``light`` a unit vector from the light."""

    name: str
    models: tuple[str, ...]
    shapes: tuple[Shape, ...]
    background: Array
    ambient: Array
    light: Array
    light_colour: Array
    camera: Camera
    drive: Drive

    def label(self, model: int) -> str:
        """The label of a model that counts as an object, by its name (`crate_3`), else ''."""
        stem = self.models[model].rpartition('_')[0]
        return stem if stem in LABELS else ''

    @classmethod
    def load(cls, path: Path | str) -> Scene:
        """Read a world file.

        Raises:
            OSError: the file cannot be read.
            SceneError: it is no world, or has something that is not understood.
        """
        try:
            return _scene(ElementTree.parse(path).getroot())
        except (ElementTree.ParseError, SceneError) as error:
            raise SceneError(f'{path}: {error}') from error


def turned(roll: float, pitch: float, yaw: float) -> Array:
    """Give the rotation (3, 3) about the fixed axes x, y, z in this order, as SDF has it."""
    x, y, z = (cv2.Rodrigues(vector)[0] for vector in np.diag([roll, pitch, yaw]).astype(float))
    return np.asarray(z @ y @ x)


def _scene(root: ElementTree.Element) -> Scene:
    world = _child(root, 'world')
    models = [model for model in world.findall('model') if model.get('name') != ROBOT]
    robots = [model for model in world.findall('model') if model.get('name') == ROBOT]
    if len(robots) != 1:
        raise SceneError(f'expected one model named {ROBOT}, not {len(robots)}')
    direction = _numbers(world, 'light/direction', 3)
    return Scene(
        name=world.get('name', ''),
        models=tuple(model.get('name', '') for model in models),
        shapes=tuple(
            shape for index, model in enumerate(models) for shape in _shapes(model, index)
        ),
        background=_colour(world, 'scene/background'),
        ambient=_colour(world, 'scene/ambient'),
        light=direction / np.linalg.norm(direction),
        light_colour=_colour(world, 'light/diffuse'),
        camera=_camera(robots[0]),
        drive=_drive(robots[0]),
    )


def _shapes(model: ElementTree.Element, index: int) -> Iterator[Shape]:
    for link in model.findall('link'):
        for visual in link.findall('visual'):
            (form,) = list(_child(visual, 'geometry'))
            if form.tag not in SIZES:
                raise SceneError(f'{model.get("name")}: <{form.tag}> is not drawn here')
            yield Shape(
                form.tag,
                tuple(number for tag in SIZES[form.tag] for number in _numbers(form, tag)),
                _pose(model) @ _pose(link) @ _pose(visual),
                _colour(visual, 'material/ambient'),
                _colour(visual, 'material/diffuse'),
                visual.findtext('cast_shadows', 'true').strip() == 'true',
                index,
            )


def _camera(robot: ElementTree.Element) -> Camera:
    sensor = _child(robot, 'link/sensor')
    width = int(_number(sensor, 'camera/image/width'))
    return Camera(
        width,
        int(_number(sensor, 'camera/image/height')),
        width / 2 / math.tan(_number(sensor, 'camera/horizontal_fov') / 2),
        _number(sensor, 'camera/clip/near'),
        _number(sensor, 'update_rate'),
        _number(sensor, 'camera/noise/stddev'),
        _pose(_child(robot, 'link')) @ _pose(sensor),
    )


def _drive(robot: ElementTree.Element) -> Drive:
    for plugin in robot.findall('plugin'):
        if plugin.get('name', '').endswith('::VelocityControl'):
            speed = _numbers(plugin, 'initial_linear', 3)
            turn = _numbers(plugin, 'initial_angular', 3)
            if speed[1:].any() or turn[:2].any() or not turn[2]:
                raise SceneError('the robot must drive forward and turn about z')
            return Drive(_pose(robot), float(speed[0]), float(turn[2]))
    raise SceneError(f'{ROBOT} has no VelocityControl')


def _child(parent: ElementTree.Element, path: str) -> ElementTree.Element:
    found = parent.find(path)
    if found is None:
        raise SceneError(f'<{parent.tag} name="{parent.get("name", "")}"> has no <{path}>')
    return found


def _pose(parent: ElementTree.Element) -> Pose:
    pose = parent.find('pose')
    if pose is None:
        return Pose(np.eye(3), np.zeros(3))
    if pose.attrib:
        raise SceneError(f'a <pose> with {sorted(pose.attrib)} is not understood')
    numbers = _numbers(parent, 'pose', 6)
    return Pose(turned(*numbers[3:]), numbers[:3])


def _colour(parent: ElementTree.Element, path: str) -> Array:
    return _numbers(parent, path)[:3]


def _number(parent: ElementTree.Element, path: str) -> float:
    return float(_numbers(parent, path, 1)[0])


def _numbers(parent: ElementTree.Element, path: str, count: int | None = None) -> Array:
    text = _child(parent, path).text
    try:
        found = np.array([float(word) for word in (text or '').split()])
    except ValueError as error:
        raise SceneError(f'<{path}>: {error}') from error
    if not found.size or not np.isfinite(found).all() or found.size != (count or found.size):
        raise SceneError(f'<{path}> is {text!r}, not {count or "some"} number(s)')
    return found
