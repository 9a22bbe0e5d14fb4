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
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LABELS = ('crate', 'barrel', 'ball')
ROBOT = 'robot'


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
        radius = self.size[0]
        return np.array([radius, radius, self.size[1] / 2 if self.kind == 'cylinder' else radius])

    def corners(self) -> Array:
        """The corners of the box around the shape in the world, (8, 3)."""
        signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, 8).T
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
    (sr, sp, sy), (cr, cp, cy) = np.sin([roll, pitch, yaw]), np.cos([roll, pitch, yaw])
    return np.array([
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ])  # fmt: skip


def _scene(root: ElementTree.Element) -> Scene:
    world = _child(root, 'world')
    models = [model for model in world.findall('model') if model.get('name') != ROBOT]
    robots = [model for model in world.findall('model') if model.get('name') == ROBOT]
    if len(robots) != 1:
        raise SceneError(f'expected one model named {ROBOT}, not {len(robots)}')
    scene, light = _child(world, 'scene'), _child(world, 'light')
    direction = _numbers(_child(light, 'direction'), 3)
    return Scene(
        name=world.get('name', ''),
        models=tuple(model.get('name', '') for model in models),
        shapes=tuple(
            shape for index, model in enumerate(models) for shape in _shapes(model, index)
        ),
        background=_colour(scene, 'background'),
        ambient=_colour(scene, 'ambient'),
        light=direction / np.linalg.norm(direction),
        light_colour=_colour(light, 'diffuse'),
        camera=_camera(robots[0]),
        drive=_drive(robots[0]),
    )


def _shapes(model: ElementTree.Element, index: int) -> Iterator[Shape]:
    for link in model.findall('link'):
        for visual in link.findall('visual'):
            (form,) = list(_child(visual, 'geometry'))
            material = _child(visual, 'material')
            sizes = {
                'box': ('size',), 'cylinder': ('radius', 'length'), 'sphere': ('radius',),
                'plane': (),
            }  # fmt: skip
            if form.tag not in sizes:
                raise SceneError(f'{model.get("name")}: <{form.tag}> is not drawn here')
            size = [number for tag in sizes[form.tag] for number in _numbers(_child(form, tag))]
            yield Shape(
                form.tag,
                tuple(size),
                _pose(model) @ _pose(link) @ _pose(visual),
                _colour(material, 'ambient'),
                _colour(material, 'diffuse'),
                visual.findtext('cast_shadows', 'true').strip() == 'true',
                index,
            )


def _camera(robot: ElementTree.Element) -> Camera:
    link = _child(robot, 'link')
    sensor = _child(link, 'sensor')
    camera = _child(sensor, 'camera')
    image = _child(camera, 'image')
    width, height = (int(_number(_child(image, tag))) for tag in ('width', 'height'))
    half_angle = _number(_child(camera, 'horizontal_fov')) / 2
    return Camera(
        width,
        height,
        width / 2 / math.tan(half_angle),
        _number(_child(_child(camera, 'clip'), 'near')),
        _number(_child(sensor, 'update_rate')),
        _number(_child(_child(camera, 'noise'), 'stddev')),
        _pose(link) @ _pose(sensor),
    )


def _drive(robot: ElementTree.Element) -> Drive:
    for plugin in robot.findall('plugin'):
        if plugin.get('name', '').endswith('::VelocityControl'):
            speed = _numbers(_child(plugin, 'initial_linear'), 3)
            turn = _numbers(_child(plugin, 'initial_angular'), 3)
            if speed[1:].any() or turn[:2].any() or not turn[2]:
                raise SceneError('the robot must drive forward and turn about z')
            return Drive(_pose(robot), float(speed[0]), float(turn[2]))
    raise SceneError(f'{ROBOT} has no VelocityControl')


def _child(parent: ElementTree.Element, tag: str) -> ElementTree.Element:
    found = parent.find(tag)
    if found is None:
        raise SceneError(f'<{parent.tag} name="{parent.get("name", "")}"> has no <{tag}>')
    return found


def _pose(parent: ElementTree.Element) -> Pose:
    pose = parent.find('pose')
    if pose is None:
        return Pose(np.eye(3), np.zeros(3))
    if pose.attrib:
        raise SceneError(f'a <pose> with {sorted(pose.attrib)} is not understood')
    x, y, z, *angles = _numbers(pose, 6)
    return Pose(turned(*angles), np.array([x, y, z]))


def _colour(parent: ElementTree.Element, tag: str) -> Array:
    return _numbers(_child(parent, tag))[:3]


def _number(element: ElementTree.Element) -> float:
    return float(_numbers(element, 1)[0])


def _numbers(element: ElementTree.Element, count: int | None = None) -> Array:
    try:
        found = np.array([float(word) for word in (element.text or '').split()])
    except ValueError as error:
        raise SceneError(f'<{element.tag}>: {error}') from error
    if not found.size or not np.isfinite(found).all() or found.size != (count or found.size):
        raise SceneError(f'<{element.tag}> is {element.text!r}, not {count or "some"} number(s)')
    return found
