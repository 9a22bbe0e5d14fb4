# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Publish answers and the steps that lead to them."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.engagement import Event
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.question.escalation import Resolved, robot_of
from spark_ros.model import QuestionKind
from spark_ros.msg import EngagementStatus, Resolution
from spark_ros.ros.conversions import corrected_detections, resolution_message, status_message
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.steady_timer import steady_timer
from spark_ros.ros.workarounds.humble import PublisherEventCallbacks
from spark_ros.wire.step_log import log_step

HOLD_S = 5.0
CONFIRM_EVERY_S = 0.02
CONFIRM_S = 30.0
logger = logging.getLogger(__name__)


class Outputs:
    """The node's publishers.

    After a start an answer is held for `HOLD_S` until there is a subscriber. What is published to
    a subscriber that was just found may stay in this process until the two have agreed on where to
    begin, and is lost if the process ends before; so it counts as published only once the
    subscriber has confirmed it. Later answers have left this process when `publish` returns; to
    wait for their confirmation, too, would take a heartbeat, 3 s.
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
            published: called with the id of each answer once its subscribers have it.
            show: called with each answer while its image is still in the journal.
        """
        self._inbox, self._published, self._show = inbox, published, show
        self._warn = WarnOnce(logger)
        self._resolutions = node.create_publisher(
            Resolution,
            '~/resolutions',
            _reliable(100, latched=True),
            event_callbacks=PublisherEventCallbacks(matched=self._on_match),
        )
        self._statuses = node.create_publisher(
            EngagementStatus, '~/engagements', _reliable(100, latched=False)
        )
        self._detections = {
            camera: node.create_publisher(
                Detection2DArray, f'~/{camera}/detections', _reliable(10, latched=True)
            )
            for camera in cameras
        }
        self._held: deque[Resolved] = deque()
        self._hold = steady_timer(node, HOLD_S, self._release_held)
        self._agreed = False
        self._unconfirmed: deque[tuple[float, str]] = deque()
        self._confirm = steady_timer(node, CONFIRM_EVERY_S, self._confirm_sent)
        self._confirm.cancel()

    def deliver(self, event: Event) -> None:
        """Publish a status or an answer; callable from any thread."""
        self._inbox.post(partial(self._publish, event))

    def wait_until_sent(self, timeout_s: float) -> None:
        """Give each publisher's reliable subscribers this long to confirm what was published."""
        self._all_confirmed(timeout_s)
        self._report_published()

    def _publish(self, event: Event) -> None:
        if not isinstance(event, Resolved):
            self._statuses.publish(status_message(event))
        elif not self._hold.is_canceled() and not self._resolutions.get_subscription_count():
            self._held.append(event)
        else:
            self._publish_answer(event)

    def _publish_answer(self, resolved: Resolved) -> None:
        self._resolutions.publish(resolution_message(resolved))
        asked = resolved.escalation
        detections = self._detections.get(asked.camera)
        # The answer to another question is no list of boxes; an empty list would say that nothing
        # is there.
        if detections is not None and asked.question.kind is QuestionKind.ANNOTATE:
            unknown = partial(self._warn_of_label, asked.camera)
            detections.publish(corrected_detections(resolved, unknown))
        if resolved.reused:
            # It was never in the journal, nor was its image.
            return
        self._show(resolved)
        log_step(
            logger, 'published', question=asked.id, token=resolved.token, robot=robot_of(asked)
        )
        self._unconfirmed.append((time.monotonic() + CONFIRM_S, resolved.escalation.id))
        if self._agreed:
            self._report_published()
        elif self._confirm.is_canceled():
            self._confirm.reset()

    def _warn_of_label(self, camera: str, label: str) -> None:
        self._warn(
            f'{camera}: the detector has no class id for the label {label[:40]!r} of an answer; '
            'the corrected detections have the label itself',
            camera,
        )

    def _confirm_sent(self) -> None:
        self._agreed = self._all_confirmed(0.0)
        # A subscriber that never confirms, such as one that hangs, must not fill the journal.
        self._report_published(math.inf if self._agreed else time.monotonic())

    def _all_confirmed(self, timeout_s: float) -> bool:
        publishers = (self._resolutions, *self._detections.values())
        return all([each.wait_for_all_acked(Duration(seconds=timeout_s)) for each in publishers])

    def _report_published(self, until: float = math.inf) -> None:
        """Report answers as published, those whose wait for a confirmation ends by `until`."""
        while self._unconfirmed and self._unconfirmed[0][0] <= until:
            self._published(self._unconfirmed.popleft()[1])
        if not self._unconfirmed:
            self._confirm.cancel()

    def _on_match(self, matched: Any) -> None:
        # A subscriber that leaves has nothing to agree on; Humble does not say which it is.
        if matched is None or matched.current_count_change > 0:
            self._inbox.post(self._on_subscriber)

    def _on_subscriber(self) -> None:
        self._agreed = False
        if self._held and self._resolutions.get_subscription_count():
            self._release_held()

    def _release_held(self) -> None:
        self._hold.cancel()
        while self._held:
            self._publish_answer(self._held.popleft())


def _reliable(depth: int, *, latched: bool) -> QoSProfile:
    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE, durability=durability)
