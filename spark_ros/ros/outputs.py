# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Publish answers and the steps that lead to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.courier import Event
from spark_ros.escalation.escalation import Resolved
from spark_ros.msg import EngagementStatus, Resolution
from spark_ros.ros.conversions import corrected_detections, resolution_message, status_message
from spark_ros.ros.inbox import Inbox

HOLD_S = 5.0


class Outputs:
    """The node's publishers. An answer from before a restart waits for a subscriber."""

    def __init__(
        self, node: Node, inbox: Inbox, cameras: Iterable[str], published: Callable[[str], None]
    ) -> None:
        """Advertise.

        Args:
            node: whose topics they are.
            inbox: of that node.
            cameras: their names.
            published: told the id of each answer once every topic has it.
        """
        self._node, self._inbox, self._published = node, inbox, published
        latched = QoSProfile(
            depth=100,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
        self._resolutions = node.create_publisher(
            Resolution,
            '~/resolutions',
            latched,
            event_callbacks=PublisherEventCallbacks(matched=lambda _: inbox.post(self._release)),
        )
        self._statuses = node.create_publisher(
            EngagementStatus,
            '~/engagements',
            QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE),
        )
        self._detections = {
            camera: node.create_publisher(
                Detection2DArray,
                f'~/{camera}/detections',
                QoSProfile(
                    depth=10,
                    reliability=ReliabilityPolicy.RELIABLE,
                    durability=DurabilityPolicy.TRANSIENT_LOCAL,
                ),
            )
            for camera in cameras
        }
        self._held: deque[Resolved] = deque()
        self._hold = node.create_timer(
            HOLD_S, self._hold_over, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._holding = True

    def deliver(self, event: Event) -> None:
        """Publish a status or an answer; callable from any thread."""
        self._inbox.post(partial(self._publish, event))

    def wait_until_sent(self, timeout_s: float) -> None:
        """Give reliable subscribers the time to confirm what was published."""
        for publisher in (self._resolutions, *self._detections.values()):
            publisher.wait_for_all_acked(Duration(seconds=timeout_s))

    def _publish(self, event: Event) -> None:
        if not isinstance(event, Resolved):
            self._statuses.publish(status_message(event))
        elif event.recovered and self._holding and not self._resolutions.get_subscription_count():
            self._held.append(event)
        else:
            self._resolve(event)

    def _resolve(self, resolved: Resolved) -> None:
        self._resolutions.publish(resolution_message(resolved))
        detections = self._detections.get(resolved.escalation.camera)
        if detections is not None:
            detections.publish(corrected_detections(resolved))
        self._published(resolved.escalation.id)

    def _release(self) -> None:
        if self._held and self._resolutions.get_subscription_count():
            self._hold_over()

    def _hold_over(self) -> None:
        self._hold.cancel()
        self._holding = False
        while self._held:
            self._resolve(self._held.popleft())
