# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The launch files inside a bringup of somebody else's: namespaces, remappings, another start."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from serving import free_port

ROOT = Path(__file__).resolve().parent.parent
XML = ROOT / 'launch' / 'spark.launch.xml'
FILES = ['spark.launch.py', 'spark.launch.xml']
BRINGUP = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import AnyLaunchDescriptionSource
from launch_ros.actions import PushRosNamespace, SetRemap

file, *arguments = sys.argv[1:]
service = LaunchService()
service.include_launch_description(LaunchDescription([
    GroupAction([
        PushRosNamespace('fleet'),
        SetRemap('camera/image_raw', '/sensors/front'),
        IncludeLaunchDescription(
            AnyLaunchDescriptionSource(file),
            launch_arguments=[argument.split(':=') for argument in arguments],
        ),
    ]),
]))
sys.exit(service.run())
"""
Launched = Callable[..., subprocess.Popen[str]]


def arguments_of(path: Path) -> dict[str, str]:
    """Return the arguments of an XML launch file with their defaults."""
    args = ElementTree.parse(path).getroot().findall('arg')
    return {arg.attrib['name']: arg.attrib['default'] for arg in args}


def test_every_argument_of_the_xml_file_is_described_and_used() -> None:
    """With the names that the Python file uses, to which all are passed on."""
    text = XML.read_text('utf-8')
    tree = ElementTree.fromstring(text)
    assert all(arg.attrib['description'].endswith('.') for arg in tree.findall('arg'))
    passed = {a.attrib['name']: a.attrib['value'] for a in tree.iterfind('group/include/arg')}
    used = {name: value for name, value in passed.items() if value.startswith('$')}
    assert used == {name: f'$(var {name})' for name in arguments_of(XML)}
    assert set(re.findall(r'\$\(var (\w+)\)', text)) == set(arguments_of(XML))
    python = ast.parse((ROOT / 'launch' / 'spark.launch.py').read_text('utf-8'))
    declared = {
        ast.literal_eval(node.args[0]) for node in ast.walk(python)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == 'DeclareLaunchArgument'
    }  # fmt: skip
    # A bringup may have arguments of these names that mean something else.
    assert set(passed) == declared


def test_the_files_that_the_xml_file_names_are_installed() -> None:
    """The parameters in config/, and the launch file with the node."""
    text = XML.read_text('utf-8')
    named = re.findall(r'find-pkg-share spark_ros\)/(config/[\w.]+)', text)
    assert named and all((ROOT / name).is_file() for name in named)
    (included,) = ElementTree.fromstring(text).findall('group/include')
    assert included.attrib['file'] == '$(dirname)/spark.launch.py'
    assert (XML.parent / 'spark.launch.py').is_file()


def test_launch_arguments_in_the_documents_exist() -> None:
    """What a reader copies from there works."""
    documents = [ROOT / 'README.md', *(ROOT / 'docs').glob('*.md'), *(ROOT / 'config').glob('*')]
    lines = '\n'.join(file.read_text('utf-8') for file in documents)
    lines = re.sub(r'\\\n', ' ', lines)
    calls = re.findall(r'ros2 launch spark_ros (\S+\.launch\.(?:py|xml))([^`\n]*)', lines)
    assert calls
    for name, rest in calls:
        text = (ROOT / 'launch' / name).read_text('utf-8')
        for argument in re.findall(r'(\w+):=', rest):
            assert re.search(rf"""(?:DeclareLaunchArgument\(\s*|name=)['"]{argument}['"]""", text)


@pytest.fixture
def launched() -> Iterator[Launched]:
    """Give a function that runs a launch file inside a bringup."""
    pytest.importorskip('launch_ros', reason='ROS launch is not on the package registries')
    running: list[subprocess.Popen[str]] = []

    def launch(name: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, '-c', BRINGUP, str(ROOT / 'launch' / name), *arguments],
            env={
                **os.environ,
                'SPARK_TOKEN': 'not-a-key',
                'AMENT_PREFIX_PATH': os.environ.get('AMENT_PREFIX_PATH', sys.prefix),
            },
            start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        running.append(process)
        return process

    yield launch
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def graph() -> Iterator[tuple[rclpy.node.Node, SingleThreadedExecutor]]:
    """A node that looks at who is there."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('onlooker', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    yield node, executor
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def sandbox(name: str, data: Path) -> list[str]:
    """Return what a launch file with a service is given, too."""
    return [f'port:={free_port()}', f'data:={data}'] if name == 'sandbox.launch.py' else []


def process_ids() -> set[int]:
    """Return the node processes that launch started in this session's namespace."""
    found = set()
    for entry in Path('/proc').glob('[0-9]*'):
        try:
            line = (entry / 'cmdline').read_bytes()
            environment = (entry / 'environ').read_bytes()
        except OSError:
            continue
        ours = f'ROS_HOME={os.environ["ROS_HOME"]}'.encode()
        if b'spark_node' in line and b'__ns:=/fleet/r1' in line and ours in environment:
            found.add(int(entry.name))
    return found


@pytest.mark.parametrize('name', [*FILES, 'sandbox.launch.py'])
def test_it_follows_namespaces_and_remappings_and_comes_back(
    name: str, launched: Launched, graph, wait_until: Callable[..., None], tmp_path: Path
) -> None:
    """A namespace pushed around it comes before its own."""
    node, executor = graph
    launch = launched(name, 'namespace:=r1', *sandbox(name, tmp_path))

    def there() -> bool:
        assert launch.poll() is None, launch.communicate()[0]
        return bool(
            node.count_publishers('/fleet/r1/spark/resolutions')
            and node.count_subscribers('/sensors/front')
            and node.count_subscribers('/fleet/r1/camera/detections')
        )

    wait_until(there, executor, 60)
    assert not node.count_subscribers('/fleet/r1/camera/image_raw')
    (killed,) = process_ids()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: process_ids() - {killed}, executor, 60)
    assert len(process_ids()) == 1
    wait_until(there, executor, 60)


