# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Publish answers and the steps that lead to them."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.engagement import Event
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.question.escalation import Resolved
from spark_ros.model import QuestionKind
from spark_ros.msg import EngagementStatus, Resolution
from spark_ros.ros.conversions import corrected_detections, resolution_message, status_message
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.workarounds.humble import PublisherEventCallbacks

HOLD_S = 5.0
CONFIRM_EVERY_S = 0.02
CONFIRM_S = 30.0
logger = logging.getLogger(__name__)


class Outputs:
    """The node's publishers.

    After a start an answer waits for a subscriber for a while. What is published to a subscriber
    that was just found may stay in this process until the two have agreed on where to begin, and
    would end with it; so it counts as published only once that is confirmed. Later ones have left
    this process when `publish` returns; to wait for them, too, would take a heartbeat, 3 s.
    """

    def __init__(
        self,
        node: Node,
        inbox: Inbox,
        cameras: Iterable[str],
        published: Callable[[str], None],
        show: Callable[[Resolved], None],
    ) -> None:
        """Advertise.

        Args:
            node: whose topics they are.
            inbox: of that node.
            cameras: their names.
            published: told the id of each answer once its subscribers have it.
            show: given each answer while its image is still in the journal.
        """
        self._node, self._inbox, self._published, self._show = node, inbox, published, show
        self._warn = WarnOnce(logger)
        latched = QoSProfile(
            depth=100,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
        )
        self._resolutions = node.create_publisher(
            Resolution,
            '~/resolutions',
            latched,
            event_callbacks=PublisherEventCallbacks(matched=self._on_match),
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
        self._agreed = False
        self._unconfirmed: deque[tuple[float, str]] = deque()
        self._confirm = node.create_timer(
            CONFIRM_EVERY_S, self._confirm_sent, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._confirm.cancel()

    def deliver(self, event: Event) -> None:
        """Publish a status or an answer; callable from any thread."""
        self._inbox.post(partial(self._publish, event))

    def wait_until_sent(self, timeout_s: float) -> None:
        """Give reliable subscribers the time to confirm what was published."""
        self._all_confirmed(timeout_s)
        self._all_published()

    def _publish(self, event: Event) -> None:
        if not isinstance(event, Resolved):
            self._statuses.publish(status_message(event))
        elif self._holding and not self._resolutions.get_subscription_count():
            self._held.append(event)
        else:
            self._resolve(event)

    def _resolve(self, resolved: Resolved) -> None:
        self._resolutions.publish(resolution_message(resolved))
        asked = resolved.escalation
        detections = self._detections.get(asked.camera)
        # To others the answer is no list of boxes; an empty one would say that nothing is there.
        if detections is not None and asked.question.kind is QuestionKind.ANNOTATE:
            unknown = partial(self._unknown, asked.camera)
            detections.publish(corrected_detections(resolved, unknown))
        self._show(resolved)
        self._unconfirmed.append((time.monotonic() + CONFIRM_S, resolved.escalation.id))
        if self._agreed:
            self._all_published()
        elif self._confirm.is_canceled():
            self._confirm.reset()

    def _unknown(self, camera: str, label: str) -> None:
        self._warn(
            f'{camera}: the detector has no class id for the label {label[:40]!r} of an answer; '
            'the corrected detections have the label itself',
            camera,
        )

    def _confirm_sent(self) -> None:
        if self._all_confirmed(0.0):
            self._agreed = True
            self._all_published()
        # Who never confirms, such as a subscriber that hangs, must not keep the journal growing.
        while self._unconfirmed and self._unconfirmed[0][0] <= time.monotonic():
            self._published(self._unconfirmed.popleft()[1])

    def _all_confirmed(self, timeout_s: float) -> bool:
        publishers = (self._resolutions, *self._detections.values())
        return all([each.wait_for_all_acked(Duration(seconds=timeout_s)) for each in publishers])

    def _all_published(self) -> None:
        self._confirm.cancel()
        while self._unconfirmed:
            self._published(self._unconfirmed.popleft()[1])

    def _on_match(self, matched: Any) -> None:
        # One that leaves has nothing to agree on; Humble does not say which it is.
        if matched is None or matched.current_count_change > 0:
            self._inbox.post(self._matched)

    def _matched(self) -> None:
        self._agreed = False
        if self._held and self._resolutions.get_subscription_count():
            self._hold_over()

    def _hold_over(self) -> None:
        self._hold.cancel()
        self._holding = False
        while self._held:
            self._resolve(self._held.popleft())
