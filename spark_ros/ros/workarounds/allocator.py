# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Keep glibc from returning every frame's buffer to the system.

Why: rclpy copies a message three times on its way to Python. By default each such buffer may be
mapped afresh and faulted in page by page, about 4500 pages for a frame of 1080p; in which process
it is, is chance.
Gain: a quarter of the time for each such frame (docs/benchmarks.md: 4 ms instead of 15).
Upstream: https://github.com/ros2/rmw_zenoh/issues/1060 measures the same for another middleware.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
MMAP_THRESHOLD_BYTES = 32 * 2**20
TRIM_THRESHOLD_BYTES = 256 * 2**20


def keep_large_buffers() -> bool:
    """Raise two thresholds of malloc; return whether it worked (glibc only)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        and mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
    )
