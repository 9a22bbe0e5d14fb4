# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A subscription whose QoS follows its publishers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from spark_ros.ros.inbox import Inbox
from spark_ros.ros.steady_timer import steady_timer
from spark_ros.ros.workarounds.humble import SubscriptionEventCallbacks
from spark_ros.ros.workarounds.parameter_types import overrides

# A third of a second of a camera at 30 Hz: so long a busy machine may hold up the executor.
DEPTH = 10
# Messages that the old subscription has received and nobody has read yet end with it.
OVERLAP_S = 0.5


class MatchedSubscription:
    """A subscription that starts best effort, and asks for more once all publishers offer it.

    Every publisher satisfies best effort. Only reliability and durability can be learned of a
    publisher. `BEST_AVAILABLE` would not do: a subscription that is made before its publisher
    becomes reliable, and never matches a best-effort camera. A reliability set by the standard
    parameter `qos_overrides.<topic>.subscription.reliability` stays. Where it is not set it is
    not declared: a value would be out of date with the first publisher, and pin the reliability
    of a node that gets it back from `ros2 param dump`.

    Attributes:
        resolved_topic: the topic's full name.
    """

    def __init__(
        self,
        node: Node,
        inbox: Inbox,
        kind: type,
        topic: str,
        callback: Callable[[Any], None],
        read: Callable[[bytes], Any] | None = None,
    ) -> None:
        """Subscribe.

        Args:
            node: whose executor runs the callback.
            inbox: of that node; the QoS is changed outside the callbacks of its events.
            kind: the message type.
            topic: relative, absolute or private name.
            callback: called with each message.
            read: makes that of a serialized message, or None of one that is left out; without
                it rclpy makes the messages.
        """
        self._node, self._inbox, self._kind, self._callback = node, inbox, kind, callback
        self._read = read
        self._topic = topic
        self.resolved_topic = node.resolve_topic_name(topic)
        self._profile = QoSProfile(
            depth=DEPTH,
            reliability=ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.VOLATILE,
        )
        override = f'qos_overrides.{self.resolved_topic}.subscription.reliability'
        self._follows = override not in overrides(node)
        self._retiring: Any = None
        self._heard: deque[tuple[int, tuple[int, int]]] = deque(maxlen=8 * DEPTH)
        self._generation = 0
        self._retirement: Any = None
        declared = [QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH]
        if not self._follows:
            declared.append(QoSPolicyKind.RELIABILITY)
        self._subscription = self._subscribe(QoSOverridingOptions(declared))

    def _subscribe(self, overriding: QoSOverridingOptions | None) -> Any:
        self._generation += 1
        on_match = partial(self._on_match, self._generation)
        return self._node.create_subscription(
            self._kind,
            self._topic,
            partial(self._deliver, self._generation),
            self._profile,
            event_callbacks=SubscriptionEventCallbacks(
                matched=lambda _: self._inbox.post(on_match),
                incompatible_qos=lambda _: self._inbox.post(self._incompatible),
            ),
            qos_overriding_options=overriding,
            raw=self._read is not None,
        )

    def _deliver(self, generation: int, message: Any) -> None:
        """Pass a message on, but not a second time where two subscriptions overlap.

        Messages with one stamp are the same message if they come by different subscriptions; a
        stamp of zero tells nothing.
        """
        if self._read is not None:
            message = self._read(message)
            if message is None:
                return
        if self._retiring is not None or self._heard:
            stamp = (message.header.stamp.sec, message.header.stamp.nanosec)
            self._heard.append((generation, stamp))
            here = self._heard.count((generation, stamp))
            there = sum(one != generation and same == stamp for one, same in self._heard)
            if here <= there and stamp != (0, 0):
                return
            if self._retiring is None:
                # The old one had not heard this: nothing is left that it had.
                self._heard.clear()
        self._callback(message)

    def _on_match(self, generation: int) -> None:
        if generation == self._generation and self._retiring is not None:
            self._stop_retirement()
            self._retirement = steady_timer(self._node, OVERLAP_S, self._retire)
        self._follow()

    def _retire(self) -> None:
        self._stop_retirement()
        if self._retiring is not None:
            self._node.destroy_subscription(self._retiring)
            self._retiring = None

    def _stop_retirement(self) -> None:
        if self._retirement is not None:
            self._node.destroy_timer(self._retirement)
            self._retirement = None

    def _follow(self) -> None:
        publishers = self._node.get_publishers_info_by_topic(self.resolved_topic)
        offers = [publisher.qos_profile for publisher in publishers]
        if not offers or not self._follows:
            return
        reliable = all(o.reliability == ReliabilityPolicy.RELIABLE for o in offers)
        latched = reliable and all(
            o.durability == DurabilityPolicy.TRANSIENT_LOCAL for o in offers
        )
        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        if (reliability, durability) == (self._profile.reliability, self._profile.durability):
            return
        self._profile.reliability, self._profile.durability = reliability, durability
        self._node.get_logger().info(
            f'{self.resolved_topic}: now {reliability.name.lower()}, {durability.name.lower()}, '
            f'as its {len(offers)} publisher(s) offer'
        )
        # The old one stays a while after the new one has found a publisher: nothing is missed.
        self._retire()
        self._retiring = self._subscription
        self._subscription = self._subscribe(None)

    def _incompatible(self) -> None:
        self._node.get_logger().warning(
            f'{self.resolved_topic}: a publisher offers less than '
            f'{self._profile.reliability.name.lower()}, '
            f'{self._profile.durability.name.lower()}; trying to adapt'
        )
        self._follow()
