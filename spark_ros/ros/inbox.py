# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Hand work from any thread to the node's executor."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from rclpy.node import Node

logger = logging.getLogger(__name__)


class Inbox:
    """Calls that the executor makes, in the order they were posted."""

    def __init__(self, node: Node) -> None:
        """Take calls for the executor that spins a node."""
        self._calls: deque[Callable[[], None]] = deque()
        self._guard = node.create_guard_condition(self.drain)

    def post(self, call: Callable[[], None]) -> None:
        """Have the executor make a call; returns at once."""
        self._calls.append(call)
        self._guard.trigger()

    def when_done(self, future: Future[Any], call: Callable[[Future[Any]], None]) -> None:
        """Have the executor call `call` with a future once that is done or cancelled."""
        future.add_done_callback(lambda done: self.post(partial(call, done)))

    def drain(self) -> None:
        """Make every posted call: triggers coalesce, so one may stand for many."""
        while self._calls:
            call = self._calls.popleft()
            try:
                call()
            except Exception:
                # One answer that cannot be published must not end the node and all the others.
                logger.exception('a call on the executor failed')
