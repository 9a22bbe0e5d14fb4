# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The shipped parameter files and Fast DDS profiles do what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import rclpy
import yaml

from spark_ros.calibration.decisions import CameraPolicy, Policy
from spark_ros.calibration.parameter_file import parameter_file
from spark_ros.policy import Thresholds
from spark_ros.ros.config import CAMERA, NODE
from spark_ros.ros.node import SparkNode

CONFIG = Path(__file__).resolve().parent.parent / 'config'
PROFILES = ('fastdds_large_images.xml', 'fastdds_udp_receiver.xml')
SHOW_TRANSPORTS = """
import json, os, re, socket, sys
import rclpy
rclpy.init()
node = rclpy.create_node('transports')
buffers = []
for fd in os.listdir('/proc/self/fd'):
    try:
        with socket.socket(fileno=os.dup(int(fd))) as one:
            if one.type == socket.SOCK_DGRAM:
                buffers.append(one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
    except OSError:
        pass
maps = open('/proc/self/maps').read()
segments = set(re.findall('/dev/shm/fast(?:rtps|dds)_[0-9a-f]{16}', maps))
print(json.dumps({'buffers': buffers, 'segments': [os.path.getsize(s) for s in segments]}))
rclpy.shutdown()
"""
# Where the default depends on the machine, and where a value stands that is not a default.
ELSEWHERE = {'journal.path'}


@pytest.fixture
def start(monkeypatch):
    """Give a function that starts the node with arguments and returns its parameters."""
    monkeypatch.setenv('SPARK_TOKEN', 'not-a-key')
    nodes = []
    context = rclpy.Context()

    def start(*arguments: str) -> dict[str, Any]:
        rclpy.init(args=['--ros-args', *arguments], context=context)
        node = SparkNode(context=context)
        nodes.append(node)
        return {
            name: as_list(parameter.value)
            for name, parameter in node.get_parameters_by_prefix('').items()
        }

    yield start
    for node in nodes:
        node.close()
    rclpy.try_shutdown(context=context)


def as_list(value: Any) -> Any:
    """Return arrays as lists; one that was never set is empty."""
    return list(value) if hasattr(value, '__len__') and not isinstance(value, str) else value


def flat(block: dict[str, Any], prefix: str = '') -> dict[str, Any]:
    """Return nested parameters by their dotted names."""
    result = {}
    for name, value in block.items():
        if isinstance(value, dict):
            result |= flat(value, f'{prefix}{name}.')
        else:
            result[prefix + name] = value
    return result


def parameters(text: str) -> dict[str, Any]:
    """Return a parameter file's content by dotted names."""
    return flat(yaml.safe_load(text)['/**']['ros__parameters'])


def uncommented(text: str) -> str:
    """Return a parameter file with the entries that are commented out made active."""
    return re.sub(r'^( *)# ((?: *)(?:# .*|[a-z_]+:(?: .*)?))$', r'\1\2', text, flags=re.M)


def table() -> dict[str, Any]:
    """Return every parameter of the table with its default, for one camera."""
    return {s.name: s.default for s in NODE} | {f'camera.{s.name}': s.default for s in CAMERA}


def test_every_parameter_stands_in_the_file():
    """Active, or commented out where its default depends on the machine."""
    text = (CONFIG / 'spark.yaml').read_text(encoding='utf-8')
    assert set(parameters(text)) == set(table()) - ELSEWHERE
    shown = parameters(uncommented(text))
    assert set(shown) == set(table())


def test_the_file_holds_the_defaults():
    """So that a copy of it changes nothing until it is edited."""
    given = parameters((CONFIG / 'spark.yaml').read_text(encoding='utf-8'))
    assert given == {name: table()[name] for name in given}


def test_every_parameter_is_explained():
    """A comment stands above each, or above the group that it closes."""
    lines = (CONFIG / 'spark.yaml').read_text(encoding='utf-8').splitlines()
    entries = [n for n, line in enumerate(lines) if re.match(r' {4,}[a-z_]+: \S', line)]
    for number in entries:
        above = lines[number - 1].strip()
        assert above.startswith('#') or number - 1 in entries, lines[number]


