# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node: it connects all parts.

A detection runs through here in this order: `CameraInput` finds its frame and offers the two
together; `Runtime` decides, encodes, journals, sends and fetches the answer on a thread of its
own; `Outputs` publishes what comes back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack

from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.engagement import Event
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.promise_watch import PromiseWatch
from spark_ros.escalation.runtime import Runtime
from spark_ros.ros.annotated import AnnotatedPictures
from spark_ros.ros.backends import connect
from spark_ros.ros.camera import CameraInput
from spark_ros.ros.config import NodeConfig
from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.diagnostics import Diagnostics
from spark_ros.ros.engage import EngageServer
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.outputs import Outputs
from spark_ros.ros.parameters import LiveParameters, read_parameters, unknown_parameters
from spark_ros.ros.pose import PoseInput
from spark_ros.ros.services import Services
from spark_ros.ros.workarounds.humble import Node
from spark_ros.ros.workarounds.parameter_service import SafeParameterService

ACKNOWLEDGE_S = 0.5
logger = logging.getLogger(__name__)


class SparkNode(Node):
    """Ask people about what the robot's perception doubts, and publish what they say."""

    def __init__(
        self,
        died: Callable[[], None] = lambda: None,
        log_as: Callable[[str], None] = lambda name: None,
        **kwargs: object,
    ) -> None:
        """Read the parameters and connect everything.

        Args:
            died: called from another thread when the node can ask and answer nothing any more,
                though it still spins.
            log_as: called with the name of the node's logger before anything is logged.
            kwargs: for `rclpy.node.Node`.

        Raises:
            ParameterError: a parameter is wrong; the message names it.
            JournalError: the journal cannot be used.
        """
        super().__init__('spark', **{**kwargs, 'start_parameter_services': False})
        log_as(self.get_logger().name)
        with ExitStack() as undo:
            undo.callback(self.destroy_node)
            self._connect(read_parameters(self), died, undo)
            undo.pop_all()

    def _connect(self, config: NodeConfig, died: Callable[[], None], undo: ExitStack) -> None:
        for name in unknown_parameters(self):
            logger.warning("there is no parameter '%s'; it is ignored", name)
        inbox = self._inbox = Inbox(self)
        watch, log = None, None
        if path := config.decisions_path:
            if config.decisions_promise:
                watch = PromiseWatch(path, config.decisions_promise)
            began = watch.began if watch else lambda drive: None
            log = DecisionLog(path, int(config.decisions_max_mb * 1e6), began)
        runtime = self._runtime = Runtime(config.settings, self._deliver, died, log)
        undo.callback(runtime.close)
        names = config.camera_names
        self.pictures = AnnotatedPictures(self, inbox, names, runtime.fetch_image)
        self._outputs = Outputs(self, inbox, names, runtime.published, self.pictures.show)
        warn = WarnOnce(logger)
        self.pose = PoseInput(self, inbox, config.pose_topic, config.pose_type)
        cameras = {
            camera.name: CameraInput(self, inbox, camera, runtime.offer, warn, self.pose)
            for camera in config.cameras
        }
        self._cameras = list(cameras.values())
        Services(self, inbox, runtime, cameras)
        self._engage = EngageServer(self, inbox, runtime, cameras)
        undo.callback(self._engage.destroy)
        self._diagnostics = Diagnostics(self, config, cameras, runtime, log, watch)
        LiveParameters(self, self._ask_people, self.reconfigure)
        self._parameter_service = SafeParameterService(self)
        for camera in self._cameras:
            logger.info('listening to %s', ' and '.join(camera.topics))
        self._ask_people(config)

    def _ask_people(self, config: NodeConfig) -> None:
        """Connect to the service and the journal, once; not in a dry run."""
        if config.dry_run or self._runtime.connected:
            return
        try:
            self._runtime.connect(connect(config))
        except OSError as error:
            raise ParameterError('webhook.port', str(error)) from None
        logger.info(
            'asking %s as %s; journal: %s',
            config.server_url, config.robot_id, config.journal_path or 'in memory only',
        )  # fmt: skip

    def _deliver(self, event: Event) -> None:
        """Publish, then tell the goal that waits for it; called on the runtime's thread."""
        self._outputs.deliver(event)
        self._inbox.post(lambda: self._engage.take(event))

    def reconfigure(self, config: NodeConfig) -> None:
        """Use changed parameters; only live ones may differ."""
        for camera, block in zip(self._cameras, config.cameras, strict=True):
            camera.configure(block)
        self._runtime.configure(config.settings)
        self._diagnostics.configure(config)

    def wake(self) -> None:
        """Wake an executor that waits; callable from any thread."""
        self._inbox.post(lambda: None)

    def finish(self) -> None:
        """Stop asking, publish what has come, and close the journal."""
        self._runtime.stop()
        self._inbox.drain()
        self._engage.close()
        self._outputs.wait_until_sent(ACKNOWLEDGE_S)
        self._runtime.close()
        self.pictures.close()

    def leave(self) -> None:
        """Leave the ROS graph, once finished."""
        self._engage.destroy()
        self.destroy_node()

    def close(self) -> None:
        """Finish and leave."""
        self.finish()
        self.leave()
