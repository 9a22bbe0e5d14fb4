# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Drive through many random worlds, on all processors."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2

from spark_ros.calibration.decisions import Policy, Record
from spark_ros.demo.processes import delayed_interrupt
from spark_ros.demo.warehouse.audits import audits
from spark_ros.demo.warehouse.scene import Scene
from spark_ros.demo.warehouse.worlds import FRAMES, SIZE_PX, random_world
from spark_ros.geometry import ImageSize

Progress = Callable[[int], object]


def drive_worlds(
    hall: Path, seeds: Sequence[int], policy: Policy, *, frames: int = FRAMES,
    audit_rate: float = 1.0, progress: Progress = lambda _: None,
) -> Iterator[Record]:  # fmt: skip
    """Yield the records of a drive through the world of each seed, in their order.

    Args:
        hall: the file of the world that gives the walls.
        seeds: of the worlds; the drives' ids are `world_SEED`.
        policy: by which the robots ask.
        frames: in a drive.
        audit_rate: the probability that a frame is audited.
        progress: is told how many worlds were driven through.
    """
    # Not forked: a caller may have threads, and what is spawned ends when it is killed.
    spawn = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(os.cpu_count(), spawn, cv2.setNumThreads, (1,)) as pool:
        try:
            with delayed_interrupt():
                # The processes inherit it: Ctrl-C is for the caller alone.
                before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
                try:
                    driven = [
                        pool.submit(_drive, hall, seed, policy, frames, audit_rate)
                        for seed in seeds
                    ]
                finally:
                    signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for number, each in enumerate(driven, 1):
                yield from each.result()
                progress(number)
        except BaseException:
            # Nobody wants what they are at.
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


def _drive(
    hall: Path, seed: int, policy: Policy, frames: int, audit_rate: float
) -> list[Record]:
    world = random_world(Scene.load(hall), seed)
    name, size = world.scene.name, ImageSize(*SIZE_PX)
    return list(audits(name, world.frames(frames), size, policy, audit_rate))
