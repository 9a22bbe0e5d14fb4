# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Choose the frames that are asked about whatever the detector says. Pure."""

from __future__ import annotations

from hashlib import blake2b


def is_audited(rate: float, robot_id: str, drive: str, camera: str, stamp_ns: int) -> bool:
    """Whether a frame is chosen, by a hash that knows nothing of what is on it.

    The same frame of the same drive is always chosen again. Robots, cameras and drives choose
    each for itself, also where their stamps are the same, as those of a simulation are.

    Args:
        rate: the share of frames that is chosen, in [0, 1].
        robot_id: of the robot.
        drive: its id.
        camera: its name.
        stamp_ns: of the frame.
    """
    if rate <= 0.0:
        return False
    # No name of a robot, a drive or a camera can be taken for parts of two.
    seed = repr((robot_id, drive, camera, stamp_ns)).encode('utf-8', 'surrogatepass')
    return int.from_bytes(blake2b(seed, digest_size=8).digest(), 'big') < rate * 2.0**64
