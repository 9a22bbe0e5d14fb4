# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Publish how the node is doing, and log each change of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from spark_ros.escalation.health.camera import CameraState, check_camera
from spark_ros.escalation.health.check import CheckResult, Level
from spark_ros.escalation.health.lately import Lately
from spark_ros.escalation.health.questions import check_questions
from spark_ros.escalation.health.service import check_service
from spark_ros.escalation.health.snapshot import Snapshot
from spark_ros.ros.camera import CameraInput
from spark_ros.ros.config import NodeConfig
from spark_ros.ros.conversions import key_values

EVERY_S = 1.0
RATE_S = 10.0
LATELY_S = 60.0
SAY_AGAIN_S = 10.0
LOG = {Level.OK: logging.INFO, Level.WARN: logging.WARNING, Level.ERROR: logging.ERROR}
LEVELS = {
    Level.OK: DiagnosticStatus.OK,
    Level.WARN: DiagnosticStatus.WARN,
    Level.ERROR: DiagnosticStatus.ERROR,
}
logger = logging.getLogger(__name__)


class Diagnostics:
    """One status for each camera, one for the questions and one for the service, each second."""

    def __init__(
        self,
        node: Node,
        config: NodeConfig,
        cameras: Mapping[str, CameraInput],
        health: Callable[[], Snapshot],
        idle: Callable[[], str],
    ) -> None:
        """Advertise.

        Args:
            node: whose executor runs the timer.
            config: the parameters; see `configure`.
            cameras: by name.
            health: returns the newest snapshot at once.
            idle: returns why nobody is asked, on purpose, or an empty string.
        """
        self._node, self._config, self._health, self._idle = node, config, health, idle
        self._watches = [_CameraWatch(name, camera) for name, camera in cameras.items()]
        self._log = _ChangeLog()
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._timer = node.create_timer(
            EVERY_S, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def configure(self, config: NodeConfig) -> None:
        """Go on by other parameters."""
        self._config = config

    def _publish(self) -> None:
        now = time.monotonic()
        results = self._check(now)
        for result in results:
            self._log.log(result, now)
        name = self._node.get_fully_qualified_name().lstrip('/')
        array = DiagnosticArray(
            status=[_status(name, self._config.robot_id, result) for result in results]
        )
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _check(self, now: float) -> list[CheckResult]:
        config, snapshot = self._config, self._health()
        rings = {camera.name: camera.frames_max_mb for camera in config.cameras}
        return [
            *(
                check_camera(
                    watch.state(rings[watch.name], snapshot.unusable.get(watch.name, 0), now)
                )
                for watch in self._watches
            ),
            check_questions(snapshot, config.journal_path, self._idle(), now),
            check_service(config.server_kind, config.server_url, snapshot, now),
        ]


class _CameraWatch:
    """Look at a camera's counters each second, so that its callbacks only count."""

    def __init__(self, name: str, camera: CameraInput) -> None:
        self.name, self._camera = name, camera
        now = time.monotonic()
        self._rate, self._lately = Lately(RATE_S, now), Lately(LATELY_S, now)
        self._frames, self._heard = 0, now

    def state(self, ring_max_mb: float, unencodable: int, now: float) -> CameraState:
        camera = self._camera
        if camera.frames != self._frames:
            self._frames, self._heard = camera.frames, now
        frames = self._rate.update({'frames': camera.frames}, now)['frames']
        lately = self._lately.update(
            {
                'unmatched': camera.unmatched,
                'unusable': camera.unusable,
                'unencodable': unencodable,
            },
            now,
        )
        image_topic, detections_topic = camera.topics
        return CameraState(
            name=self.name,
            topics=(image_topic, detections_topic),
            frames=camera.frames,
            rate_hz=frames / self._rate.span_s if self._rate.span_s else 0.0,
            silent_s=now - self._heard,
            detections=camera.detections,
            unmatched=camera.unmatched,
            unusable=camera.unusable,
            refusal=camera.refusal,
            unencodable=unencodable,
            ring_mb=camera.ring_bytes / 1e6,
            ring_max_mb=ring_max_mb,
            lately=lately,
        )


class _ChangeLog:
    """Log what changes, in both directions, and each part at most once in ten seconds."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[frozenset[str], float]] = {}

    def log(self, result: CheckResult, now: float) -> None:
        said, at = self._said.get(result.part, (frozenset(), now - SAY_AGAIN_S))
        if result.kinds == said or now - at < SAY_AGAIN_S:
            return
        self._said[result.part] = (result.kinds, now)
        words = result.message if result.problems else f'all right again: {result.message}'
        logger.log(LOG[result.level], '%s: %s', result.part, words)


def _status(node: str, robot_id: str, result: CheckResult) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=LEVELS[result.level],
        name=f'{node}: {result.part}',
        message=result.message.encode('utf-8', 'replace').decode('utf-8'),
        hardware_id=robot_id,
        values=key_values(result.values),
    )
