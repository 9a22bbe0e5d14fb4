# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Parameters are changed while the node runs: all that came together, or none of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from front import Front
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue, SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.parameter import Parameter
from robot import Robot

from spark_ros.msg import EngagementStatus
from spark_ros.ros.parameters import values_of

Set = Callable[..., SetParametersResult]


@pytest.fixture
def set_atomically(robot: Robot) -> Set:
    """Give a function that sets parameters together, over DDS, and returns the answer."""
    client = robot.node.create_client(SetParametersAtomically, '/spark/set_parameters_atomically')

    def send(*given: ParameterMessage, **values: Any) -> SetParametersResult:
        parameters = [
            Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
            for name, value in values.items()
        ]
        robot.until(client.service_is_ready)
        request = SetParametersAtomically.Request(parameters=[*given, *parameters])
        future = client.call_async(request)
        robot.until(future.done)
        return future.result().result

    return send


def test_thresholds_change_while_it_runs(
    robot: Robot, listener: Any, set_atomically: Set
) -> None:
    robot.start(server__url=listener.url, front__cooldown_s=0.0)
    front = Front(robot)
    front.see('cat', 0.7)
    front.see('dog', 0.5)
    robot.until(lambda: len(listener.bodies) == 1)
    assert set_atomically(front__ask_below=0.8, front__ignore_below=0.65).successful
    front.see('dog', 0.5)
    front.see('cat', 0.7)
    robot.until(lambda: len(listener.bodies) == 2)
    labels = [prior['label'] for priors in listener.priors() for prior in priors]
    assert labels == ['dog', 'cat']


@pytest.mark.slow('waits for cool-downs')
def test_what_is_asked_changes_while_it_runs(
    robot: Robot, listener: Any, set_atomically: Set
) -> None:
    robot.start(server__url=listener.url, front__cooldown_s=0.0)
    assert set_atomically(
        front__instructions='Is it a cow?', front__label_options=['cow', 'no cow'],
        front__program='barn', timeout_s=7.0,
    ).successful  # fmt: skip
    robot.listen()
    front = Front(robot)
    front.see('cow', 0.5)
    robot.until(lambda: listener.bodies)
    (body,) = listener.bodies
    assert body['instructions'] == 'Is it a cow?' and 'no cow' in str(body)
    assert set_atomically(front__label_options=[]).successful
    front.see('cow', 0.4)
    robot.until(lambda: len(listener.bodies) == 2)
    assert 'no cow' not in str(listener.bodies[1])
    expired = EngagementStatus.STATE_EXPIRED
    robot.until(lambda: expired in [status.state for status in robot.statuses])


