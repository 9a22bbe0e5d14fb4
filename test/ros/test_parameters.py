# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A wrong parameter is refused at the start, by name and with the reason."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rcl_interfaces.msg import ParameterType
from rclpy.node import Node
from rclpy.parameter import Parameter
from robot import Robot

from spark_ros.escalation.journal.errors import JournalError
from spark_ros.escalation.question.outgoing_image import METADATA_KEYS, ImageSettings
from spark_ros.geometry import Box, ImageSize
from spark_ros.ros.config import NodeConfig
from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.parameters import read_parameters, unknown_parameters

Read = Callable[..., NodeConfig]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Node]]:
    """Give a maker of real nodes with parameter overrides."""
    context = rclpy.Context()
    rclpy.init(context=context)
    nodes = []

    def make(overrides: dict[str, Any]) -> Node:
        given = [Parameter(name, value=value) for name, value in overrides.items()]
        nodes.append(Node('spark', context=context, parameter_overrides=given))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def read(make: Callable[..., Node]) -> Read:
    return lambda **overrides: read_parameters(
        make({name.replace('__', '.'): value for name, value in overrides.items()})
    )


def test_nothing_given_is_one_camera_and_a_journal(read: Read, tmp_path: Path) -> None:
    config = read()
    (camera,) = config.cameras
    assert (camera.name, camera.image_topic, camera.detections_topic, camera.transport) == (
        'camera', 'camera/image_raw', 'camera/detections', 'raw',
    )  # fmt: skip
    assert config.robot_id == socket.gethostname()
    assert config.journal_path is not None and config.journal_path.suffix == '.db'
    assert 'spark_ros' in config.journal_path.parts


def test_everything_given_arrives(read: Read, tmp_path: Path) -> None:
    config = read(
        server__url='https://spark.example/base', robot_id='rover-1', cameras=['front', 'rear'],
        timeout_s=5, limits__open=3, limits__per_hour=9, journal__path='', poll__interval_s=1,
        journal__max_count=500, journal__max_age_h=2,
        front__transport='compressed', front__program=' picking ', front__instructions='',
        front__label_options=['cat', 'dog'], front__ask_below=0.8, front__ignore_below=0,
        front__ask_below_labels=['cat'], front__ask_below_scores=[0.9],
        front__detection_image_size=[640, 480], front__cooldown_s=7,
        rear__image_topic='/rear/rgb', rear__detections_topic='found', rear__frames__wait_s=2.5,
    )  # fmt: skip
    front, rear = config.cameras
    assert front.image_topic == 'front/image_raw/compressed'
    assert front.detection_image_size == ImageSize(640, 480)
    assert (front.asking.program, front.asking.question.instructions) == ('picking', '')
    assert front.asking.question.label_options == ('cat', 'dog')
    assert front.asking.thresholds.ask_below_of == {'cat': 0.9}
    assert front.asking.thresholds.ignore_below == 0.0
    assert (front.asking.cooldown_s, front.asking.timeout_s) == (7.0, 5.0)
    assert front.asking.metadata == {'robot_id': 'rover-1'}
    assert (rear.image_topic, rear.detections_topic, rear.frames_wait_s) == (
        '/rear/rgb', 'found', 2.5,
    )  # fmt: skip
    limits = config.settings.limits
    assert (limits.open, limits.per_hour) == (3, 9)
    assert (config.journal_max_count, limits.age_s) == (500, 7200.0)
    assert config.journal_path is None and config.settings.poll_interval_s == 1.0


def test_what_may_leave_arrives(read: Read) -> None:
    config = read(
        camera__image__format='png', camera__image__quality=40, camera__image__max_side=640,
        camera__image__crop=True, camera__image__crop_margin=1,
        camera__image__black_out=[0.0, 0.5, 0.25, 0.5, 0.75, 0.0, 0.25, 1.0],
        metadata__send=['camera'], pose_topic='/odom', pose_type='nav_msgs/Odometry',
    )  # fmt: skip
    (camera,) = config.cameras
    regions = (Box(0.0, 0.5, 0.25, 1.0), Box(0.75, 0.0, 1.0, 1.0))
    assert camera.asking.image == ImageSettings('png', 40, 640, True, 1.0, regions)
    assert camera.asking.send == config.metadata_send == ('camera',)
    assert (config.pose_topic, config.pose_type) == ('/odom', 'nav_msgs/Odometry')
    (all_of_it,) = read(camera__image__black_out=[0, 0, 1, 1]).cameras
    assert all_of_it.asking.image.black_out == (Box(0.0, 0.0, 1.0, 1.0),)


