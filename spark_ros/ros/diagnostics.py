# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Publish diagnostics, and log each change."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node

from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.health.camera import CameraState, check_camera
from spark_ros.escalation.health.check import CheckResult, Level
from spark_ros.escalation.health.decisions import DecisionsState, check_decisions
from spark_ros.escalation.health.lately import Lately
from spark_ros.escalation.health.questions import check_questions
from spark_ros.escalation.health.service import check_service
from spark_ros.escalation.promise_watch import PromiseWatch
from spark_ros.escalation.runtime import Runtime
from spark_ros.ros.camera import CameraInput
from spark_ros.ros.config import NodeConfig
from spark_ros.ros.conversions import key_values
from spark_ros.ros.steady_timer import steady_timer
from spark_ros.wire.values import utf8_text

EVERY_S = 1.0
RATE_S = 10.0
LATELY_S = 60.0
LOG_AGAIN_S = 10.0
LOG = {Level.OK: logging.INFO, Level.WARN: logging.WARNING, Level.ERROR: logging.ERROR}
logger = logging.getLogger(__name__)


class Diagnostics:
    """A status each second for each camera, the questions, the service and the log."""

    def __init__(
        self, node: Node, config: NodeConfig, cameras: Mapping[str, CameraInput],
        runtime: Runtime, log: DecisionLog | None, watch: PromiseWatch | None,
    ) -> None:  # fmt: skip
        """Advertise.

        Args:
            node: whose executor runs the timer.
            config: the parameters; see `configure`.
            cameras: by name.
            runtime: asks the questions.
            log: of decisions, if there is one.
            watch: compares it with a promise, if there is one.
        """
        self._node, self._config, self._runtime = node, config, runtime
        self._log, self._watch = log, watch
        self._watches = [_CameraWatch(name, camera) for name, camera in cameras.items()]
        self._logged: dict[str, tuple[frozenset[str], float]] = {}
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._timer = steady_timer(node, EVERY_S, self._publish)

    def configure(self, config: NodeConfig) -> None:
        """Use changed parameters."""
        self._config = config

    def _publish(self) -> None:
        now = time.monotonic()
        results = self._check(now)
        for result in results:
            self._log_change(result, now)
        name = self._node.get_fully_qualified_name().lstrip('/')
        array = DiagnosticArray(
            status=[_status(name, self._config.robot_id, result) for result in results]
        )
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _check(self, now: float) -> list[CheckResult]:
        config, snapshot = self._config, self._runtime.health
        # Why nobody is asked, on purpose.
        idle = 'paused' if self._runtime.paused else ''
        if config.dry_run:
            idle = 'dry run: nobody is asked'
        states = [
            watch.measure(block.frames_max_mb, snapshot.unusable.get(block.name, 0), now)
            for watch, block in zip(self._watches, config.cameras, strict=True)
        ]
        return [
            *map(check_camera, states),
            check_questions(snapshot, config.journal_path, idle, now),
            check_service(config.server_kind, config.server_url, snapshot, now),
            *self._check_decisions(),
        ]

    def _check_decisions(self) -> list[CheckResult]:
        log, watch = self._log, self._watch
        if log is None:
            return []
        state = DecisionsState(log.path, log.refused, log.lost)
        if watch is not None:
            state = replace(state, watch=watch.seen, problem=watch.problem)
        return [check_decisions(state)]

    def _log_change(self, result: CheckResult, now: float) -> None:
        """Log a part of the node that got worse or better, at most once in `LOG_AGAIN_S`."""
        kinds, at = self._logged.get(result.part, (frozenset(), now - LOG_AGAIN_S))
        if result.kinds == kinds or now - at < LOG_AGAIN_S:
            return
        self._logged[result.part] = (result.kinds, now)
        words = result.message if result.problems else f'all right again: {result.message}'
        logger.log(LOG[result.level], '%s: %s', result.part, words)


class _CameraWatch:
    """Read a camera's counters each second, so that its callbacks only count."""

    def __init__(self, name: str, camera: CameraInput) -> None:
        self._name, self._camera = name, camera
        now = time.monotonic()
        self._rate, self._lately = Lately(RATE_S, now), Lately(LATELY_S, now)
        self._frames, self._heard = 0, now

    def measure(self, ring_max_mb: float, unencodable: int, now: float) -> CameraState:
        camera = self._camera
        if camera.frames != self._frames:
            self._frames, self._heard = camera.frames, now
        frames = self._rate.update({'frames': camera.frames}, now)['frames']
        counted = {'unmatched': camera.unmatched, 'unusable': camera.unusable}
        lately = self._lately.update({**counted, 'unencodable': unencodable}, now)
        return CameraState(
            name=self._name,
            topics=(camera.topics[0], camera.topics[1]),
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


def _status(node: str, robot_id: str, result: CheckResult) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=bytes([result.level]),
        name=f'{node}: {result.part}',
        message=utf8_text(result.message),
        hardware_id=robot_id,
        values=key_values(result.values),
    )
