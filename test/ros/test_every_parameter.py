# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What holds for every row of the table of parameters, whatever it is about."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from robot import TOKEN
from serving import free_port

from spark_ros.ros.declaring import ParameterError, Spec
from spark_ros.ros.node import SparkNode
from spark_ros.ros.parameters import read_parameters, rows, values_of
from spark_ros.ros.workarounds.parameter_types import (
    ARRAYS,
    BOOL,
    DOUBLE,
    DOUBLES,
    INTEGER,
    INTEGERS,
    STRING,
)

ROOT = Path(__file__).resolve().parents[2]
ROWS = rows(['front'])
EVERY = pytest.mark.parametrize(('name', 'spec'), ROWS.items(), ids=ROWS)
LIVE = {name for name, spec in ROWS.items() if spec.live}
OF_ANOTHER_TYPE: dict[Parameter.Type, list[Any]] = {
    STRING: [7, True, ['a']],
    BOOL: [1, 'yes', 1.0],
    INTEGER: [1.5, 'one', [1], True],
    DOUBLE: ['low', [0.5], True],
    DOUBLES: [0.5, ['low'], [True]],
    INTEGERS: [1, [1.5], ['one']],
}


def wrong_values(spec: Spec) -> list[Any]:
    """Return values that a parameter must never take."""
    wrong = list(OF_ANOTHER_TYPE.get(spec.type, ['alone', 5, [5], [True]]))
    if spec.span:
        low, high = spec.span
        beyond: list[Any] = [int(low) - 1, int(high) + 1]
        if spec.type in (DOUBLE, DOUBLES):
            # What is as good as the limit counts as the limit.
            beyond = [low - 0.001, 1.001 * high + 0.001, float('nan'), float('inf')]
        wrong += [[one] for one in beyond] if spec.type in ARRAYS else beyond
    if spec.choices:
        wrong.append(['none of them'] if spec.type in ARRAYS else 'none of them')
    return wrong


@pytest.fixture(scope='module')
def context() -> Iterator[rclpy.Context]:
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


@pytest.fixture(scope='module')
def running(
    context: rclpy.Context, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkNode]:
    """A node that runs for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('SPARK_TOKEN', TOKEN)
        given = {
            'cameras': ['front'],
            'server.url': f'http://127.0.0.1:{free_port()}',
            'journal.path': str(tmp_path_factory.mktemp('journal') / 'journal.db'),
        }
        node = SparkNode(
            context=context,
            parameter_overrides=[Parameter(name, value=value) for name, value in given.items()],
        )
        yield node
        node.close()


def test_most_of_what_may_change_is_live() -> None:
    assert {'timeout_s', 'limits.open', 'front.ask_below', 'front.instructions'} <= LIVE
    assert not LIVE & {'server.url', 'cameras', 'journal.path', 'front.image_topic'}


@EVERY
def test_it_says_what_it_is(running: SparkNode, name: str, spec: Spec) -> None:
    descriptor = running.describe_parameter(name)
    assert descriptor.description == spec.meaning and len(spec.meaning) > 15
    assert descriptor.type == spec.type.value and not descriptor.dynamic_typing
    assert descriptor.additional_constraints == spec.constraints
    assert descriptor.read_only is not spec.live
    spans = [*descriptor.integer_range, *descriptor.floating_point_range]
    if spec.span and spec.type not in ARRAYS:
        (span,) = spans
        assert (span.from_value, span.to_value) == spec.span
        assert span.from_value <= spec.default <= span.to_value
    else:
        assert not spans
    if spec.type is INTEGER:
        assert spec.span, 'an integer without a range'
    for choice in spec.choices:
        assert choice in descriptor.additional_constraints


@EVERY
def test_a_wrong_value_keeps_the_node_from_starting(
    context: rclpy.Context, name: str, spec: Spec
) -> None:
    for value in wrong_values(spec):
        given = {'cameras': ['front'], name: value}
        node = Node(
            'spark',
            context=context,
            parameter_overrides=[Parameter(key, value=given[key]) for key in given],
        )
        try:
            with pytest.raises(ParameterError) as refusal:
                read_parameters(node)
        finally:
            node.destroy_node()
        said = str(refusal.value)
        assert f"'{name}'" in said and '\n' not in said, (value, said)


@EVERY
def test_a_wrong_value_changes_nothing_while_it_runs(
    running: SparkNode, name: str, spec: Spec
) -> None:
    before = values_of(running)
    for value in wrong_values(spec):
        result = running.set_parameters_atomically([Parameter(name, value=value)])
        assert not result.successful and result.reason, value
        assert spec.live or 'read-only' in result.reason
        assert values_of(running) == before, value


@EVERY
def test_it_may_be_set_while_it_runs_where_it_is_live(
    running: SparkNode, name: str, spec: Spec
) -> None:
    value = values_of(running)[name]
    result = running.set_parameters_atomically([Parameter(name, value=value)])
    assert result.successful is spec.live, result.reason
    assert spec.live or 'read-only' in result.reason
    assert values_of(running)[name] == value


@pytest.fixture(scope='module')
def reference() -> str:
    """The document as it would be written now."""
    written: str = runpy.run_path(str(ROOT / 'dev' / 'parameter_reference.py'))['reference']()
    return written


@EVERY
def test_it_stands_in_the_reference(reference: str, name: str, spec: Spec) -> None:
    (line,) = [
        line for line in reference.splitlines()
        if line.startswith(f'| `{name.replace("front", "<camera>")}` |')
    ]  # fmt: skip
    assert ('| live |' in line) is spec.live
    for word in spec.choices:
        assert word in line


def test_the_reference_is_the_one_in_the_documents(reference: str) -> None:
    """Run `make docs` where this fails."""
    assert (ROOT / 'docs' / 'parameters.md').read_text(encoding='utf-8') == reference
