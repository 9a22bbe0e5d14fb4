# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The launch files: what can be read off them without ROS launch, and a run where it is."""

from __future__ import annotations

import ast
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from serving import free_port

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
# Of other packages: what their launch files take on Humble and on Jazzy, and their executables.
OTHERS_ARGUMENTS = {'gz_sim.launch.py': {'gz_args', 'gz_version', 'debugger', 'on_exit_shutdown'}}
GAZEBO = ROOT / 'launch' / 'gazebo.launch.py'
PREFIXES = os.environ.get('AMENT_PREFIX_PATH', sys.prefix)
ON_THE_FLOOR_M = 0.01
NO_LAUNCH = 'ROS launch is not on the package registries'
OTHERS_EXECUTABLES = {('ros_gz_bridge', 'parameter_bridge')}
SHOW_ARGUMENTS = """
import json, sys
from launch import LaunchContext
from launch.launch_description_sources import PythonLaunchDescriptionSource

source = PythonLaunchDescriptionSource(sys.argv[1])
arguments = source.get_launch_description(LaunchContext()).get_launch_arguments()
print(json.dumps({one.name: one.description for one in arguments}))
"""
RUN = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import (
    IncludeLaunchDescription, RegisterEventHandler, SetLaunchConfiguration, Shutdown,
)
from launch.event_handlers import OnProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource

missing = set(sys.argv[2].split(','))

def on_output(event):
    text = event.text.decode()
    sys.stdout.write(text)
    missing.difference_update({part for part in missing if part in text})
    return None if missing else [Shutdown()]

service = LaunchService()
service.include_launch_description(LaunchDescription([
    RegisterEventHandler(OnProcessIO(on_stderr=on_output, on_stdout=on_output)),
    # Who takes longer is told again, which is logged as an error.
    SetLaunchConfiguration('sigterm_timeout', '40'),
    IncludeLaunchDescription(
        PythonLaunchDescriptionSource(sys.argv[1]),
        launch_arguments=[argument.split(':=') for argument in sys.argv[3:]],
    ),
]))
sys.exit(service.run())
"""
# As that of ros_gz does it, with another executable.
GZ_SIM = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, Shutdown
from launch.substitutions import LaunchConfiguration

def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument('gz_args'),
        DeclareLaunchArgument('on_exit_shutdown'),
        ExecuteProcess(
            cmd=['env $(which stand_in)', LaunchConfiguration('gz_args'), '--force-version', '8'],
            shell=True, output='screen', on_exit=Shutdown(),
        ),
    ])
"""
STAND_IN = """#!{python}
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
sys.stdout.write(os.path.basename(sys.argv[0]) + ' is up\\n')
sys.stdout.flush()
signal.pause()
"""


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    """Return the calls of a plain name."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def first(call: ast.Call) -> str:
    """Return a call's first argument, a literal."""
    return ast.literal_eval(call.args[0])


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """Return a call's keyword arguments."""
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def found(package: str) -> bool:
    """Say whether a ROS package is installed."""
    prefixes = PREFIXES.split(os.pathsep)
    return any((Path(prefix) / 'share' / package).is_dir() for prefix in prefixes)


