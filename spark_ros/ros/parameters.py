# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Read the node's parameters as one checked configuration."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rclpy._rclpy_pybind11 import RCLError
from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.validate_topic_name import validate_topic_name

from spark_ros.clients.base import MAX_ROBOT_ID_LENGTH
from spark_ros.clients.transport import check_base_url, is_header_text
from spark_ros.escalation.backends.heat_question import DetectionAs
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.outgoing_image import ImageSettings
from spark_ros.escalation.question.policy import HOUR_S, Thresholds
from spark_ros.escalation.settings import Limits, Settings
from spark_ros.geometry import Box, Fit, ImageSize
from spark_ros.model import Question
from spark_ros.ros.config import CameraConfig, ImageHostConfig, NodeConfig, WebhookConfig
from spark_ros.ros.declaring import (
    ParameterError,
    check,
    check_names,
    declare_all,
    overrides,
    require,
    rows,
)
from spark_ros.ros.detectors import find_detector
from spark_ros.ros.labels import MAX_CLASSES, MAX_LABEL, Labels, label_info_type, numbered


def read_parameters(node: Node) -> NodeConfig:
    """Declare all parameters of a node and return what they say.

    Raises:
        ParameterError: one has a wrong type or value.
    """
    config = config_from(declare_all(node))
    if config.server_ca_file:
        _check_ca_file(config.server_ca_file)
    if config.pose_topic:
        _check_topic(node, 'pose_topic', config.pose_topic)
    for camera in config.cameras:
        _check_topic(node, f'{camera.name}.image_topic', camera.image_topic)
        _check_topic(node, f'{camera.name}.detections_topic', camera.detections_topic)
        find_detector(f'{camera.name}.detections_type', camera.detections_type)
        if camera.label_info_topic:
            name = f'{camera.name}.label_info_topic'
            _check_topic(node, name, camera.label_info_topic)
            label_info_type(name)
    return config


def config_from(values: Mapping[str, Any]) -> NodeConfig:
    """Return what the parameters say, checked as a whole: at the start, and before a change.

    Args:
        values: every parameter's value by its full name, each of its type.

    Raises:
        ParameterError: one has a wrong value, or does not fit another.
    """
    names = values['cameras']
    check_names(names)
    for name, spec in rows(names).items():
        check(spec, name, values[name])
    _check_url('server.url', values['server.url'])
    if values['image_host.url']:
        _check_url('image_host.url', values['image_host.url'])
    if values['webhook.port']:
        _check_url('webhook.public_url', values['webhook.public_url'])
    by_node = values['image_host.kind'] == 'node'
    require(
        bool(values['image_host.url']) or not by_node,
        'image_host.url',
        'give the URL under which people reach this node, since image_host.kind is node',
    )
    require(
        values['poll.interval_s'] <= values['poll.max_interval_s'],
        'poll.interval_s',
        'it is above poll.max_interval_s',
    )
    path = values['journal.path']
    robot_id = values['robot_id'] or socket.gethostname()
    require(
        'robot_id' not in values['metadata.send']
        or (is_header_text(robot_id) and len(robot_id) <= MAX_ROBOT_ID_LENGTH),
        'robot_id',
        f'it goes into a header: 1 to {MAX_ROBOT_ID_LENGTH} visible ASCII characters',
    )
    cameras = tuple(_camera(name, values, robot_id) for name in names)
    return NodeConfig(
        server_kind=values['server.kind'],
        server_url=values['server.url'],
        server_ca_file=values['server.ca_file'],
        server_token_file=values['server.token_file'],
        detection_as=DetectionAs(values['heat.detection_as']),
        image_host=ImageHostConfig(
            values['image_host.kind'],
            values['image_host.url'] or values['server.url'],
            values['image_host.token_file'],
            values['image_host.host'],
            values['image_host.port'],
        ),
        webhook=WebhookConfig(
            values['webhook.host'],
            values['webhook.port'],
            values['webhook.public_url'],
            values['webhook.secret_file'],
        ),
        robot_id=robot_id,
        metadata_send=tuple(values['metadata.send']),
        pose_topic=values['pose_topic'],
        pose_type=values['pose_type'],
        cameras=cameras,
        settings=Settings(
            asking={camera.name: camera.asking for camera in cameras},
            limits=Limits(
                values['limits.open'],
                values['limits.per_hour'],
                values['journal.max_age_h'] * HOUR_S,
            ),
            poll_interval_s=values['poll.interval_s'],
            poll_max_interval_s=values['poll.max_interval_s'],
            journal_max_bytes=int(values['journal.max_mb'] * 1e6),
            dry_run=values['dry_run'],
        ),
        journal_path=Path(path).expanduser() if path else None,
        journal_max_count=values['journal.max_count'],
    )


def unknown_parameters(node: Node) -> list[str]:
    """Return the names that somebody set and that mean nothing here, such as misspelled ones."""
    return sorted(
        name
        for name in overrides(node)
        if not node.has_parameter(name) and not name.startswith('qos_overrides.')
    )