def test_limits_and_cooldown_change_while_it_runs(
    robot: Robot, listener: Any, set_atomically: Set
) -> None:
    robot.start(server__url=listener.url, limits__per_hour=1)
    front = Front(robot)
    front.see('cat', 0.5)
    robot.until(lambda: len(listener.bodies) == 1)
    front.see('dog', 0.5)
    dropped = robot.spark._runtime._triage.dropped
    robot.until(lambda: dropped['limits.per_hour'])
    assert set_atomically(limits__per_hour=0).successful
    front.see('dog', 0.5)
    robot.until(lambda: len(listener.bodies) == 2)
    assert set_atomically(front__cooldown_s=0).successful
    front.see('dog', 0.5)
    robot.until(lambda: len(listener.bodies) == 3)


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({'front.ignore_below': 0.7}, "'front.ignore_below'.*0.7 is above the ask_below 0.6"),
        ({'front.ask_below': 0.05}, "'front.ignore_below'.*above the ask_below 0.05"),
        ({'front.ask_below_labels': ['cat']}, '0 scores for 1 labels'),
        ({'front.ask_below_scores': [0.5]}, '1 scores for 0 labels'),
        ({'front.ask_below_labels': ['a'], 'front.ask_below_scores': [1.5]}, '1.5 is not 0 to 1'),
        ({'poll.interval_s': 60.0}, 'above poll.max_interval_s'),
        ({'front.instructions': ' '}, 'give instructions, or a program'),
        ({'front.label_options': ['cat', '']}, 'a label is empty'),
        ({'front.detection_image_size': [640]}, 'width, height'),
        ({'front.ask_below': 'high'}, 'Wrong parameter type'),
        ({'front.ask_below': 1.5}, 'out of range'),
        ({'front.ask_below': float('nan')}, 'out of range'),
        ({'limits.open': 1.5}, 'Wrong parameter type'),
        ({'server.url': 'http://other'}, 'read-only.*server.url'),
        ({'front.ask_bellow': 0.5}, "no parameter 'front.ask_bellow'"),
        ({'': 0.5}, "no parameter ''"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_whole(
    robot: Robot, set_atomically: Set, values: dict[str, Any], reason: str
) -> None:
    node = robot.start()
    before = values_of(node)
    config = node._cameras[0]._config
    result = set_atomically(**{'timeout_s': 5.0, 'front.cooldown_s': 1.0, **values})
    assert not result.successful
    assert re.search(reason, result.reason), result.reason
    assert values_of(node) == before
    assert node._cameras[0]._config == config


def test_one_by_one_each_is_taken_or_refused(robot: Robot) -> None:
    node = robot.start()
    client = robot.node.create_client(SetParameters, '/spark/set_parameters')
    robot.until(client.service_is_ready)
    given = {'timeout_s': 5.0, 'front.ignore_below': 0.9, 'front.cooldown_s': 2.0}
    future = client.call_async(
        SetParameters.Request(
            parameters=[Parameter(key, value=given[key]).to_parameter_msg() for key in given]
        )
    )
    robot.until(future.done)
    assert [result.successful for result in future.result().results] == [True, False, True]
    values = values_of(node)
    assert (values['timeout_s'], values['front.cooldown_s']) == (5.0, 2.0)
    assert values['front.ignore_below'] == 0.1


@pytest.mark.parametrize(
    ('name', 'kind', 'sent', 'value'),
    [
        ('front.ask_below', 'integer', 1, 1.0),
        ('front.label_options', 'string_array', ['cat', 'dog'], ['cat', 'dog']),
        ('front.label_options', 'bool_array', [], []),
        ('front.detection_image_size', 'bool_array', [], []),
        ('front.detection_image_size', 'integer_array', [640, 480], [640, 480]),
        ('timeout_s', 'integer', 0, 0.0),
        ('front.program', 'string', 'barn', 'barn'),
    ],
)
def test_what_a_shell_sends_is_understood(
    robot: Robot, set_atomically: Set, name: str, kind: str, sent: Any, value: Any
) -> None:
    """As `ros2 param set` reads it: [] becomes a list of booleans there, and 1 an integer."""
    node = robot.start(front__label_options=['cow'], front__detection_image_size=[320, 240])
    number = getattr(ParameterType, f'PARAMETER_{kind.upper()}')
    given = ParameterValue(type=number, **{f'{kind}_value': sent})
    result = set_atomically(ParameterMessage(name=name, value=given))
    assert result.successful, result.reason
    assert values_of(node)[name] == value


def test_a_list_of_whole_numbers_will_do_for_doubles(robot: Robot, set_atomically: Set) -> None:
    node = robot.start()
    assert set_atomically(front__ask_below_labels=['cat'], front__ask_below_scores=[1]).successful
    assert values_of(node)['front.ask_below_scores'] == [1.0]
    assert set_atomically(front__ask_below_labels=[], front__ask_below_scores=[]).successful


def test_a_type_that_there_is_not_is_refused_and_the_node_goes_on(
    robot: Robot, set_atomically: Set
) -> None:
    robot.start()
    for kind in (ParameterType.PARAMETER_NOT_SET, 42, 255):
        value = ParameterValue(type=kind)
        result = set_atomically(ParameterMessage(name='timeout_s', value=value))
        assert not result.successful and result.reason
    assert set_atomically(timeout_s=1.0).successful