def test_a_list_that_is_not_empty_of_itself_can_be(read: Read) -> None:
    config = read(metadata__send=[])
    assert config.metadata_send == config.cameras[0].asking.send == ()
    assert read().metadata_send == METADATA_KEYS


def test_an_empty_list_is_a_list(read: Read) -> None:
    """Rclpy reads [] as a byte array."""
    (camera,) = read(camera__label_options=[], camera__detection_image_size=[]).cameras
    assert camera.asking.question.label_options == () and camera.detection_image_size is None


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('server.kind', 'carrier_pigeon', 'one of'),
        ('server.url', 'spark.example', 'http'),
        ('server.url', 'ftp://spark.example', 'http'),
        ('server.url', 'http://', 'http'),
        ('server.url', 'http://[', 'well-formed'),
        ('server.url', 'http://spark.example/?key=1', 'query'),
        ('server.url', 'http://me:secret@spark.example', 'password'),
        ('server.url', 7, 'string'),
        ('robot_id', 'my robot', 'visible ASCII'),
        ('robot_id', 'Küche', 'visible ASCII'),
        ('server.ca_file', '/nowhere/ca.pem', '/nowhere/ca.pem'),
        ('server.ca_file', __file__, 'certificate'),
        ('cameras', ['front', 'front'], 'twice'),
        ('cameras', [''], 'not a name'),
        ('cameras', ['front camera'], 'not a name'),
        ('cameras', ['1st'], 'not a name'),
        ('cameras', ['a__b'], 'not a name'),
        ('cameras', ['server'], 'block'),
        ('cameras', ['journal'], 'block'),
        ('cameras', ['limits'], 'block'),
        ('cameras', ['poll'], 'block'),
        ('cameras', ['webhook'], 'block'),
        ('cameras', ['qos_overrides'], 'block'),
        ('cameras', ['use_sim_time'], 'block'),
        ('cameras', 'front', 'array'),
        ('timeout_s', -1.0, '0 to'),
        ('timeout_s', 'soon', 'double'),
        ('limits.open', -1, '0 to'),
        ('limits.open', 1.5, 'integer'),
        ('limits.per_hour', -1, '0 to'),
        ('journal.max_mb', -1.0, '0 to'),
        ('journal.max_count', -1, '0 to'),
        ('journal.max_age_h', 9000.0, 'to 8760'),
        ('journal.path', 5, 'string'),
        ('poll.interval_s', 0.0, '0.05 to'),
        ('poll.interval_s', 60.0, 'poll.max_interval_s'),
        ('camera.transport', 'theora', 'raw, compressed'),
        ('camera.image_topic', 'front camera', 'topic'),
        ('camera.detections_topic', 'a//b', 'topic'),
        ('camera.instructions', '  ', 'program'),
        ('camera.label_options', ['cat', ''], 'empty'),
        ('camera.label_options', 'cat', 'array'),
        ('camera.ask_below', 1.1, '0 to 1'),
        ('camera.ask_below', float('nan'), '0 to 1'),
        ('camera.ignore_below', 0.7, 'ask_below'),
        ('camera.ask_below_scores', [0.5], '1 scores for 0 labels'),
        ('camera.detection_image_size', [640], '[width, height]'),
        ('camera.detection_image_size', [640, 0], '1 to'),
        ('camera.detection_image_size', [640, 480, 3], '[width, height]'),
        ('camera.image.format', 'gif', 'jpeg, png'),
        ('camera.image.quality', 0, '1 to 100'),
        ('camera.image.max_side', -1, '0 to'),
        ('camera.image.crop', 'yes', 'bool'),
        ('camera.image.crop_margin', -0.1, '0 to'),
        ('camera.image.black_out', [0.1, 0.1, 0.5], '3 numbers'),
        ('camera.image.black_out', [0.1, 0.1, 0.5, 0.0], 'no area'),
        ('camera.image.black_out', [0.5, 0.5, 0.9, 0.9], 'reaches out'),
        ('camera.image.black_out', [0.0, -0.1, 0.5, 0.5], '0 to 1'),
        ('camera.image.black_out', [0.0, 0.0, float('nan'), 0.5], '0 to 1'),
        ('metadata.send', ['camera', 'serial_number'], 'one of'),
        ('pose_topic', 'my pose', 'topic'),
        ('pose_type', 'geometry_msgs/Pose', 'PoseStamped'),
        ('cameras', ['metadata'], 'block'),
        ('camera.frames.max_mb', 0.0, '1 to'),
        ('camera.frames.slop_s', -0.1, '0 to'),
        ('camera.frames.wait_s', 61.0, '0 to'),
        ('camera.cooldown_s', -1.0, '0 to'),
    ],
)
def test_a_wrong_value_is_refused_by_name(read: Read, name: str, value: Any, reason: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        read(**{name: value})
    said = str(refusal.value)
    assert f"'{name}'" in said and reason.lower() in said.lower() and '\n' not in said, said
    assert 'secret' not in said


def test_scores_of_labels_are_checked_like_the_others(read: Read) -> None:
    with pytest.raises(ParameterError, match=r"'camera.ask_below_scores'.*1.5"):
        read(camera__ask_below_labels=['cat'], camera__ask_below_scores=[1.5])
    with pytest.raises(ParameterError, match=r"'camera.ignore_below'.*cat"):
        read(camera__ask_below_labels=['cat'], camera__ask_below_scores=[0.05])


def test_every_parameter_says_what_it_is(make: Callable[..., Node]) -> None:
    node = make({'cameras': ['front']})
    mine = {name for name in node._parameters if not name.startswith(('use_sim', 'start_type'))}
    mine -= set(make({})._parameters)
    before = set(node._parameters)
    read_parameters(node)
    names = set(node._parameters) - before
    assert len(names) > 30 and not mine - {'cameras'}
    for name in names:
        descriptor = node.describe_parameter(name)
        assert len(descriptor.description) > 15, name
        if descriptor.type == ParameterType.PARAMETER_DOUBLE:
            (span,) = descriptor.floating_point_range
        elif descriptor.type == ParameterType.PARAMETER_INTEGER:
            (span,) = descriptor.integer_range
        else:
            continue
        value = node.get_parameter(name).value
        assert span.from_value <= value <= span.to_value, name


def test_a_misspelled_parameter_is_named(make: Callable[..., Node]) -> None:
    node = make({'timeuot_s': 5.0, 'camera.ask_bellow': 0.5, 'timeout_s': 5.0})
    read_parameters(node)
    assert unknown_parameters(node) == ['camera.ask_bellow', 'timeuot_s']


def test_a_misspelled_parameter_is_warned_about(
    robot: Robot, caplog: pytest.LogCaptureFixture
) -> None:
    robot.start(timeuot_s=5.0)
    assert "no parameter 'timeuot_s'" in caplog.text


def test_a_token_file_that_others_can_read_is_refused(robot: Robot, tmp_path: Path) -> None:
    token_file = tmp_path / 'token'
    token_file.write_text('geheim')
    token_file.chmod(0o640)
    with pytest.raises(ParameterError, match=r"'server.token_file'.*0640.*chmod 600") as refusal:
        robot.start(server__token_file=str(token_file))
    assert 'geheim' not in str(refusal.value)
    token_file.chmod(0o600)
    robot.start(server__token_file=str(token_file))


@pytest.mark.parametrize('token', ['', 'two words', 'tab\tbed', 'é'])
def test_a_token_that_cannot_be_sent_is_refused(
    robot: Robot, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv('SPARK_TOKEN', token)
    with pytest.raises(ParameterError, match=r"'server\.token_file'") as refusal:
        robot.start()
    assert not token or token not in str(refusal.value)


def test_a_journal_that_cannot_be_used_is_refused(robot: Robot, tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(JournalError, match='cannot be opened'):
        robot.start(journal__path=str(tmp_path / 'file' / 'journal.db'))
