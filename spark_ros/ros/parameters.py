# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Read the node's parameters as one checked configuration, at the start and after a change."""

from __future__ import annotations

import logging
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy._rclpy_pybind11 import RCLError
from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.validate_topic_name import validate_topic_name

from spark_ros.clients.base import MAX_ROBOT_ID_LENGTH
from spark_ros.clients.transport import check_base_url, is_header_text
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.outgoing_image import ImageSettings
from spark_ros.geometry import Fit
from spark_ros.model import Question
from spark_ros.policy import Thresholds
from spark_ros.ros.config import CAMERA, NODE, CameraConfig, NodeConfig
from spark_ros.ros.declaring import ParameterError, Spec, configured, require
from spark_ros.ros.detectors import find_detector
from spark_ros.ros.labels import LabelInfo
from spark_ros.ros.workarounds.parameter_types import overrides, typed

# ROS refuses two underscores in a row in a topic's name.
NAME = re.compile(r'[A-Za-z](_?[A-Za-z0-9])*_?')
RESERVED = {spec.name.split('.')[0] for spec in NODE} | {
    'use_sim_time', 'qos_overrides', 'start_type_description_service',
}  # fmt: skip
logger = logging.getLogger(__name__)


def read_parameters(node: Node) -> NodeConfig:
    """Declare all parameters of a node and return what they say.

    Raises:
        ParameterError: one has a wrong type or value.
    """
    for spec in NODE:
        default = journal_path(node) if spec.name == 'journal.path' else spec.default
        spec.declare(node, spec.name, default)
    cameras = list(node.get_parameter('cameras').value)
    check_names(cameras)
    for camera in cameras:
        for spec in CAMERA:
            spec.declare(node, f'{camera}.{spec.name}', spec.default)
    values = values_of(node)
    config = config_from(values)
    if config.server_ca_file:
        _check_ca_file(config.server_ca_file)
    for name, value in values.items():
        if name.endswith('_topic') and value:
            _check_topic(node, name, value)
    for each in config.cameras:
        find_detector(f'{each.name}.detections_type', each.detections_type)
        require(
            LabelInfo is not None or not each.label_info_topic,
            f'{each.name}.label_info_topic',
            'the vision_msgs that is installed has no LabelInfo (4.1.0 and later have it); '
            'give class_labels instead',
        )
    return config


def unknown_parameters(node: Node) -> list[str]:
    """Return the names of parameters that were set but do not exist, such as misspelled ones."""
    return sorted(
        name
        for name in overrides(node)
        if not node.has_parameter(name) and not name.startswith('qos_overrides.')
    )


def rows(cameras: Iterable[str]) -> dict[str, Spec]:
    """Return every parameter by its full name."""
    return {spec.name: spec for spec in NODE} | {
        f'{camera}.{spec.name}': spec for camera in cameras for spec in CAMERA
    }


def values_of(node: Node) -> dict[str, Any]:
    """Return the values of a node's declared parameters by full name; arrays are lists."""
    return {
        name: spec.plain(node.get_parameter(name).value)
        for name, spec in rows(node.get_parameter('cameras').value).items()
    }


def config_from(values: Mapping[str, Any]) -> NodeConfig:
    """Return what the parameters say, checked as a whole: at the start, and before a change.

    Args:
        values: every parameter's value by its full name, each of its type.

    Raises:
        ParameterError: one has a wrong value, or does not fit another.
    """
    check_names(values['cameras'])
    node = NodeConfig(**configured(NodeConfig, values))
    if node.webhook_port:
        try:
            check_base_url(node.webhook_public_url)
        except ValueError as error:
            raise ParameterError('webhook.public_url', str(error)) from None
    require(
        node.image_host_url or node.image_host_kind != 'node',
        'image_host.url',
        'give the URL under which people reach this node, since image_host.kind is node',
    )
    require(
        node.poll_interval_s <= node.poll_max_interval_s,
        'poll.interval_s',
        'it is above poll.max_interval_s',
    )
    require(
        'robot_id' not in node.metadata_send
        or (is_header_text(node.robot_id) and len(node.robot_id) <= MAX_ROBOT_ID_LENGTH),
        'robot_id',
        f'it goes into a header: 1 to {MAX_ROBOT_ID_LENGTH} visible ASCII characters',
    )
    return replace(node, cameras=tuple(_camera(name, node, values) for name in node.camera_names))


