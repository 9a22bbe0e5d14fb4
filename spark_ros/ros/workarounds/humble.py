# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What rclpy lacks on ROS 2 Humble, made of what it has there.

Why: Humble's rclpy (3.3) has no matched events, and no callbacks before and after parameters are
set. From Iron on they are rclpy's own.
Upstream: https://github.com/ros2/rmw/issues/330 (matched events),
https://github.com/ros2/rclpy/pull/966 (callbacks); neither is in Humble.

Import `Node`, `SubscriptionEventCallbacks` and `PublisherEventCallbacks` from here. On
Humble they are the classes below, which are used in the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import rclpy.node
from rclpy.clock import Clock, ClockType
from rclpy.parameter import Parameter

from spark_ros.escalation.once import WarnOnce

try:
    from rclpy import event_handler as events

    HUMBLE = False
except ImportError:
    from rclpy import qos_event as events

    HUMBLE = True

CHECK_EVERY_S = 0.2
logger = logging.getLogger(__name__)


class WatchedSubscriptionEvents(events.SubscriptionEventCallbacks):
    """Events of a subscription; `matched` is called by a `WatchingNode`, not by rclpy."""

    def __init__(self, *, matched: Callable[[None], None], **others: Any) -> None:
        """Take callbacks; for the others see rclpy."""
        super().__init__(**others)
        self.watched = matched


class WatchedPublisherEvents(events.PublisherEventCallbacks):
    """Events of a publisher; `matched` is called by a `WatchingNode`, not by rclpy."""

    def __init__(self, *, matched: Callable[[None], None], **others: Any) -> None:
        """Take callbacks; for the others see rclpy."""
        super().__init__(**others)
        self.watched = matched


class WatchingNode(rclpy.node.Node):
    """A node that looks five times a second who is at the other end of its topics.

    So `matched` is called up to `CHECK_EVERY_S` later than the event would call it, and not for
    one that has come and gone in between. It uses public methods alone, which every rclpy has.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the node; for the arguments see rclpy."""
        self._before_set: list[Callable[[list[Parameter]], list[Parameter]]] = []
        self._after_set: list[Callable[[list[Parameter]], None]] = []
        self._looks: dict[Any, _Look] = {}
        self._warn = WarnOnce(logger)
        super().__init__(*args, **kwargs)
        # Simulated time may stand still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(CHECK_EVERY_S, self._check_graph, clock=steady)

    def create_subscription(self, *args: Any, event_callbacks: Any = None, **options: Any) -> Any:
        """Subscribe; for the arguments see rclpy."""
        made = super().create_subscription(*args, event_callbacks=event_callbacks, **options)
        if matched := getattr(event_callbacks, 'watched', None):
            topic = self.resolve_topic_name(made.topic_name)
            self._looks[made] = _Look(
                lambda: _ends(self.get_publishers_info_by_topic(topic)), matched
            )
        return made

    def create_publisher(self, *args: Any, event_callbacks: Any = None, **options: Any) -> Any:
        """Advertise; for the arguments see rclpy."""
        made = super().create_publisher(*args, event_callbacks=event_callbacks, **options)
        if matched := getattr(event_callbacks, 'watched', None):
            topic = made.topic_name
            self._looks[made] = _Look(
                # The graph may know of a subscriber before the publisher has matched it.
                lambda: (
                    made.get_subscription_count(),
                    *_ends(self.get_subscriptions_info_by_topic(topic)),
                ),
                matched,
            )
        return made

    def destroy_subscription(self, subscription: Any) -> bool:
        """Unsubscribe."""
        self._looks.pop(subscription, None)
        return super().destroy_subscription(subscription)

    def destroy_publisher(self, publisher: Any) -> bool:
        """Advertise no longer."""
        self._looks.pop(publisher, None)
        return super().destroy_publisher(publisher)

    def add_pre_set_parameters_callback(
        self, callback: Callable[[list[Parameter]], list[Parameter]]
    ) -> None:
        """Let a callback replace the values before they are set."""
        self._before_set.insert(0, callback)

    def add_post_set_parameters_callback(
        self, callback: Callable[[list[Parameter]], None]
    ) -> None:
        """Call this callback after parameters are set."""
        self._after_set.insert(0, callback)

    def set_parameters(self, parameter_list: list[Parameter]) -> list[Any]:
        """Set parameters one by one; return each one's result."""
        return [self.set_parameters_atomically([one]) for one in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> Any:
        """Set all parameters or none; return the result."""
        for before in self._before_set:
            parameter_list = before(parameter_list)
        result = super().set_parameters_atomically(parameter_list)
        if result.successful:
            for after in self._after_set:
                after(parameter_list)
        return result

    def _check_graph(self) -> None:
        for look in list(self._looks.values()):
            try:
                look()
            except Exception as error:
                # Out of a timer's callback, it would end the executor.
                self._warn(f'nothing is known of a topic: {error}', type(error).__name__)


class _Look:
    """Compares the matched endpoints with those of the last call, and reports a change."""

    def __init__(
        self, ends: Callable[[], Sequence[Hashable]], matched: Callable[[None], None]
    ) -> None:
        self._ends, self._matched = ends, matched
        self._seen: set[Hashable] = set()

    def __call__(self) -> None:
        seen = set(self._ends())
        if seen != self._seen:
            self._seen = seen
            self._matched(None)


def _ends(found: Sequence[Any]) -> list[Hashable]:
    return [
        (bytes(one.endpoint_gid), one.qos_profile.reliability, one.qos_profile.durability)
        for one in found
    ]


Node: Any = WatchingNode if HUMBLE else rclpy.node.Node
SubscriptionEventCallbacks: Any = (
    WatchedSubscriptionEvents if HUMBLE else events.SubscriptionEventCallbacks
)
PublisherEventCallbacks: Any = (
    WatchedPublisherEvents if HUMBLE else events.PublisherEventCallbacks
)
