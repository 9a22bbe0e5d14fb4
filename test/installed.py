# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The commands as they are installed beside this Python, by whatever way that was done."""

from __future__ import annotations

import sys
from pathlib import Path

BIN = Path(sys.executable).parent
SPARK = str(BIN / 'spark')
SPARK_NODE = str(BIN / 'spark_node')
SPARK_SERVICE = str(BIN / 'spark-service')