def declared(path: Path) -> set[str]:
    """Return the names of a launch file's arguments."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    return {first(call) for call in calls(tree, 'DeclareLaunchArgument')}


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def tree(request) -> ast.Module:
    """A launch file, parsed."""
    return ast.parse(request.param.read_text(encoding='utf-8'))


def test_all_are_there():
    """A later file gets the same checks."""
    names = {path.name for path in FILES}
    assert names >= {'spark.launch.py', 'sandbox.launch.py', 'gazebo.launch.py'}


def test_has_the_function_that_launch_calls(tree):
    """It takes nothing."""
    (function,) = (
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == 'generate_launch_description'
    )
    assert not function.args.args


def test_every_argument_is_described_and_has_a_default(tree):
    """So that `ros2 launch --show-args` reads well and nothing must be given."""
    for call in calls(tree, 'DeclareLaunchArgument'):
        given = keywords(call)
        assert ast.literal_eval(given['description']).endswith('.'), first(call)
        assert 'default_value' in given, first(call)


def test_every_argument_is_used_and_every_one_used_is_declared(tree):
    """A name with a typing error would fail on the robot only."""
    names = [first(call) for call in calls(tree, 'DeclareLaunchArgument')]
    assert len(set(names)) == len(names)
    assert {first(call) for call in calls(tree, 'LaunchConfiguration')} == set(names)


def test_an_included_file_gets_arguments_that_it_declares(tree):
    """Launch itself passes unknown ones over in silence."""
    for call in calls(tree, 'IncludeLaunchDescription'):
        included = re.findall(r"'([a-z_]+\.launch\.py)'", ast.unparse(call))
        assert len(included) == 1
        passed = keywords(call)['launch_arguments']
        assert isinstance(passed, ast.Call) and isinstance(passed.func, ast.Attribute)
        names = {ast.literal_eval(key) for key in passed.func.value.keys}
        other = OTHERS_ARGUMENTS.get(included[0])
        assert names <= (other or declared(ROOT / 'launch' / included[0]))


def test_the_files_it_names_exist(tree):
    """In the source tree as where they are installed: config/ and worlds/ beside launch/."""
    for folder in ('config', 'worlds'):
        named = re.findall(rf"{folder.upper()} / '([^']+)'", ast.unparse(tree))
        assert named or folder == 'worlds'
        for name in named:
            assert (ROOT / folder / name).is_file()


def test_the_executables_it_starts_are_installed(tree):
    """The node under lib/, the service under bin/."""
    cmake = (ROOT / 'CMakeLists.txt').read_text(encoding='utf-8')
    (scripts,) = re.findall(r'foreach\(name ([^)]+)\)', cmake)
    for call in calls(tree, 'Node'):
        package, name = (
            ast.literal_eval(keywords(call)[key]) for key in ('package', 'executable'))
        if (package, name) in OTHERS_EXECUTABLES:
            continue
        assert package == 'spark_ros'
        assert re.search(rf'scripts/{name} DESTINATION lib/', cmake)
    for name in re.findall(r"'bin' / '([^']+)'", ast.unparse(tree)):
        assert name in scripts.split()


def test_the_modules_it_starts_are_there(tree):
    """With the parameters that they read."""
    for call in calls(tree, '_demo_node'):
        module = ROOT / 'spark_ros' / 'demo' / 'warehouse' / f'{first(call)}.py'
        read = re.findall(r"declare_parameter\('(\w+)'", module.read_text(encoding='utf-8'))
        assert set(keywords(call)) - {'on_exit'} == set(read)


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_launch_lists_its_arguments(path):
    """As `ros2 launch --show-args` does."""
    pytest.importorskip('launch_ros', reason=NO_LAUNCH)
    shown = subprocess.run(
        [sys.executable, '-c', SHOW_ARGUMENTS, str(path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    described = json.loads(shown.stdout)
    assert set(described) == declared(path) and all(described.values())


def test_no_key_stands_on_a_command_line(tree):
    """Everybody on the machine can read those."""
    for kind, keyword in (('ExecuteProcess', 'cmd'), ('Node', 'ros_arguments')):
        for call in calls(tree, kind):
            given = keywords(call).get(keyword)
            assert given is None or not re.search('token|key', ast.unparse(given).lower())


@pytest.fixture
def heights() -> Iterator[list[float]]:
    """How high the simulated robot is, each time that it is said."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('onlooker', context=context)
    heard: list[float] = []
    node.create_subscription(
        PoseStamped, 'robot/pose', lambda pose: heard.append(pose.pose.position.z), 50)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        with suppress(ExternalShutdownException):
            executor.spin()

    listening = Thread(target=spin)
    listening.start()
    yield heard
    executor.shutdown()
    listening.join()
    node.destroy_node()
    rclpy.shutdown(context=context)


