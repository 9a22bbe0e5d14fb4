# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An executor that does not spend more on waiting for frames than on the frames.

Why: rclpy gathers everything that a node waits for anew for each message, in Python. A node with
eight cameras has 160 such things, most of them events of its topics that happen once.
Gain: for eight cameras, gathering them costs as much as the frames themselves.
Upstream: https://github.com/ros2/rclpy/issues/1389 brought an executor that does not wait in sets;
rclpy calls it experimental, and Humble's does not have it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from rclpy.executors import SingleThreadedExecutor, TimeoutException
from rclpy.node import Node
from rclpy.subscription import Subscription

ALL_EVERY_S = 0.05


class _Messages:
    """The busy part of a node, as an executor sees a node."""

    timers: Iterable[Any] = ()
    clients: Iterable[Any] = ()
    services: Iterable[Any] = ()
    waitables: Iterable[Any] = ()

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def subscriptions(self) -> Iterable[Subscription]:
        """Those of the node."""
        return self._node.subscriptions

    @property
    def guards(self) -> Iterable[Any]:
        """Those of the node: answers come by them."""
        return self._node.guards


class MessageExecutor(SingleThreadedExecutor):
    """Spin one node in one thread.

    While messages come, it waits for messages and guard conditions alone, and for timers,
    services, actions and events `ALL_EVERY_S` later at the latest; at once after a guard
    condition, by which answers come. While no messages come it waits for everything, as any
    executor.
    """

    def __init__(self, node: Node) -> None:
        """Take the node to spin."""
        super().__init__(context=node.context)
        self.add_node(node)
        self._messages = _Messages(node)
        self._all_at = 0.0

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for something and do it; raises what a callback raises."""
        rest = self._all_at - time.monotonic()
        try:
            if rest > 0:
                done = self._spin(rest, [self._messages])
            else:
                done = self._spin(timeout_sec, None)
                self._all_at = time.monotonic() + ALL_EVERY_S
            # An answer may let an action or a service go on.
            if done != {Subscription}:
                self._all_at = 0.0
        except TimeoutException:
            # Nothing came for a while: wait for everything, for as long as it takes.
            self._all_at = 0.0

    def _spin(self, timeout_s: float | None, nodes: list[Any] | None) -> set[type]:
        """Do all that one wait found; return the types of what that was."""
        done = set()
        # The public wait_for_ready_callbacks returns the first, and begins anew with another
        # list of nodes: what comes later in the order would wait for ever on a busy node.
        for handler, entity, _ in self._wait_for_ready_callbacks(timeout_s, nodes):
            done.add(type(entity))
            handler()
            if handler.exception() is not None:
                raise handler.exception()
        return done
