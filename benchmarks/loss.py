# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Frames lost: the node and two bare subscribers beside each other, on one camera."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from camera import RATE_HZ
from processes import Process
from subjects import KEEPING, NODE, PLAIN

SETTLE_S = 2.0
STALLED_S = 60.0


def measure_loss(seconds: float, domain: int, progress: Callable[[str], None]) -> dict[str, int]:
    """Return how many frames were sent, and how many each subject got.

    Args:
        seconds: how long the camera runs.
        domain: ROS domain.
        progress: told how far it is.
    """
    frames = max(1, round(seconds * RATE_HZ))
    subjects = (NODE, PLAIN, KEEPING)
    with ExitStack() as stack:
        running = {s.name: stack.enter_context(s.start(domain)) for s in subjects}
        camera = stack.enter_context(
            Process(
                'camera.py', f'--frames={frames}', f'--subscribers={len(subjects)}',
                profile=True, domain=domain,
            )
        )  # fmt: skip
        sent = wait_until_sent(camera, frames, progress)
        time.sleep(SETTLE_S)
        return {'sent': sent} | {name: process.read().frames for name, process in running.items()}


def wait_until_sent(camera: Process, frames: int, progress: Callable[[str], None]) -> int:
    """Wait until a camera has sent its frames, and return how many those were."""
    sent, since = 0, time.monotonic()
    while sent < frames:
        time.sleep(1.0)
        now = camera.read().frames
        if now > sent:
            sent, since = now, time.monotonic()
        elif time.monotonic() - since > STALLED_S:
            raise RuntimeError(f'the camera stands still after {sent} frames')
        progress(f'loss: {sent} of {frames} frames sent')
    return sent
