# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The services by which others set this node's parameters; no request can end the node.

Why: rclpy's own service raises for a type that no parameter has, which ends the executor, and
does not name a parameter that is not there.
Upstream: https://github.com/ros2/rclcpp/issues/3257 is the same fault in rclcpp; for rclpy no
issue was found.
"""

from __future__ import annotations

from collections.abc import Sequence

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.parameter_service import ParameterService


class SafeParameterService(ParameterService):
    """Answer with a reason where rclpy's own service raises, which would end the executor.

    Make the node with `start_parameter_services=False`.
    """

    def __init__(self, node: Node) -> None:
        """Offer the services of a node, which must outlive this."""
        self._parameters_of = node
        super().__init__(node)

    def _set_parameters_callback(
        self, request: SetParameters.Request, response: SetParameters.Response
    ) -> SetParameters.Response:
        response.results = [self._set([one]) for one in request.parameters]
        return response

    def _set_parameters_atomically_callback(
        self, request: SetParametersAtomically.Request, response: SetParametersAtomically.Response
    ) -> SetParametersAtomically.Response:
        response.result = self._set(request.parameters)
        return response

    def _set(self, given: Sequence[ParameterMessage]) -> SetParametersResult:
        node = self._parameters_of
        for one in given:
            if not node.has_parameter(one.name):
                return _refused(f"there is no parameter '{one.name}'")
        try:
            return node.set_parameters_atomically(
                [Parameter.from_parameter_msg(one) for one in given]
            )
        except Exception as error:
            return _refused(str(error))


def _refused(reason: str) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=reason)