def in_group(group: int) -> Iterator[int]:
    """Open the processes of a group."""
    for entry in Path('/proc').glob('[0-9]*'):
        with suppress(FileNotFoundError, ProcessLookupError):
            # Behind the name, which may have anything in it: the state, the parent, the group.
            _, _, behind = (entry / 'stat').read_text('utf-8').rpartition(')')
            if int(behind.split()[2]) == group:
                yield os.pidfd_open(int(entry.name))


def run(path: Path, said: str, arguments: list[str], **environment: str) -> tuple[str, str]:
    """Run a launch file until all of something is said; return stdout and stderr.

    It ends with 0, and nothing that it started outlives it.
    """
    process = subprocess.Popen(
        [sys.executable, '-c', RUN, str(path), said, *arguments],
        env={**os.environ, 'SPARK_TOKEN': 'not-a-key', 'AMENT_PREFIX_PATH': PREFIXES}
        | environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        told, complained = process.communicate(timeout=100)
        # What launch started is of its group; what is ending already may not be reaped yet.
        for each in in_group(process.pid):
            assert select.select([each], [], [], 30)[0], 'it goes on'
            os.close(each)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == 0, told + complained
    assert all(part in told for part in said.split(',')), told
    return told, complained


@pytest.mark.parametrize('name', [path.name for path in FILES if path != GAZEBO])
def test_it_runs(name, tmp_path):
    """The node comes up and ends cleanly."""
    pytest.importorskip('launch_ros', reason=NO_LAUNCH)
    said, arguments = {
        'spark.launch.py': ('asking http', ['robot_id:=7', 'respawn:=false']),
        'sandbox.launch.py': (
            'asking http,console', [f'port:={free_port()}', f'data:={tmp_path}'],
        ),
    }[name]  # fmt: skip
    told, complained = run(ROOT / 'launch' / name, said, arguments)
    assert not re.search(r'ERROR|Traceback|exit code', told + complained)


def test_gazebo_runs(tmp_path, heights):
    """A short way through the hall is scored, and the robot stays on the floor."""
    pytest.importorskip('launch_ros', reason=NO_LAUNCH)
    needed = [package for package in ('ros_gz_sim', 'ros_gz_bridge') if not found(package)]
    if needed:
        pytest.skip(
            f'NOTHING IS RUN IN GAZEBO: {", ".join(needed)} is missing '
            '(apt-get install ros-$ROS_DISTRO-ros-gz)')
    run(GAZEBO, 'detector + resolutions', [
        f'port:={free_port()}', f'data:={tmp_path}', 'headless:=true', 'seconds:=8.0',
        f'output:={tmp_path}',
    ])  # fmt: skip
    assert len(heights) > 100 and max(map(abs, heights)) < ON_THE_FLOOR_M


def test_gazebo_ends_with_its_launch_file(tmp_path):
    """`gz_sim.launch.py` starts it in a shell, and who ends that has not ended Gazebo."""
    pytest.importorskip('launch_ros', reason=NO_LAUNCH)
    index = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages'
    launch_files = tmp_path / 'share' / 'ros_gz_sim' / 'launch'
    bridge = tmp_path / 'lib' / 'ros_gz_bridge' / 'parameter_bridge'
    for folder in (index, launch_files, bridge.parent):
        folder.mkdir(parents=True)
    for package in ('ros_gz_sim', 'ros_gz_bridge'):
        (index / package).touch()
    (launch_files / 'gz_sim.launch.py').write_text(GZ_SIM, encoding='utf-8')
    for file in (bridge, tmp_path / 'stand_in'):
        file.write_text(STAND_IN.format(python=sys.executable), encoding='utf-8')
        file.chmod(0o755)
    run(
        GAZEBO, 'stand_in is up',
        [f'port:={free_port()}', f'data:={tmp_path / "data"}', 'headless:=true'],
        AMENT_PREFIX_PATH=f'{tmp_path}{os.pathsep}{PREFIXES}',
        PATH=f'{tmp_path}{os.pathsep}{os.environ["PATH"]}',
    )  # fmt: skip