def test_it_can_be_kept_from_coming_back(
    launched: Launched, graph, wait_until: Callable[..., None]
) -> None:
    """As a supervisor of its own wants it."""
    _, executor = graph
    launch = launched('spark.launch.py', 'namespace:=r1', 'respawn:=false')
    wait_until(process_ids, executor, 60)
    os.kill(process_ids().pop(), signal.SIGKILL)
    wait_until(lambda: launch.poll() is not None, executor, 60)
    assert not process_ids()


@pytest.mark.parametrize('name', FILES)
def test_what_is_set_up_wrongly_is_not_started_again(
    name: str, launched: Launched, tmp_path: Path
) -> None:
    """It would end with 2 each time. With nothing else to do, launch ends, too."""
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text('/**: {ros__parameters: {limits: {open: -3}}}\n', encoding='utf-8')
    launch = launched(name, 'namespace:=r1', f'params_file:={wrong}')
    said = launch.communicate(timeout=60)[0]
    assert said.count('process started') == 1 and "parameter 'limits.open'" in said
    assert 'not started again' in said and 'Traceback' not in said


@pytest.mark.parametrize('name', [*FILES, 'sandbox.launch.py'])
def test_a_parameter_file_that_is_not_there_is_an_error(
    name: str, launched: Launched, tmp_path: Path
) -> None:
    """Launch alone would warn, and start the node with nothing of it."""
    nowhere = tmp_path / 'mistyped.yaml'
    arguments = [f'params_file:={nowhere}', *sandbox(name, tmp_path)]
    launch = launched(name, 'namespace:=r1', *arguments)
    said = launch.communicate(timeout=60)[0]
    assert launch.returncode == 1, said
    assert f'params_file: there is no file {nowhere}' in said, said
    assert not re.search('spark_node.*process started', said)