class LiveParameters:
    """Check what is changed while the node runs as a whole, then apply it as a whole.

    rclpy itself refuses a parameter that is read-only, of a wrong type or out of its range. Values
    that are right one by one may contradict each other, such as an `ignore_below` above
    `ask_below`; to change two such at once, set them atomically.
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
        node.add_pre_set_parameters_callback(self._give_types)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply_change)

    def _give_types(self, given: Sequence[Parameter]) -> list[Parameter]:
        return [
            typed(one, self._rows[one.name].type) if one.name in self._rows else one
            for one in given
        ]

    def _check(self, given: Sequence[Parameter]) -> SetParametersResult:
        try:
            if changed := self._ours(given):
                self._prepare(config_from(values_of(self._node) | changed))
        except Exception as error:
            if not isinstance(error, ParameterError):
                logger.exception('cannot check changed parameters')
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply_change(self, given: Sequence[Parameter]) -> None:
        changed = self._ours(given)
        if not changed:
            return
        try:
            self._apply(config_from(values_of(self._node)))
        except Exception:
            # Here an exception would end the executor, and with it the node.
            logger.exception('cannot apply changed parameters')
            return
        for name, value in changed.items():
            logger.info('%s is now %r', name, value)

    def _ours(self, given: Sequence[Parameter]) -> dict[str, Any]:
        """Return the values of this node's parameters; rclpy adds some of its own to a node."""
        return {
            one.name: self._rows[one.name].plain(one.value)
            for one in given
            if one.name in self._rows
        }


def check_names(cameras: list[str]) -> None:
    """Check the names of the cameras: each begins topics and the names of its parameters.

    Raises:
        ParameterError: a name cannot be part of a topic, or begins other parameters' names.
    """
    require(cameras, 'cameras', 'name at least one camera')
    require(len(set(cameras)) == len(cameras), 'cameras', 'a name stands there twice')
    for name in cameras:
        reason = f'{name!r} is not a name of letters, digits and underscores'
        require(NAME.fullmatch(name), 'cameras', reason)
        reason = f'{name!r} is the name of a block of parameters'
        require(name not in RESERVED, 'cameras', reason)


def journal_path(node: Node) -> str:
    """Return where a node's journal is kept unless it is told otherwise."""
    home = Path(os.environ.get('ROS_HOME') or Path.home() / '.ros')
    robot_id = overrides(node).get('robot_id')
    name = (robot_id and str(robot_id.value)) or socket.gethostname()
    full = f'{name}{node.get_fully_qualified_name()}'
    return str(home / 'spark_ros' / (re.sub(r'[^A-Za-z0-9._-]', '_', full) + '.db'))


def _camera(name: str, node: NodeConfig, values: Mapping[str, Any]) -> CameraConfig:
    camera = CameraConfig(name=name, **configured(CameraConfig, values, f'{name}.'))
    require(
        camera.detection_image_size or camera.detection_fit is Fit.STRETCH,
        f'{name}.detection_fit',
        f'{camera.detection_fit.value} says nothing without detection_image_size; '
        'set both at once',
    )
    require(
        camera.program or camera.instructions,
        f'{name}.instructions',
        'give instructions, or a program',
    )
    images = f'{name}/image_raw' + ('' if camera.transport == 'raw' else '/compressed')
    return replace(
        camera,
        image_topic=camera.image_topic or images,
        detections_topic=camera.detections_topic or f'{name}/detections',
        asking=Asking(
            thresholds=_thresholds(camera),
            cooldown_s=camera.cooldown_s,
            question=Question(
                instructions=camera.instructions, label_options=camera.label_options
            ),
            program=camera.program,
            metadata={'robot_id': node.robot_id},
            timeout_s=node.timeout_s,
            priority=camera.priority,
            image=ImageSettings(
                camera.image_format,
                camera.image_quality,
                camera.image_max_side,
                camera.image_crop,
                camera.image_crop_margin,
                camera.image_black_out,
            ),
            send=node.metadata_send,
            audit_rate=camera.audit_rate,
            reuse_s=camera.reuse_s,
        ),
        every_frame=node.decisions_path is not None or camera.audit_rate > 0.0,
    )


def _thresholds(camera: CameraConfig) -> Thresholds:
    of_labels = []
    for name, labels, scores in (
        ('ask_below', camera.ask_below_labels, camera.ask_below_scores),
        ('ignore_below', camera.ignore_below_labels, camera.ignore_below_scores),
    ):
        require(
            len(labels) == len(scores),
            f'{camera.name}.{name}_scores',
            f'{len(scores)} scores for {len(labels)} labels in {name}_labels',
        )
        of_labels.append(dict(zip(labels, scores, strict=True)))
    asks, ignores = of_labels
    for label in ('', *asks, *ignores):
        ask, ignore = asks.get(label, camera.ask_below), ignores.get(label, camera.ignore_below)
        reason = f'{ignore:g} is above the ask_below {ask:g} {label}'.rstrip()
        require(ignore <= ask, f'{camera.name}.ignore_below', reason)
    return Thresholds(camera.ask_below, camera.ignore_below, asks, ignores)


def _check_ca_file(path: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = error.strerror or 'it holds no certificate'
        raise ParameterError('server.ca_file', f'{path}: {reason}') from None


def _check_topic(node: Node, name: str, topic: str) -> None:
    try:
        validate_topic_name(topic)
        node.resolve_topic_name(topic)
    except (InvalidTopicNameException, RCLError) as error:
        # The rest of the message points at the wrong character, or into the source of rcl.
        reason = str(error).splitlines()[0].partition(', at ')[0]
        raise ParameterError(name, f'{topic!r}: {reason}') from None
