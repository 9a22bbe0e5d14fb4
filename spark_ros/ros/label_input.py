# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The labels of one camera's detector: from its parameter, and from its topic."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

from spark_ros.escalation.once import WarnOnce
from spark_ros.ros.config import CameraConfig
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.labels import NO_LABELS, LabelInfo, Labels, labels_of
from spark_ros.ros.matched import MatchedSubscription


class LabelInput:
    """Subscribe to a detector's labels, where it announces them.

    Attributes:
        now: the labels as they are known; replaced, never changed.
    """

    def __init__(self, node: Node, inbox: Inbox, config: CameraConfig, warn: WarnOnce) -> None:
        """Subscribe where there is a topic.

        Args:
            node: whose executor runs the callback.
            inbox: of that node.
            config: the camera's parameters.
            warn: logs a problem, once for each kind.
        """
        self._warn = warn
        self._newest_map: Any = None
        self._announced = NO_LABELS
        self.configure(config)
        if topic := config.label_info_topic:
            self.subscription = MatchedSubscription(node, inbox, LabelInfo, topic, self._on_labels)

    def configure(self, config: CameraConfig) -> None:
        """Use changed parameters; the topic stays as it is."""
        self._config = config
        self.now = Labels({**config.labels.names, **self._announced.names})

    def unknown(self, class_id: str) -> None:
        """Warn that a detection has a class without a label; from any thread."""
        name, topic = self._config.name, self._config.label_info_topic
        where = f'{topic} and class_labels have' if topic else 'class_labels has'
        self._warn(
            f'{name}: {where} no label for the class id {class_id[:40]!r}; it stands for itself',
            f'{name} class id',
        )

    def _on_labels(self, message: Any) -> None:
        # Some publish it with every frame.
        if message.class_map == self._newest_map:
            return
        self._newest_map = message.class_map
        try:
            self._announced = labels_of(
                {str(one.class_id): one.class_name for one in message.class_map}
            )
        except ValueError as error:
            name, topic = self._config.name, self._config.label_info_topic
            self._warn(f'{name}: the labels of {topic} are not taken: {error}', f'{name} labels')
            return
        self.configure(self._config)
