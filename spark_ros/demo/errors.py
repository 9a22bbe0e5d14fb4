# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the demo raises."""

from __future__ import annotations


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why."""
