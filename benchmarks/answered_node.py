# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The spark node as `spark_node` runs it, with or without the service's change feed."""

from __future__ import annotations

import os
import sys

from reporting import answer_readings

from spark_ros.clients.change_feed import FeedClient
from spark_ros.clients.errors import UnsupportedError
from spark_ros.ros import main as executable
from spark_ros.ros.node import SparkNode


class AnsweredNode(SparkNode):
    """The node; it ends with the benchmark."""

    def __init__(self, *arguments: object) -> None:
        """Say that it is ready when all is set up."""
        super().__init__(*arguments)
        answer_readings(lambda: 0)


async def _no_feed(self: FeedClient, **_: object) -> None:
    raise UnsupportedError(404, 'no feed')


if __name__ == '__main__':
    executable.SparkNode = AnsweredNode
    if os.environ.get('BENCH_FEED') != 'yes':
        FeedClient.changes = _no_feed
    sys.exit(executable.main())
