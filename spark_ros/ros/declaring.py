# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Declare parameters from their table, and see to it that their values are of its types."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from spark_ros.ros.parameter_table import CAMERA, NODE, Spec
from spark_ros.ros.workarounds.parameter_types import ARRAYS, DOUBLE, INTEGER, declare, overrides

# ROS refuses two underscores in a row in a topic's name.
NAME = re.compile(r'[A-Za-z](_?[A-Za-z0-9])*_?')
RESERVED = frozenset(
    {spec.name.split('.')[0] for spec in NODE}
    | {'use_sim_time', 'qos_overrides', 'start_type_description_service'}
)
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


def require(condition: bool, name: str, reason: str) -> None:
    """Raise ParameterError where a condition does not hold."""
    if not condition:
        raise ParameterError(name, reason)


def rows(cameras: Iterable[str]) -> dict[str, Spec]:
    """Return every parameter by its full name."""
    return {spec.name: spec for spec in NODE} | {
        f'{camera}.{spec.name}': spec for camera in cameras for spec in CAMERA
    }


def declare_all(node: Node) -> dict[str, Any]:
    """Declare every parameter of a node and return their values by full name.

    Raises:
        ParameterError: one has a wrong type or value.
    """
    for spec in NODE:
        _declare(node, spec, spec.name, _default(spec, node))
    cameras = list(node.get_parameter('cameras').value)
    check_names(cameras)
    for camera in cameras:
        for spec in CAMERA:
            _declare(node, spec, f'{camera}.{spec.name}', spec.default)
    return values_of(node)


def values_of(node: Node) -> dict[str, Any]:
    """Return the values of a node's declared parameters by full name; arrays are lists."""
    return {
        name: plain(spec, node.get_parameter(name).value)
        for name, spec in rows(node.get_parameter('cameras').value).items()
    }


def check_names(cameras: list[str]) -> None:
    """Refuse names of cameras that cannot stand in a topic or are those of other parameters."""
    require(bool(cameras), 'cameras', 'name at least one camera')
    require(len(set(cameras)) == len(cameras), 'cameras', 'a name stands there twice')
    for name in cameras:
        reason = f'{name!r} is not a name of letters, digits and underscores'
        require(bool(NAME.fullmatch(name)), 'cameras', reason)
        reason = f'{name!r} is the name of a block of parameters'
        require(name not in RESERVED, 'cameras', reason)


def plain(spec: Spec, value: Any) -> Any:
    """Return a value as Python has it; rclpy keeps numbers of arrays in arrays of its own."""
    return list(value) if spec.type in ARRAYS else value


def check(spec: Spec, name: str, value: Any) -> None:
    """Refuse what rclpy does not check: numbers in arrays, and strings that are none of few.

    Raises:
        ParameterError: the value is none that the parameter takes.
    """
    limits = constraints(spec)
    if spec.type in ARRAYS and spec.low is not None and spec.high is not None:
        for item in value:
            require(spec.low <= item <= spec.high, name, f'{item:g} is not {limits}')
    if spec.choices:
        for item in value if spec.type in ARRAYS else [value]:
            require(item in spec.choices, name, f'{item!r} is not {limits}')


def constraints(spec: Spec) -> str:
    """Say in words which values a parameter takes, or nothing where its type says it all."""
    if spec.choices:
        return f'one of: {", ".join(spec.choices)}'
    if spec.low is not None and spec.high is not None:
        return f'{spec.low:.15g} to {spec.high:.15g}'
    return ''


def kind(spec: Spec) -> str:
    """Return a parameter's type as ROS's tools write it."""
    return spec.type.name.lower().replace('_', ' ')


def _declare(node: Node, spec: Spec, name: str, default: Any) -> None:
    limits = constraints(spec)
    ranged = spec.low is not None and spec.type in RANGED
    descriptor = ParameterDescriptor(
        name=name,
        type=spec.type.value,
        description=spec.meaning,
        additional_constraints=limits,
        read_only=not spec.live,
        **(RANGED[spec.type](spec.low, spec.high) if ranged else {}),
    )
    try:
        value = declare(node, descriptor, default)
    except (ParameterException, TypeError, ValueError) as error:
        expected = f'it takes a {kind(spec)}' + (f', {limits}' if limits else '')
        raise ParameterError(name, f'{error} ({expected})') from None
    check(spec, name, plain(spec, value))


def _default(spec: Spec, node: Node) -> Any:
    return journal_path(node) if spec.name == 'journal.path' else spec.default


def journal_path(node: Node, environment: Mapping[str, str] = os.environ) -> str:
    """Return where a node's journal is kept unless it is told otherwise."""
    home = Path(environment.get('ROS_HOME') or Path.home() / '.ros')
    robot_id = overrides(node).get('robot_id')
    name = (robot_id and str(robot_id.value)) or socket.gethostname()
    full = f'{name}{node.get_fully_qualified_name()}'
    return str(home / 'spark_ros' / (re.sub(r'[^A-Za-z0-9._-]', '_', full) + '.db'))
