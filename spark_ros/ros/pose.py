# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The robot's pose, to be sent with a question."""

from __future__ import annotations

import math
from typing import TypeAlias

from geometry_msgs.msg import Pose, PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from rclpy.node import Node

from spark_ros.escalation.question.asking import stamp_text
from spark_ros.ros.conversions import stamp_ns
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.matched import MatchedSubscription

PoseMessage: TypeAlias = PoseStamped | PoseWithCovarianceStamped | Odometry
POSE_TYPES: dict[str, type] = {
    'geometry_msgs/PoseStamped': PoseStamped,
    'geometry_msgs/PoseWithCovarianceStamped': PoseWithCovarianceStamped,
    'nav_msgs/Odometry': Odometry,
}


class PoseInput:
    """Keep the newest pose of a topic.

    Attributes:
        newest: the message, or None before the first.
    """

    def __init__(self, node: Node, inbox: Inbox, topic: str, kind: str) -> None:
        """Subscribe; without a topic there is never a pose.

        Args:
            node: whose executor runs the callback.
            inbox: of that node.
            topic: may be empty.
            kind: one of `POSE_TYPES`.
        """
        self.newest: PoseMessage | None = None
        if topic:
            type_of = POSE_TYPES[kind]
            self._subscription = MatchedSubscription(node, inbox, type_of, topic, self._on_pose)

    def _on_pose(self, message: PoseMessage) -> None:
        self.newest = message


def pose_metadata(message: PoseMessage) -> dict[str, str]:
    """Write a pose as metadata: "x y z qx qy qz qw" in m, its frame and stamp.

    One with a number that is not finite says nothing.
    """
    pose = message.pose if isinstance(message.pose, Pose) else message.pose.pose
    place, turn = pose.position, pose.orientation
    numbers = (place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w)
    if not all(map(math.isfinite, numbers)):
        return {}
    return {
        'pose': ' '.join(map(str, numbers)),
        'pose_frame_id': message.header.frame_id,
        'pose_stamp': stamp_text(stamp_ns(message.header.stamp)),
    }
