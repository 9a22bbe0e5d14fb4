# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""rclpy's action server, mended where it would lose goals or end the node.

Why: an exception in a waitable, such as that of a client which has gone before its answer, leaves
`spin` and takes the node with it; goals that come in a burst are lost; results cannot be told
once the executor has ended.
Upstream: https://github.com/ros2/rclpy/pull/1114 and https://github.com/ros2/rclpy/pull/1258
catch what a client that has gone raises. For requests that cannot be read, for bursts, and for
results without an executor no issue was found.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionServer
from rclpy.action.server import GoalEvent, ServerGoalHandle
from rclpy.qos import QoSProfile, ReliabilityPolicy

# With the usual depth of 10 a burst of goals is lost without a word.
BURST = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)
RESULT_TIMEOUT_S = 10
logger = logging.getLogger(__name__)


class CalmActionServer(ActionServer):
    """An action server that outlives what comes in, and can tell results without an executor."""

    def __init__(self, node: Any, kind: Any, name: str, execute: Any, **callbacks: Any) -> None:
        """Advertise; for the arguments see rclpy."""
        super().__init__(
            node,
            kind,
            name,
            execute,
            goal_service_qos_profile=BURST,
            result_service_qos_profile=BURST,
            cancel_service_qos_profile=BURST,
            feedback_pub_qos_profile=BURST,
            result_timeout=RESULT_TIMEOUT_S,
            **callbacks,
        )

    def take_data(self) -> dict[str, Any]:
        """Take the messages that have arrived."""
        try:
            return super().take_data()
        except Exception:
            logger.exception('cannot read a message for the action')
            return {}

    async def execute(self, taken_data: dict[str, Any]) -> None:
        """Handle the messages that have arrived, one after another."""
        for what, data in taken_data.items():
            try:
                await super().execute({what: data})
            except Exception:
                logger.exception('cannot handle a message for the action (%s)', what)

    def take_requests(self) -> None:
        """Take the requests for results that have come since the executor ended."""
        kind = self.action_type.Impl.GetResultService.Request
        while True:
            header, request = self._handle.take_result_request(kind)
            if header is None or request is None:
                return
            future = self._result_futures.get(bytes(request.goal_id.uuid))
            if future is not None:
                future._set_executor(None)
                future.add_done_callback(partial(self._send_result_response, header))

    def abort_now(self, handle: ServerGoalHandle, result: Any) -> bool:
        """End a goal when no executor runs any more; who waits for its result gets it.

        A goal of which no result can be told any more is left to itself: returns False.
        """
        uuid = bytes(handle.goal_id.uuid)
        future = self._result_futures.get(uuid)
        if future is None or future.done() or not handle.is_active:
            return False
        if handle.status == GoalStatus.STATUS_ACCEPTED:
            handle._update_state(GoalEvent.EXECUTE)
        handle.abort()
        response = self.action_type.Impl.GetResultService.Response()
        response.status, response.result = handle.status, result
        # Its callbacks would be given to the executor that is gone; so they are called here.
        future._set_executor(None)
        future.set_result(response)
        return True
