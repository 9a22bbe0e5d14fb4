# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Measure elapsed time, also across a restart, whatever the robot's wall clock says.

A robot without a clock battery boots in 1970 and jumps by decades once it has a network.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

BOOT_ID = Path('/proc/sys/kernel/random/boot_id')
CLOCK_SET_S = 1_704_067_200.0
"""Begin of 2024: a wall clock that is earlier was never set."""
LONGEST_S = 366 * 86_400.0
"""Longer than any timeout: if the wall clock passed more than this, it has jumped."""


class Moment(NamedTuple):
    """A moment by both clocks.

    Attributes:
        boot: the boot of the machine from which `up_s` counts; empty if unknown.
        up_s: seconds since then, the time asleep included.
        wall_s: Unix seconds, as far as the clock was set.
    """

    boot: str
    up_s: float
    wall_s: float


def now() -> Moment:
    """Read the clocks."""
    try:
        boot = BOOT_ID.read_text(encoding='ascii').strip()
        return Moment(boot, time.clock_gettime(time.CLOCK_BOOTTIME), time.time())
    except (OSError, AttributeError):
        return Moment('', time.monotonic(), time.time())


def elapsed_s(then: Moment, now: Moment) -> float:
    """Return the seconds from one moment to another, as far as they can be known; never below 0.

    Within one boot of the machine they are exact. Across a reboot only the wall clock is left; if
    it is implausible, the result is what is certain: the time since the reboot.
    """
    if now.boot and then.boot == now.boot:
        return max(now.up_s - then.up_s, 0.0)
    by_wall_s = now.wall_s - then.wall_s
    if then.wall_s >= CLOCK_SET_S and 0.0 <= by_wall_s <= LONGEST_S:
        return by_wall_s
    return now.up_s if then.boot and now.boot else 0.0
