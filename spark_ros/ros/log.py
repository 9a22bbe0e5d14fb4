# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Send the standard library's log records to ROS."""

from __future__ import annotations

import logging

from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.logging import get_logger


class RosHandler(logging.Handler):
    """Hand each record of the package to the node's logger."""

    def __init__(self, name: str) -> None:
        """Log under a node's name."""
        super().__init__()
        self._logger: RcutilsLogger = get_logger(name)

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record; never raises."""
        try:
            text = self.format(record)
            # rcutils ties a severity to the place of the call, so each needs a line of its own.
            if record.levelno >= logging.ERROR:
                self._logger.error(text)
            elif record.levelno >= logging.WARNING:
                self._logger.warning(text)
            elif record.levelno >= logging.INFO:
                self._logger.info(text)
            else:
                self._logger.debug(text)
        except Exception:
            self.handleError(record)


def log_to_ros(name: str) -> None:
    """Route the package's log records to ROS, once a process."""
    package = logging.getLogger('spark_ros')
    if not any(isinstance(handler, RosHandler) for handler in package.handlers):
        package.addHandler(RosHandler(name))
        package.setLevel(logging.INFO)
        package.propagate = False
