# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Declare the node's parameters and read them as one checked configuration."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy._rclpy_pybind11 import RCLError
from rclpy.exceptions import InvalidTopicNameException, ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.validate_topic_name import validate_topic_name

from spark_ros.clients.transport import check_base_url
from spark_ros.escalation.asking import Asking
from spark_ros.escalation.courier import Limits
from spark_ros.escalation.heat_question import DetectionAs
from spark_ros.escalation.policy import Thresholds
from spark_ros.geometry import ImageSize
from spark_ros.model import Question
from spark_ros.ros.config import CameraConfig, ImageHostConfig, NodeConfig, WebhookConfig
from spark_ros.ros.parameter_table import (
    CAMERA,
    DOUBLE,
    DOUBLES,
    INTEGER,
    INTEGERS,
    NODE,
    STRINGS,
    Spec,
)

# ROS refuses two underscores in a row in a topic's name.
NAME = re.compile(r'[A-Za-z](_?[A-Za-z0-9])*_?')
RESERVED = frozenset(
    {spec.name.split('.')[0] for spec in NODE}
    | {'use_sim_time', 'qos_overrides', 'start_type_description_service'}
)
ARRAYS = (STRINGS, DOUBLES, INTEGERS)
RANGED = {
    DOUBLE: lambda low, high: {
        'floating_point_range': [FloatingPointRange(from_value=low, to_value=high)]
    },
    INTEGER: lambda low, high: {'integer_range': [IntegerRange(from_value=low, to_value=high)]},
}


