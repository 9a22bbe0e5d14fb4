# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The spark node as `spark_node` runs it, in a process that answers readings."""

from __future__ import annotations

import sys

from reporting import answer_readings

from spark_ros.ros import main as executable
from spark_ros.ros.node import SparkNode


class CountedNode(SparkNode):
    """The node; it says how many frames its ring was given once it listens."""

    def __init__(self, *arguments: object) -> None:
        """Start answering when all is set up."""
        super().__init__(*arguments)
        answer_readings(lambda: sum(camera.frames for camera in self._cameras))


if __name__ == '__main__':
    executable.SparkNode = CountedNode
    sys.exit(executable.main())