def test_the_node_takes_the_file_and_means_the_defaults(start):
    """rclpy's own reading of it, empty lists included."""
    values = start('--params-file', str(CONFIG / 'spark.yaml'))
    given = parameters((CONFIG / 'spark.yaml').read_text(encoding='utf-8'))
    for name in given:
        assert (values[name] or None) == (table()[name] or None), name


def test_the_node_takes_what_a_calibration_wrote(start, tmp_path):
    """After a file of one's own: its thresholds of labels are overruled, by none as well."""
    rules = Thresholds(0.74, 0.1, {'a "b": c': 0.5, 'Größe': 1.0, 'tiny': 1e-7}, {'tiny': 0.0})
    cameras = {'front': CameraPolicy(rules), 'rear': CameraPolicy(Thresholds(1.0, 0.0))}
    own, made = tmp_path / 'own.yaml', tmp_path / 'thresholds.yaml'
    own.write_text(
        '/**:\n  ros__parameters:\n    cameras: [front, rear]\n'
        '    front: {ask_below_labels: [x], ask_below_scores: [0.9]}\n'
    )
    made.write_text(parameter_file(Policy(cameras), ['a promise']), 'utf-8')
    values = start('--params-file', str(own), '--params-file', str(made))
    for camera, policy in cameras.items():
        for name in ('ask_below', 'ignore_below'):
            scores = values[f'{camera}.{name}_scores'] or []
            of = dict(zip(values[f'{camera}.{name}_labels'] or [], scores, strict=True))
            assert values[f'{camera}.{name}'] == getattr(policy.thresholds, name)
            assert of == getattr(policy.thresholds, f'{name}_of')


@pytest.mark.parametrize('name', ['sandbox.yaml', 'heat.yaml'])
def test_the_node_takes_the_files_for_a_purpose(start, name):
    """And every name in them means something."""
    text = (CONFIG / name).read_text(encoding='utf-8')
    values = start('--params-file', str(CONFIG / name))
    assert parameters(text).items() <= values.items()


@pytest.mark.parametrize('name', PROFILES)
def test_a_profile_names_transports_that_it_defines(name):
    """And is the default one of its file: nothing else would load it."""
    root = ElementTree.parse(CONFIG / name).getroot()
    space = root.tag.partition('}')[0] + '}'
    descriptor = f'.//{space}transport_descriptor'
    defined = {e.text for e in root.iterfind(f'{descriptor}/{space}transport_id')}
    used = {e.text for e in root.iterfind(f'.//{space}userTransports/{space}transport_id')}
    assert used == defined
    assert [e.get('is_default_profile') for e in root.iter(f'{space}participant')] == ['true']


def transports(profile: str) -> dict[str, list[int]]:
    """Return the receive buffers and shared-memory segments of a process with a profile."""
    environment = {
        **os.environ,
        'FASTRTPS_DEFAULT_PROFILES_FILE': str(CONFIG / profile),
        'FASTDDS_DEFAULT_PROFILES_FILE': str(CONFIG / profile),
        'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp',
        # With LOCALHOST, rmw_fastrtps adds a shared-memory transport of its own.
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET',
    }
    process = subprocess.run(
        [sys.executable, '-c', SHOW_TRANSPORTS],
        env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return json.loads(process.stdout)


def test_fast_dds_loads_the_profile_for_large_images():
    """The segment holds ten 1080p frames, and nothing was said about the file."""
    assert any(size > 64 * 2**20 for size in transports('fastdds_large_images.xml')['segments'])


def test_fast_dds_loads_the_profile_for_receiving_by_udp():
    """No shared memory, and as large a buffer as the system allows (which doubles it)."""
    found = transports('fastdds_udp_receiver.xml')
    allowed = int(Path('/proc/sys/net/core/rmem_max').read_text())
    assert not found['segments']
    assert max(found['buffers']) == 2 * min(allowed, 4 * 2**20)
