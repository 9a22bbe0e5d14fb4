# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Look at a scene through the robot's camera, and tell what can be seen of each object."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.demo.scoring import Detection
from spark_ros.demo.warehouse.rays import Floats, meet, normals
from spark_ros.demo.warehouse.scene import Array, Pose, Scene, Shape

Image = NDArray[np.uint8]
Owners = NDArray[np.int16]
Window = tuple[int, int, int, int]

_NOBODY = -1


class Renderer:
    """The camera of a scene: one ray for each pixel, the nearest shape wins."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._size = scene.camera.width, scene.camera.height
        self._rays = self._rays_of((0, 0, *self._size))

    def render(self, robot: Pose, seed: int | None = None) -> Image:
        """Render a BGR image (H, W, 3), uint8, with the robot at a pose in the world.

        Args:
            seed: of the camera's noise; without one there is none.
        """
        camera = robot @ self.scene.camera.mount
        return self._image(camera, *self._cast(camera), seed, 0.0)

    def objects(self, robot: Pose) -> list[Detection]:
        """Tell of every labelled object of which at least one pixel is seen.

        The box is around what is in view; the score is the share of the object's whole outline
        that is: less than 1 where something stands before it or the image ends.
        """
        camera = robot @ self.scene.camera.mount
        return self._objects(camera, self._cast(camera)[1])

    def look(
        self, robot: Pose, seed: int | None = None, blur_px: float = 0.0
    ) -> tuple[Image, list[Detection]]:
        """Return `render` and `objects` together, in less time.

        Args:
            blur_px: standard deviation of the blur of the lens.
        """
        camera = robot @ self.scene.camera.mount
        depth, owner = self._cast(camera)
        image = self._image(camera, depth, owner, seed, blur_px)
        return image, self._objects(camera, owner)

    def _image(
        self, camera: Pose, depth: Floats, owner: Owners, seed: int | None, blur_px: float
    ) -> Image:
        colours = self._lit(camera, depth, owner)
        edge = cv2.morphologyEx(owner, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        colours[edge] = cv2.GaussianBlur(colours, (3, 3), 0)[edge]
        if blur_px:
            colours = np.asarray(cv2.GaussianBlur(colours, (0, 0), blur_px), np.float32)
        if seed is not None:
            noise = np.random.default_rng(seed).standard_normal(colours.shape, np.float32)
            colours += noise * self.scene.camera.noise
        return np.ascontiguousarray((colours.clip(0, 1) * 255).round()[..., ::-1], np.uint8)

    def _objects(self, camera: Pose, owner: Owners) -> list[Detection]:
        models = np.array([*(shape.model for shape in self.scene.shapes), _NOBODY])[owner]
        found = []
        for model in np.unique(models[models != _NOBODY]):
            label = self.scene.label(model)
            whole = self._outline_px(camera, model) if label else 0
            if whole:
                mine = models == model
                x, y, width, height = cv2.boundingRect(mine.astype(np.uint8))
                share = min(1.0, float(mine.sum()) / whole)
                found.append(Detection(label, (x, y, width, height), share))
        return found

    def _cast(self, camera: Pose) -> tuple[Floats, Owners]:
        """Give for each ray the depth along the camera's x axis, and the shape that it meets."""
        depth = np.full(self._size[::-1], np.inf, np.float32)
        owner = np.full(self._size[::-1], _NOBODY, np.int16)
        for index, shape in enumerate(self.scene.shapes):
            window = self._window(camera, None if shape.kind == 'plane' else shape.corners())
            if window is None:
                continue
            part = rows, columns = _slices(window)
            distance = self._meet(camera, shape, self._rays[:, rows, columns])
            nearer = distance < depth[part]
            depth[part][nearer] = distance[nearer]
            owner[part][nearer] = index
        return depth, owner

    def _meet(self, camera: Pose, shape: Shape, rays: Floats) -> Floats:
        """Give the distances (H, W) at which rays (3, H, W) of the camera meet a shape."""
        into = shape.pose.rotation.T
        start = (into @ (camera.at - shape.pose.at))[:, None].astype(np.float32)
        along = (into @ camera.rotation).astype(np.float32) @ rays.reshape(3, -1)
        distance = meet(shape.kind, shape.size, start, along)
        distance[distance < self.scene.camera.near] = np.inf
        return distance.reshape(rays.shape[1:])

    def _lit(self, camera: Pose, depth: Floats, owner: Owners) -> Floats:
        """Give the colours (H, W, 3), red first: the ambient light, and the directional one."""
        scene, light = self.scene, self.scene.light.astype(np.float32)
        colours = np.empty((*depth.shape, 3), np.float32)
        colours[:] = scene.background
        turned = camera.rotation.astype(np.float32) @ self._rays.reshape(3, -1)
        with np.errstate(invalid='ignore'):
            points = turned * depth.ravel() + camera.at[:, None].astype(np.float32)
        points = points.reshape(self._rays.shape)
        dark = self._shadows(camera, points, owner)
        for index in np.unique(owner[owner != _NOBODY]):
            shape, mine = scene.shapes[index], owner == index
            into = shape.pose.rotation.T.astype(np.float32)
            local = into @ (points[:, mine] - shape.pose.at[:, None].astype(np.float32))
            facing = np.maximum(0, -(into @ light) @ normals(shape.kind, shape.size, local))
            facing[dark[mine]] = 0
            colours[mine] = (shape.ambient * scene.ambient
                             + facing[:, None] * (shape.diffuse * scene.light_colour))
        return colours

    def _shadows(self, camera: Pose, points: Floats, owner: Owners) -> NDArray[np.bool_]:
        """Mark the pixels whose points (3, H, W) in the world the light does not reach."""
        light = self.scene.light
        dark = np.zeros(owner.shape, bool)
        for index, shape in enumerate(self.scene.shapes):
            if shape.kind == 'plane' or not shape.casts_shadows:
                continue
            corners = shape.corners()
            fallen = corners - light * (corners[:, 2:] / light[2])
            window = self._window(camera, np.vstack([corners, fallen]))
            if window is None:
                continue
            part = rows, columns = _slices(window)
            near = (owner[part] != _NOBODY) & (owner[part] != index) & ~dark[part]
            at = shape.pose.at[:, None].astype(np.float32)
            here = points[:, rows, columns][:, near] - at
            # Only what lies in the round beam behind the shape can be in its shadow.
            across = (here * here).sum(axis=0) - (light.astype(np.float32) @ here) ** 2
            close = across <= (shape.half ** 2).sum()
            into = shape.pose.rotation.T.astype(np.float32)
            along = np.broadcast_to((into @ -light)[:, None], (3, close.sum()))
            blocked = np.isfinite(
                meet(shape.kind, shape.size, into @ here[:, close], along.astype(np.float32)))
            near[near] = _put(close, blocked)
            dark[part] |= near
        return dark

    def _outline_px(self, camera: Pose, model: int) -> int:
        """Count the pixels that a model would cover in an image without end, by itself.

        0 where a part of it is beside or behind the camera.
        """
        shapes = [shape for shape in self.scene.shapes if shape.model == model]
        window = self._projected(camera, np.vstack([shape.corners() for shape in shapes]))
        if window is None:
            return 0
        rays = self._rays_of(window)
        met = [np.isfinite(self._meet(camera, shape, rays)) for shape in shapes]
        return int(np.any(met, axis=0).sum())

    def _window(self, camera: Pose, points: Array | None) -> Window | None:
        """Give the part of the image that can show what lies between points, None if nothing.

        Without points, or where one of them is behind the camera, that is the whole image.
        """
        whole = (0, 0, *self._size)
        if points is None:
            return whole
        if ((points - camera.at) @ camera.rotation[:, 0] <= self.scene.camera.near).all():
            return None
        window = self._projected(camera, points) or whole
        x0, y0 = max(0, window[0]), max(0, window[1])
        x1, y1 = min(self._size[0], window[2]), min(self._size[1], window[3])
        return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def _projected(self, camera: Pose, points: Array) -> Window | None:
        """Give the rectangle around points in the image's plane; None if one is not ahead."""
        seen = (points - camera.at) @ camera.rotation
        if (seen[:, 0] <= self.scene.camera.near).any():
            return None
        focal = self.scene.camera.focal_px
        x = self._size[0] / 2 - focal * seen[:, 1] / seen[:, 0]
        y = self._size[1] / 2 - focal * seen[:, 2] / seen[:, 0]
        return (int(np.floor(x.min())), int(np.floor(y.min())),
                int(np.ceil(x.max())) + 1, int(np.ceil(y.max())) + 1)

    def _rays_of(self, window: Window) -> Floats:
        """Give the rays (3, H, W) through the pixels of a window, 1 long along the x axis."""
        x0, y0, x1, y1 = window
        focal = self.scene.camera.focal_px
        across, down = np.meshgrid(
            (self._size[0] / 2 - 0.5 - np.arange(x0, x1)) / focal,
            (self._size[1] / 2 - 0.5 - np.arange(y0, y1)) / focal)
        return np.stack([np.ones_like(across), across, down]).astype(np.float32)


def _slices(window: Window) -> tuple[slice, slice]:
    """Give the rows and the columns of a window."""
    return slice(window[1], window[3]), slice(window[0], window[2])


def _put(where: NDArray[np.bool_], values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Spread values over the places that are marked; False elsewhere."""
    spread = np.zeros_like(where)
    spread[where] = values
    return spread
