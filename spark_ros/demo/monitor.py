# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Follow what the spark node says about the frames of a run."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from spark_ros.demo.processes import Lines
from spark_ros.demo.spinning import RELIABLE
from spark_ros.msg import EngagementStatus
from spark_ros.ros.conversions import stamp_ns

WITHOUT_ANSWER = (
    EngagementStatus.STATE_FLAGGED,
    EngagementStatus.STATE_FAILED,
    EngagementStatus.STATE_EXPIRED,
    EngagementStatus.STATE_CANCELED,
)


class Monitor(Node):
    """Know which frames were asked about; a frame is known by its stamp in nanoseconds.

    Attributes:
        printed: what the process prints that publishes the images.
        playing: whether it has not ended.
        asked: the frames that somebody was asked about.
        over: those of them about which nothing more will come.
        last_news: when something was heard last, by time.monotonic().
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.printed: Lines = queue.SimpleQueue()
        self.playing = True
        self.asked: set[int] = set()
        self.over: set[int] = set()
        self.last_news = time.monotonic()
        self._topics_of_the_node: list[str] = []
        self.follow(EngagementStatus, 'spark/engagements', self.on_status)

    def follow(
        self,
        kind: type,
        topic: str,
        callback: Callable[[int, Any], None],
        qos: QoSProfile = RELIABLE,
    ) -> None:
        """Subscribe; the callback gets each message after its stamp."""

        def heard(message: Any) -> None:
            self.last_news = time.monotonic()
            callback(stamp_ns(message.header.stamp), message)

        self.create_subscription(kind, topic, heard, qos)
        if topic.startswith('spark/'):
            self._topics_of_the_node.append(topic)

    @property
    def hears_the_node(self) -> bool:
        """Whether the spark node's topics are there, so that no step of it is missed."""
        return all(self.count_publishers(topic) for topic in self._topics_of_the_node)

    @property
    def settled(self) -> bool:
        """Whether nothing that was asked is still open."""
        return self.asked <= self.over

    def read_printed(self) -> None:
        """Take in what was printed since."""
        while not self.printed.empty():
            self.last_news = time.monotonic()
            line = self.printed.get()
            self.playing = line is not None
            self.on_printed(line)

    def on_printed(self, line: str | None) -> None:
        """Take in a line; None is the end of them."""

    def on_status(self, stamp: int, message: EngagementStatus) -> None:
        """Take in a step in the life of a question."""
        if message.state == EngagementStatus.STATE_QUEUED:
            self.asked.add(stamp)
        if message.state in WITHOUT_ANSWER:
            self.over.add(stamp)
