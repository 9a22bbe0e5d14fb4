# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a parameter is, how it is declared with rclpy, and what it is checked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from spark_ros.ros.workarounds.parameter_types import ARRAYS, DOUBLE, INTEGER, declare


class ParameterError(ValueError):
    """A parameter with a wrong value; the message names it and says what is wrong."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"parameter '{name}': {reason}")


def require(condition: object, name: str, reason: str) -> None:
    """Raise ParameterError where a condition does not hold."""
    if not condition:
        raise ParameterError(name, reason)


@dataclass(frozen=True)
class Spec:
    """One parameter.

    Attributes:
        name: in full, or within a camera's block.
        type: given explicitly, because rclpy reads an empty list as a byte array.
        meaning: the description, in its descriptor and in the reference.
        span: the lowest and the highest number that it, or each of a list, may be.
        choices: the values that a string, or each of a list, may have, if they are few.
        live: whether it may be changed while the node runs; the others are read-only.
        read: makes the configuration's value of the parameter's (a tuple, of an array). Raises
            ValueError with the reason where it makes no sense.
    """

    name: str
    type: Parameter.Type
    default: Any
    meaning: str
    span: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    read: Callable[[Any], Any] | None = None

    @property
    def kind(self) -> str:
        """The type as ROS's tools write it."""
        return self.type.name.lower().replace('_', ' ')

    @property
    def constraints(self) -> str:
        """The accepted values in words; empty if the type says everything."""
        if self.span:
            return f'{self.span[0]:.15g} to {self.span[1]:.15g}'
        return f'one of: {", ".join(self.choices)}' if self.choices else ''

    def declare(self, node: Node, name: str, default: Any) -> None:
        """Declare the parameter with a node.

        Args:
            node: whose parameter it is to be.
            name: in full.
            default: what it is where nobody sets it.

        Raises:
            ParameterError: it was set to a value of a wrong type or out of its range.
        """
        try:
            declare(node, self._descriptor(name), default)
        except (ParameterException, TypeError, ValueError) as error:
            expected = ', '.join(filter(None, [f'it takes a {self.kind}', self.constraints]))
            raise ParameterError(name, f'{error} ({expected})') from None

    def plain(self, value: Any) -> Any:
        """Return a value with a list for an array; rclpy keeps numbers in array.array."""
        return list(value) if self.type in ARRAYS else value

    def configured(self, name: str, value: Any) -> Any:
        """Return what the configuration holds for a value.

        rclpy checks neither numbers in arrays nor strings of which there are few.

        Args:
            name: in full.
            value: of the parameter's type.

        Raises:
            ParameterError: the value is none that the parameter takes.
        """
        items = value if self.type in ARRAYS else [value]
        if self.span and self.type in ARRAYS:
            low, high = self.span
            for item in items:
                require(low <= item <= high, name, f'{item:g} is not {self.constraints}')
        if self.choices:
            for item in items:
                require(item in self.choices, name, f'{item!r} is not {self.constraints}')
        value = tuple(value) if self.type in ARRAYS else value
        try:
            return self.read(value) if self.read else value
        except ValueError as error:
            raise ParameterError(name, str(error)) from None

    def _descriptor(self, name: str) -> ParameterDescriptor:
        descriptor = ParameterDescriptor(
            name=name,
            type=self.type.value,
            description=self.meaning,
            additional_constraints=self.constraints,
            read_only=not self.live,
        )
        if self.span and self.type is DOUBLE:
            low, high = self.span
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        elif self.span and self.type is INTEGER:
            low, high = self.span
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
        return descriptor


def parameter(*row: Any, **options: Any) -> Any:
    """Declare a field of a configuration as a parameter; for the arguments see `Spec`."""
    return field(metadata={'spec': Spec(*row, **options)})


def specs(config: type) -> dict[str, Spec]:
    """Return the parameters of a configuration, by the names of its fields."""
    return {one.name: one.metadata['spec'] for one in fields(config) if one.metadata}


def configured(config: type, values: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Return the fields of a configuration that are parameters, as keyword arguments.

    Args:
        config: the class.
        values: every parameter's value by its full name, each of its type.
        prefix: what comes before the names of its parameters.

    Raises:
        ParameterError: a parameter has a wrong value.
    """
    return {
        name: spec.configured(prefix + spec.name, values[prefix + spec.name])
        for name, spec in specs(config).items()
    }
