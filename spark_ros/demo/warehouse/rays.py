# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where rays meet a box, a cylinder, a sphere or the ground, each in the shape's own frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_AHEAD = 1e-4


def meet(kind: str, size: Sequence[float], origin: Floats, along: Floats) -> Floats:
    """Cast rays at one shape; ``kind`` and ``size`` are as in ``scene.Shape``.

    Args:
        origin: where the rays begin, (3, 1) for all of them or (3, N).
        along: their directions, (3, N), of any length.

    Returns:
        The distances in units of that length, (N,), infinite where a ray misses.
    """
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        if kind == 'box':
            distance = _box(size, origin, along)
        elif kind == 'sphere':
            distance = _round(size[0], origin, along)
        elif kind == 'cylinder':
            distance = _cylinder(size[0], size[1] / 2, origin, along)
        elif kind == 'plane':
            distance = -origin[2] / along[2]
        else:
            raise ValueError(f'no rays for {kind!r}')
        return np.where(distance > _AHEAD, distance, np.inf).astype(np.float32)


def normals(kind: str, size: Sequence[float], points: Floats) -> Floats:
    """Give the outward normals (3, N) at points (3, N) on the surface of a shape."""
    found = np.zeros_like(points)
    columns = np.arange(points.shape[1])
    if kind == 'box':
        axis = np.abs(points / np.array(size, np.float32)[:, None]).argmax(axis=0)
        found[axis, columns] = np.sign(points[axis, columns])
    elif kind == 'sphere':
        found = points / size[0]
    elif kind == 'cylinder':
        found[:2] = points[:2] / size[0]
        cap = np.abs(points[2]) * 2 / size[1] > np.hypot(found[0], found[1])
        found[:2, cap] = 0
        found[2, cap] = np.sign(points[2, cap])
    else:
        found[2] = 1
    return found


def _box(size: Sequence[float], origin: Floats, along: Floats) -> Floats:
    enter = np.full(along.shape[1], -np.inf, np.float32)
    leave = np.full(along.shape[1], np.inf, np.float32)
    for axis in range(3):
        middle = -origin[axis] / along[axis]
        reach = np.abs(np.float32(size[axis] / 2) / along[axis])
        # A ray within a side's plane gives NaN, which fmax and fmin pass over.
        enter = np.fmax(enter, middle - reach)
        leave = np.fmin(leave, middle + reach)
    return np.where(enter <= leave, enter, np.inf)


def _round(radius: float, origin: Floats, along: Floats) -> Floats:
    """Meet a sphere, or in two dimensions a circle: the nearer of the two points."""
    a = (along * along).sum(axis=0)
    half_b = (origin * along).sum(axis=0)
    c = (origin * origin).sum(axis=0) - np.float32(radius * radius)
    return (-half_b - np.sqrt(half_b * half_b - a * c)) / a


def _cylinder(radius: float, half: float, origin: Floats, along: Floats) -> Floats:
    side = _round(radius, origin[:2], along[:2])
    side = np.where(np.abs(origin[2] + side * along[2]) <= half, side, np.inf)
    cap = (-np.sign(along[2]) * np.float32(half) - origin[2]) / along[2]
    across, down = origin[0] + cap * along[0], origin[1] + cap * along[1]
    return np.where(across * across + down * down <= radius * radius, np.fmin(side, cap), side)