class _Block:
    """One camera's parameters, by their names within its block."""

    def __init__(self, camera: str, values: Mapping[str, Any]) -> None:
        self._camera, self._values = camera, values

    def __getitem__(self, name: str) -> Any:
        return self._values[f'{self._camera}.{name}']

    def require(self, condition: bool, name: str, reason: str) -> None:
        require(condition, f'{self._camera}.{name}', reason)


def _camera(name: str, values: Mapping[str, Any], robot_id: str) -> CameraConfig:
    block = _Block(name, values)
    raw = block['transport'] == 'raw'
    size = block['detection_image_size']
    block.require(len(size) in (0, 2), 'detection_image_size', 'give [width, height], or nothing')
    fit = Fit(block['detection_fit'])
    block.require(
        bool(size) or fit is Fit.STRETCH,
        'detection_fit',
        f'{fit.value} says nothing without detection_image_size; set both at once',
    )
    return CameraConfig(
        name=name,
        image_topic=block['image_topic'] or f'{name}/image_raw' + ('' if raw else '/compressed'),
        transport=block['transport'],
        detections_topic=block['detections_topic'] or f'{name}/detections',
        asking=_asking(block, values, robot_id),
        detections_type=block['detections_type'],
        labels=_labels(block),
        label_info_topic=block['label_info_topic'],
        detection_image_size=ImageSize(*size) if size else None,
        detection_fit=fit,
        frames_max_mb=block['frames.max_mb'],
        frames_slop_s=block['frames.slop_s'],
        frames_wait_s=block['frames.wait_s'],
    )


def _labels(block: _Block) -> Labels:
    labels = block['class_labels']
    block.require(
        len(labels) <= MAX_CLASSES and all(len(label) <= MAX_LABEL for label in labels),
        'class_labels',
        f'at most {MAX_CLASSES} labels of {MAX_LABEL} characters are taken',
    )
    return numbered(labels)


def _asking(block: _Block, values: Mapping[str, Any], robot_id: str) -> Asking:
    block.require(
        bool(block['program'].strip() or block['instructions'].strip()),
        'instructions',
        'give instructions, or a program',
    )
    block.require(all(block['label_options']), 'label_options', 'a label is empty')
    return Asking(
        thresholds=_thresholds(block),
        cooldown_s=block['cooldown_s'],
        question=Question(
            instructions=block['instructions'].strip(),
            label_options=tuple(block['label_options']),
        ),
        program=block['program'].strip(),
        metadata={'robot_id': robot_id},
        timeout_s=values['timeout_s'],
        priority=block['priority'],
        image=_image(block),
        send=tuple(values['metadata.send']),
    )


def _thresholds(block: _Block) -> Thresholds:
    thresholds = Thresholds(
        block['ask_below'],
        block['ignore_below'],
        _per_label(block, 'ask_below'),
        _per_label(block, 'ignore_below'),
    )
    for label in ('', *thresholds.ask_below_of, *thresholds.ignore_below_of):
        ask = thresholds.ask_below_of.get(label, thresholds.ask_below)
        ignore = thresholds.ignore_below_of.get(label, thresholds.ignore_below)
        reason = f'{ignore:g} is above the ask_below {ask:g} {label}'.rstrip()
        block.require(ignore <= ask, 'ignore_below', reason)
    return thresholds


def _per_label(block: _Block, name: str) -> dict[str, float]:
    labels, scores = block[f'{name}_labels'], block[f'{name}_scores']
    block.require(
        len(labels) == len(scores),
        f'{name}_scores',
        f'{len(scores)} scores for {len(labels)} labels in {name}_labels',
    )
    return dict(zip(labels, scores, strict=True))


def _image(block: _Block) -> ImageSettings:
    numbers = block['image.black_out']
    block.require(
        len(numbers) % 4 == 0,
        'image.black_out',
        f'{len(numbers)} numbers; give x, y, width and height of each region',
    )
    regions = [numbers[start : start + 4] for start in range(0, len(numbers), 4)]
    for x, y, width, height in regions:
        block.require(
            width > 0 and height > 0 and max(x + width, y + height) <= 1 + 1e-9,
            'image.black_out',
            f'the region x {x:g}, y {y:g}, width {width:g}, height {height:g} has no area or '
            'reaches out of the frame',
        )
    return ImageSettings(
        block['image.format'],
        block['image.quality'],
        block['image.max_side'],
        block['image.crop'],
        block['image.crop_margin'],
        tuple(Box(x, y, x + width, y + height) for x, y, width, height in regions),
    )


def _check_url(name: str, value: str) -> None:
    try:
        check_base_url(value)
    except ValueError as error:
        raise ParameterError(name, str(error)) from None


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
        # What follows points at the wrong character, or into the source of rcl.
        reason = str(error).splitlines()[0].partition(', at ')[0]
        raise ParameterError(name, f'{topic!r}: {reason}') from None
