# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Give parameters the type that rclpy does not see.

Why: rclpy takes an empty list for an array of bytes, and 5 for an integer where 5.0 is meant, and
then refuses what follows. What is declared by its type alone has no value, and a request for
several parameters is answered with none as soon as one has no value.
Upstream: https://github.com/ros2/rclpy/issues/912, https://github.com/ros2/ros2/issues/1518
(empty lists); https://github.com/ros2/ros2cli/issues/924 (a parameter without a value).
"""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

DOUBLE, INTEGER = Parameter.Type.DOUBLE, Parameter.Type.INTEGER
STRING, BOOL = Parameter.Type.STRING, Parameter.Type.BOOL
STRINGS, DOUBLES, INTEGERS = (
    Parameter.Type.STRING_ARRAY, Parameter.Type.DOUBLE_ARRAY, Parameter.Type.INTEGER_ARRAY,
)  # fmt: skip
ARRAYS = (STRINGS, DOUBLES, INTEGERS)


def typed(given: Parameter, kind: Parameter.Type) -> Parameter:
    """Return a parameter with the type that is meant, where it was guessed wrong."""
    if kind in ARRAYS and _empty(given.value):
        return Parameter(given.name, kind, [])
    if kind is DOUBLE and given.type_ is INTEGER:
        return Parameter(given.name, DOUBLE, float(given.value))
    if kind is DOUBLES and given.type_ is INTEGERS:
        return Parameter(given.name, DOUBLES, [float(item) for item in given.value])
    return given


def overrides(node: Node) -> dict[str, Parameter]:
    """What was set from outside; rclpy has no public way to see it before it is declared."""
    given: dict[str, Parameter] = getattr(node, '_parameter_overrides', {})
    return given


def declare(node: Node, descriptor: ParameterDescriptor, default: Any) -> None:
    """Declare a parameter of the descriptor's name and type.

    Raises:
        ParameterException, TypeError, ValueError: what was set from outside is none that it takes.
    """
    name, kind, given = descriptor.name, Parameter.Type(descriptor.type), overrides(node)
    if name in given:
        given[name] = typed(given[name], kind)
        if kind in ARRAYS and _empty(given[name].value):
            del given[name]
            default = []
    untyped = kind in ARRAYS and not default
    declared = node.declare_parameter(name, kind if untyped else default, descriptor)
    if declared.type_ is Parameter.Type.NOT_SET:
        node._parameters[name] = Parameter(name, kind, default)


def _empty(value: Any) -> bool:
    return value == '' or (not isinstance(value, str) and hasattr(value, '__len__') and not value)
