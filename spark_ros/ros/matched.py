# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A subscription whose QoS follows its publishers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from spark_ros.ros.inbox import Inbox

# A third of a second of a camera: what a busy machine may keep the executor from its frames.
DEPTH = 10


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
        self._subscription = self._subscribe(QoSOverridingOptions.with_default_policies())

    def destroy(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)

    def _subscribe(self, overriding: QoSOverridingOptions | None) -> Any:
        return self._node.create_subscription(
            self._kind,
            self._topic,
            self._callback,
            self._profile,
            event_callbacks=SubscriptionEventCallbacks(
                matched=lambda _: self._inbox.post(self._follow),
                incompatible_qos=lambda _: self._inbox.post(self._incompatible),
            ),
            qos_overriding_options=overriding,
        )

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
        self.destroy()
        self._subscription = self._subscribe(None)

    def _incompatible(self) -> None:
        self._node.get_logger().warning(
            f'{self.resolved_topic}: a publisher offers less than '
            f'{self._profile.reliability.name.lower()}, '
            f'{self._profile.durability.name.lower()}; trying to adapt'
        )
        self._follow()
