# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Take changed parameters while the node runs: all that came together, or none of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from spark_ros.ros.config import NodeConfig
from spark_ros.ros.declaring import ParameterError, plain, rows, values_of
from spark_ros.ros.parameters import config_from
from spark_ros.ros.workarounds.parameter_types import typed

logger = logging.getLogger(__name__)


class LiveParameters:
    """What may change while the node runs is checked as a whole, then applied as a whole.

    rclpy itself refuses what is read-only, of a wrong type or out of its range, before it asks
    here. It checks one parameter after another; only together they may make no sense, such as
    an `ignore_below` above `ask_below`. To change two such at once, set them atomically.
    """

    def __init__(
        self,
        node: Node,
        prepare: Callable[[NodeConfig], None],
        apply: Callable[[NodeConfig], None],
    ) -> None:
        """Take changes from now on.

        Args:
            node: its parameters are declared.
            prepare: makes what a configuration needs; raises ParameterError where it cannot be
                had. It may be called without `apply` after it.
            apply: puts a configuration to use; must not fail.
        """
        self._node, self._prepare, self._apply = node, prepare, apply
        self._rows = rows(node.get_parameter('cameras').value)
        node.add_pre_set_parameters_callback(self._mend)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._use)

    def _mend(self, given: Sequence[Parameter]) -> list[Parameter]:
        return [
            typed(one, self._rows[one.name].type) if one.name in self._rows else one
            for one in given
        ]

    def _check(self, given: Sequence[Parameter]) -> SetParametersResult:
        changed = self._mine(given)
        if changed:
            try:
                self._prepare(config_from(values_of(self._node) | changed))
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
            except Exception as error:
                logger.exception('changed parameters could not be checked')
                return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _use(self, given: Sequence[Parameter]) -> None:
        changed = self._mine(given)
        if not changed:
            return
        try:
            self._apply(config_from(values_of(self._node)))
        except Exception:
            # Here an exception would end the executor, and with it the node.
            logger.exception('changed parameters could not be applied')
            return
        for name, value in changed.items():
            logger.info('%s is now %r', name, value)

    def _mine(self, given: Sequence[Parameter]) -> dict[str, Any]:
        """Return the values of those that stand in the table; rclpy has some of its own."""
        return {
            one.name: plain(self._rows[one.name], one.value)
            for one in given
            if one.name in self._rows
        }
