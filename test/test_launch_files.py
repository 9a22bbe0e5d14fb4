# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The launch files: what can be read off them without ROS launch, and a run where it is."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from serving import free_port

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
# Of other packages: what their launch files take on Humble and on Jazzy, and their executables.
OTHERS_ARGUMENTS = {'gz_sim.launch.py': {'gz_args', 'gz_version', 'debugger', 'on_exit_shutdown'}}
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
from launch.actions import IncludeLaunchDescription, RegisterEventHandler, Shutdown
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
    IncludeLaunchDescription(
        PythonLaunchDescriptionSource(sys.argv[1]),
        launch_arguments=[argument.split(':=') for argument in sys.argv[3:]],
    ),
]))
sys.exit(service.run())
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
    prefixes = os.environ.get('AMENT_PREFIX_PATH', sys.prefix).split(os.pathsep)
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


@pytest.mark.parametrize('name', [path.name for path in FILES])
def test_it_runs(name, tmp_path):
    """The node comes up and ends cleanly."""
    pytest.importorskip('launch_ros', reason=NO_LAUNCH)
    if name == 'gazebo.launch.py':
        needed = [package for package in ('ros_gz_sim', 'ros_gz_bridge') if not found(package)]
        if needed:
            pytest.skip(f'Gazebo is not installed: no {", ".join(needed)}')
    said, arguments = {
        'spark.launch.py': ('asking http', ['robot_id:=7', 'respawn:=false']),
        'sandbox.launch.py': (
            'asking http,console', [f'port:={free_port()}', f'data:={tmp_path}'],
        ),
        'gazebo.launch.py': (
            'detector + resolutions', [
                f'port:={free_port()}', f'data:={tmp_path}', 'headless:=true', 'seconds:=8.0',
                f'output:={tmp_path}',
            ],
        ),
    }[name]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, '-c', RUN, str(ROOT / 'launch' / name), said, *arguments],
        env={
            **os.environ,
            'SPARK_TOKEN': 'not-a-key',
            'AMENT_PREFIX_PATH': os.environ.get('AMENT_PREFIX_PATH', sys.prefix),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        told, complained = process.communicate(timeout=100)
    finally:
        # What launch started is of its group, and stays when launch is killed.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, told + complained
    assert all(part in told for part in said.split(',')), told
    if name != 'gazebo.launch.py':
        # Gazebo and the shell around it have their own ways to end.
        assert not re.search(r'ERROR|Traceback|exit code', told + complained)
