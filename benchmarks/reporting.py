# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a measured process does beside its work: answer how far it is when asked."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable


def answer_readings(frames: Callable[[], int]) -> None:
    """Answer each line on standard input with a reading, on a thread; end the process after all.

    A reading is a JSON line: frames so far, and processor seconds of all threads so far (the
    kernel's own account, which /proc/PID/stat shows in coarser steps). Between two readings the
    thread sleeps in a read and costs nothing. The end of standard input, which comes whatever
    happens to the benchmark, is turned into SIGTERM.
    """

    def answer() -> None:
        for _ in sys.stdin:
            reading = {'frames': frames(), 'cpu_s': time.process_time()}
            print(json.dumps(reading), flush=True)
        os.kill(os.getpid(), signal.SIGTERM)

    print('ready', flush=True)
    threading.Thread(target=answer, daemon=True).start()


def camera_names(number: int) -> list[str]:
    """Return the names of cameras; a single one has no number."""
    return ['camera'] if number == 1 else [f'camera_{index}' for index in range(number)]
