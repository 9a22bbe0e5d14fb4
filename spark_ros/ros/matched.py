# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A subscription whose QoS follows its publishers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from spark_ros.ros.inbox import Inbox
from spark_ros.ros.workarounds.humble import SubscriptionEventCallbacks

# A third of a second of a camera: what a busy machine may keep the executor from its frames.
DEPTH = 10
# What has reached the old subscription, and has yet to be read, would end with it.
OVERLAP_S = 0.5


class MatchedSubscription:
    """Start best effort, which every publisher satisfies; ask for more once all offer it.

    Only reliability and durability can be learned of a publisher. `BEST_AVAILABLE` would not do:
    made before its publisher it becomes reliable, and never matches a best-effort camera.
    A reliability set by the standard parameters `qos_overrides.<topic>.subscription.*` stays.
    """

    def __init__(
        self, node: Node, inbox: Inbox, kind: type, topic: str, callback: Callable[[Any], None]
    ) -> None:
        """Subscribe.

        Args:
            node: whose executor runs the callback.
            inbox: where a change of QoS is carried out, outside the event that asks for it.
            kind: the message type.
            topic: relative, absolute or private name.
            callback: called with each message.
        """
        self._node, self._inbox, self._kind, self._callback = node, inbox, kind, callback
        self._topic = topic
        self.resolved_topic = node.resolve_topic_name(topic)
        self._profile = QoSProfile(
            depth=DEPTH,
            reliability=ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.VOLATILE,
        )
        override = f'qos_overrides.{self.resolved_topic}.subscription.reliability'
        self._follows = override not in getattr(node, '_parameter_overrides', {})
        self._retiring: Any = None
        self._heard: deque[tuple[int, tuple[int, int]]] = deque(maxlen=8 * DEPTH)
        self._generation = 0
        self._retirement: Any = None
        self._subscription = self._subscribe(QoSOverridingOptions.with_default_policies())

    def destroy(self) -> None:
        """Unsubscribe."""
        self._retire()
        self._node.destroy_subscription(self._subscription)

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
        )

    def _deliver(self, generation: int, message: Any) -> None:
        """Pass a message on, once where two subscriptions overlap; a zero stamp tells nothing.

        Two messages with one stamp that come by the same subscription are two.
        """
        if self._retiring is not None:
            stamp = (message.header.stamp.sec, message.header.stamp.nanosec)
            self._heard.append((generation, stamp))
            here = self._heard.count((generation, stamp))
            there = sum(one != generation and same == stamp for one, same in self._heard)
            if here <= there and stamp != (0, 0):
                return
        self._callback(message)

    def _on_match(self, generation: int) -> None:
        if generation == self._generation and self._retiring is not None:
            self._stop_retirement()
            self._retirement = self._node.create_timer(
                OVERLAP_S, self._retire, clock=Clock(clock_type=ClockType.STEADY_TIME)
            )
        self._follow()

    def _retire(self) -> None:
        self._stop_retirement()
        if self._retiring is not None:
            self._node.destroy_subscription(self._retiring)
            self._retiring = None
            self._heard.clear()

    def _stop_retirement(self) -> None:
        if self._retirement is not None:
            self._node.destroy_timer(self._retirement)
            self._retirement = None

    def _follow(self) -> None:
        offers = [
            info.qos_profile
            for info in self._node.get_publishers_info_by_topic(self.resolved_topic)
        ]
        if not offers or not self._follows:
            return
        reliable = all(o.reliability == ReliabilityPolicy.RELIABLE for o in offers)
        latched = all(o.durability == DurabilityPolicy.TRANSIENT_LOCAL for o in offers)
        reliability = (
            ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        )
        durability = (
            DurabilityPolicy.TRANSIENT_LOCAL if reliable and latched else DurabilityPolicy.VOLATILE
        )
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