class ParameterError(ValueError):
    """A parameter with a wrong value; the message names it and says what is wrong."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"parameter '{name}': {reason}")


def read_parameters(node: Node) -> NodeConfig:
    """Declare all parameters of a node and return what they say.

    Raises:
        ParameterError: one has a wrong type or value.
    """
    values = {
        spec.name: _declare(node, spec, spec.name, _default(spec, node)) for spec in NODE
    }
    robot_id = values['robot_id'] or socket.gethostname()
    names = values['cameras']
    _check_names(names)
    cameras = tuple(_read_camera(node, name, robot_id, values['timeout_s']) for name in names)
    _check_url('server.url', values['server.url'])
    if values['image_host.url']:
        _check_url('image_host.url', values['image_host.url'])
    if values['webhook.port']:
        _check_url('webhook.public_url', values['webhook.public_url'])
    by_node = values['image_host.kind'] == 'node'
    _require(
        bool(values['image_host.url']) or not by_node,
        'image_host.url',
        'give the URL under which people reach this node, since image_host.kind is node',
    )
    ca_file = values['server.ca_file']
    if ca_file:
        _check_ca_file(ca_file)
    _require(
        values['poll.interval_s'] <= values['poll.max_interval_s'],
        'poll.interval_s',
        'it is above poll.max_interval_s',
    )
    path = values['journal.path']
    return NodeConfig(
        server_kind=values['server.kind'],
        server_url=values['server.url'],
        server_ca_file=ca_file,
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
        cameras=cameras,
        limits=Limits(values['limits.open'], values['limits.per_hour']),
        journal_path=Path(path).expanduser() if path else None,
        journal_max_mb=values['journal.max_mb'],
        poll_interval_s=values['poll.interval_s'],
        poll_max_interval_s=values['poll.max_interval_s'],
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


def unknown_parameters(node: Node) -> list[str]:
    """Return the names that somebody set and that mean nothing here, such as misspelled ones."""
    return sorted(
        name
        for name in _overrides(node)
        if not node.has_parameter(name) and not name.startswith('qos_overrides.')
    )


def _read_camera(node: Node, name: str, robot_id: str, timeout_s: float) -> CameraConfig:
    values = {
        spec.name: _declare(node, spec, f'{name}.{spec.name}', spec.default) for spec in CAMERA
    }

    def require(condition: bool, parameter: str, reason: str) -> None:
        _require(condition, f'{name}.{parameter}', reason)

    raw = values['transport'] == 'raw'
    image_topic = values['image_topic'] or f'{name}/image_raw' + ('' if raw else '/compressed')
    detections_topic = values['detections_topic'] or f'{name}/detections'
    for parameter, topic in (('image_topic', image_topic), ('detections_topic', detections_topic)):
        try:
            validate_topic_name(topic)
            node.resolve_topic_name(topic)
        except (InvalidTopicNameException, RCLError) as error:
            # What follows points at the wrong character, or into the source of rcl.
            reason = str(error).splitlines()[0].partition(', at ')[0]
            raise ParameterError(f'{name}.{parameter}', f'{topic!r}: {reason}') from None
    require(
        bool(values['program'].strip() or values['instructions'].strip()),
        'instructions',
        'give instructions, or a program',
    )
    thresholds = Thresholds(
        values['ask_below'],
        values['ignore_below'],
        _per_label(values, 'ask_below', require),
        _per_label(values, 'ignore_below', require),
    )
    for label in ('', *thresholds.ask_below_of, *thresholds.ignore_below_of):
        ask = thresholds.ask_below_of.get(label, thresholds.ask_below)
        ignore = thresholds.ignore_below_of.get(label, thresholds.ignore_below)
        reason = f'{ignore:g} is above the ask_below {ask:g} {label}'.rstrip()
        require(ignore <= ask, 'ignore_below', reason)
    size = values['detection_image_size']
    require(len(size) in (0, 2), 'detection_image_size', 'give [width, height], or nothing')
    require(all(values['label_options']), 'label_options', 'a label is empty')
    return CameraConfig(
        name=name,
        image_topic=image_topic,
        transport=values['transport'],
        detections_topic=detections_topic,
        asking=Asking(
            thresholds=thresholds,
            cooldown_s=values['cooldown_s'],
            question=Question(
                instructions=values['instructions'].strip(),
                label_options=tuple(values['label_options']),
            ),
            program=values['program'].strip(),
            metadata={'robot_id': robot_id},
            timeout_s=timeout_s,
        ),
        detection_image_size=ImageSize(*size) if size else None,
        frames_max_mb=values['frames.max_mb'],
        frames_slop_s=values['frames.slop_s'],
        frames_wait_s=values['frames.wait_s'],
    )


def _declare(node: Node, spec: Spec, name: str, default: Any) -> Any:
    extra = {}
    constraints = ', '.join(spec.choices) and f'one of: {", ".join(spec.choices)}'
    if spec.low is not None and spec.high is not None:
        constraints = f'{spec.low:g} to {spec.high:g}'
        if spec.type in RANGED:
            extra = RANGED[spec.type](spec.low, spec.high)
    descriptor = ParameterDescriptor(
        name=name,
        type=spec.type.value,
        description=spec.meaning,
        additional_constraints=constraints,
        read_only=True,
        **extra,
    )
    _help_rclpy(_overrides(node), spec, name)
    try:
        value = node.declare_parameter(name, _initial(spec, default), descriptor)
    except (ParameterException, TypeError, ValueError) as error:
        raise ParameterError(name, f'{error} ({_expected(spec, constraints)})') from None
    if value.type_ is Parameter.Type.NOT_SET:
        # It cannot be declared as an empty list; and a parameter without a value makes rclpy
        # answer a request for all parameters with none.
        node._parameters[name] = value = Parameter(name, spec.type, default)
    result = value.value
    if spec.type in ARRAYS:
        result = list(result)
        if spec.low is not None and spec.high is not None:
            for item in result:
                _require(spec.low <= item <= spec.high, name, f'{item:g} is not {constraints}')
    if spec.choices:
        _require(result in spec.choices, name, f'{result!r} is not {constraints}')
    return result


def _overrides(node: Node) -> dict[str, Parameter]:
    """What was set from outside; rclpy has no public way to see it before it is declared."""
    overrides: dict[str, Parameter] = getattr(node, '_parameter_overrides', {})
    return overrides


def _help_rclpy(overrides: dict[str, Parameter], spec: Spec, name: str) -> None:
    """Mend two kinds of values whose type rclpy does not see.

    It reads an empty list as a byte array, and refuses 5 where 5.0 is meant.
    """
    given = overrides.get(name)
    if given is None:
        return
    if spec.type in ARRAYS and given.value in ([], ''):
        del overrides[name]
    elif spec.type is DOUBLE and given.type_ is INTEGER:
        overrides[name] = Parameter(name, DOUBLE, float(given.value))
    elif spec.type is DOUBLES and given.type_ is INTEGERS:
        overrides[name] = Parameter(name, DOUBLES, [float(item) for item in given.value])


def _initial(spec: Spec, default: Any) -> Any:
    """The default, or the type alone where the default is an empty list."""
    return spec.type if spec.type in ARRAYS and not default else default


def _expected(spec: Spec, constraints: str) -> str:
    kind = spec.type.name.lower().replace('_', ' ')
    return f'it takes a {kind}' + (f', {constraints}' if constraints else '')


def _default(spec: Spec, node: Node) -> Any:
    if spec.name != 'journal.path':
        return spec.default
    home = Path(os.environ.get('ROS_HOME') or Path.home() / '.ros')
    robot_id = _overrides(node).get('robot_id')
    name = (robot_id and str(robot_id.value)) or socket.gethostname()
    full = f'{name}{node.get_fully_qualified_name()}'
    return str(home / 'spark_ros' / (re.sub(r'[^A-Za-z0-9._-]', '_', full) + '.db'))


def _check_names(names: list[str]) -> None:
    _require(bool(names), 'cameras', 'name at least one camera')
    _require(len(set(names)) == len(names), 'cameras', 'a name stands there twice')
    for name in names:
        _require(
            bool(NAME.fullmatch(name)),
            'cameras',
            f'{name!r} is not a name of letters, digits and underscores',
        )
        _require(
            name not in RESERVED, 'cameras', f'{name!r} is the name of a block of parameters'
        )


def _per_label(
    values: dict[str, Any], name: str, require: Callable[[bool, str, str], None]
) -> dict[str, float]:
    labels, scores = values[f'{name}_labels'], values[f'{name}_scores']
    require(
        len(labels) == len(scores),
        f'{name}_scores',
        f'{len(scores)} scores for {len(labels)} labels in {name}_labels',
    )
    return dict(zip(labels, scores, strict=True))


def _require(condition: bool, name: str, reason: str) -> None:
    if not condition:
        raise ParameterError(name, reason)
