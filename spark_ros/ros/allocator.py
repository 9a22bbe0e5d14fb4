# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Keep glibc from giving every frame's buffer back to the system."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
MMAP_THRESHOLD_BYTES = 32 * 2**20
TRIM_THRESHOLD_BYTES = 256 * 2**20


def keep_large_buffers() -> bool:
    """Raise two thresholds of malloc; return whether it worked (glibc only).

    By default each buffer of a camera frame is mapped afresh and faulted in page by page: at
    1080p that takes more time than everything else the node does with a frame.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        and mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
    )
