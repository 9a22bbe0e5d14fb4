# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node: what is connected to what.

A detection runs through here in this order: `CameraInput` finds its frame and offers the two as
a sighting; `Corridor` decides, encodes, journals, sends and fetches the answer on a thread of
its own; `Outputs` publishes what comes back.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack

from spark_ros.escalation.backends.late_backend import LateBackend
from spark_ros.escalation.corridor import Corridor, CorridorSettings, WebhookSettings
from spark_ros.escalation.courier import Event
from spark_ros.escalation.journal.safe_journal import open_journal
from spark_ros.escalation.once import WarnOnce
from spark_ros.ros.annotated import AnnotatedPictures
from spark_ros.ros.backends import first_backend, make_backend, webhook_settings
from spark_ros.ros.camera import CameraInput
from spark_ros.ros.compat import Node
from spark_ros.ros.config import NodeConfig
from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.diagnostics import Diagnostics
from spark_ros.ros.engage import EngageServer
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.outputs import Outputs
from spark_ros.ros.parameter_service import SafeParameterService
from spark_ros.ros.parameters import read_parameters, unknown_parameters
from spark_ros.ros.pose import PoseInput
from spark_ros.ros.reconfiguring import LiveParameters
from spark_ros.ros.services import Services

ACKNOWLEDGE_S = 0.5
logger = logging.getLogger(__name__)


class SparkNode(Node):
    """Ask people about what the robot's perception doubts, and publish what they say."""

    def __init__(self, **kwargs: object) -> None:
        """Read the parameters and connect everything.

        Args:
            kwargs: for `rclpy.node.Node`.

        Raises:
            ParameterError: a parameter is wrong; the message names it.
            JournalError: the journal cannot be used.
        """
        super().__init__('spark', **{**kwargs, 'start_parameter_services': False})
        with ExitStack() as undo:
            undo.callback(self.destroy_node)
            self._connect(read_parameters(self), undo)
            undo.pop_all()

    def _connect(self, config: NodeConfig, undo: ExitStack) -> None:
        self._backend, webhooks = first_backend(config), webhook_settings(config)
        for name in unknown_parameters(self):
            logger.warning("there is no parameter '%s'; it is ignored", name)
        journal = open_journal(
            config.journal_path, int(config.journal_max_mb * 1e6), config.journal_max_count
        )
        undo.callback(journal.close)
        self._inbox = Inbox(self)
        names = [camera.name for camera in config.cameras]
        self.pictures = AnnotatedPictures(
            self, self._inbox, names, lambda id, take: self._corridor.fetch_image(id, take)
        )
        self._outputs = Outputs(
            self,
            self._inbox,
            names,
            lambda id: self._corridor.published(id),
            self.pictures.show,
        )
        try:
            self._corridor = Corridor(
                self._backend, journal, _settings(config, webhooks), self._deliver
            )
        except OSError as error:
            raise ParameterError('webhook.port', str(error)) from None
        undo.callback(self._corridor.close)
        warn = WarnOnce(logger)
        self.pose = PoseInput(self, self._inbox, config.pose_topic, config.pose_type)
        cameras: dict[str, CameraInput] = {}
        self.own_services = Services(self, self._inbox, self._corridor, cameras)
        self._cameras = [
            CameraInput(self, self._inbox, camera, self.own_services.offer, warn, self.pose)
            for camera in config.cameras
        ]
        cameras.update(zip(names, self._cameras, strict=True))
        self._dry_run = config.dry_run
        self._diagnostics = Diagnostics(
            self, config, cameras, lambda: self._corridor.health, self._idle
        )
        self._engage = EngageServer(self, self._inbox, self._corridor, cameras)
        LiveParameters(self, self._prepare, self.reconfigure)
        self._parameter_service = SafeParameterService(self)
        for camera in self._cameras:
            logger.info('listening to %s', ' and '.join(camera.topics))
        logger.info(
            'asking %s as %s; journal: %s',
            config.server_url, config.robot_id, config.journal_path or 'in memory only',
        )  # fmt: skip

    @property
    def paused(self) -> bool:
        """Whether nothing is asked because of detections."""
        return self.own_services.paused

    def _idle(self) -> str:
        return 'dry run: nobody is asked' if self._dry_run else 'paused' if self.paused else ''

    def _deliver(self, event: Event) -> None:
        """Publish, then tell the goal that waits for it; called on the corridor's thread."""
        self._outputs.deliver(event)
        self._inbox.post(lambda: self._engage.take(event))

    def _prepare(self, config: NodeConfig) -> None:
        """Find the service that a dry run did without, before people are asked."""
        late = self._backend
        if isinstance(late, LateBackend) and not late.made and not config.dry_run:
            late.use(make_backend(config))

    def reconfigure(self, config: NodeConfig) -> None:
        """Go on by other parameters; what is not live must be as it was."""
        for camera, block in zip(self._cameras, config.cameras, strict=True):
            camera.configure(block)
        self._corridor.configure(_settings(config))
        self._diagnostics.configure(config)
        self._dry_run = config.dry_run

    def wake(self) -> None:
        """Let an executor that waits look up; callable from any thread."""
        self._inbox.post(lambda: None)

    def finish(self) -> None:
        """Stop asking, publish what has come, and close the journal."""
        self._corridor.stop()
        self._inbox.drain()
        self._engage.close()
        self._outputs.wait_until_sent(ACKNOWLEDGE_S)
        self._corridor.close()
        self.pictures.close()

    def leave(self) -> None:
        """Leave the ROS graph, once finished."""
        self._engage.destroy()
        self.destroy_node()

    def close(self) -> None:
        """Finish and leave."""
        self.finish()
        self.leave()


def _settings(config: NodeConfig, webhooks: WebhookSettings | None = None) -> CorridorSettings:
    return CorridorSettings(
        asking={camera.name: camera.asking for camera in config.cameras},
        limits=config.limits,
        poll_interval_s=config.poll_interval_s,
        poll_max_interval_s=config.poll_max_interval_s,
        journal_max_bytes=int(config.journal_max_mb * 1e6),
        dry_run=config.dry_run,
        webhooks=webhooks,
        images_elsewhere=(
            config.server_kind == 'heat' and config.image_host.url != config.server_url
        ),
    )
