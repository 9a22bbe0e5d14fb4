# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""package.xml says what the code needs, no more and no less, and every file says one version."""

from __future__ import annotations

import ast
import configparser
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from catkin_pkg.changelog import get_changelog_from_path
from catkin_pkg.package import Package, parse_package

from spark_ros import __version__

ROOT = Path(__file__).resolve().parent.parent
# What an import is called in rosdep where that is another name.
KEYS = {
    'cv2': 'python3-opencv',
    'httpcore': 'python3-httpx',
    'httpx': 'python3-httpx',
    'hypothesis': 'python3-hypothesis',
    'numpy': 'python3-numpy',
    'PIL': 'python3-pil',
    'pytest': 'python3-pytest',
    'yaml': 'python3-yaml',
}
# Needed, though nothing imports them.
RUNTIME = {'action_msgs', 'rosidl_default_runtime'}
FOR_TESTS = {'ament_cmake_pytest', 'python3-pytest-timeout'}
ROS_NAMES = re.compile(
    r'\w+_(msgs|srvs|interfaces)|rclpy|cv_bridge|domain_coordinator|tf2\w*|message_filters'
    r'|(ament|launch|ros)_\w+|launch')
ON_THE_ROBOT = ('geometry.py', 'model.py', 'drawing', 'wire', 'clients', 'escalation', 'ros')


@pytest.fixture(scope='module')
def package() -> Package:
    """The manifest as ROS's own tools read it."""
    warnings: list[str] = []
    parsed = parse_package(str(ROOT), warnings=warnings)
    assert not warnings
    return parsed


def names(dependencies: list) -> set[str]:
    """Return the names of a list of dependencies."""
    return {dependency.name for dependency in dependencies}


def imported(*places: str) -> set[str]:
    """Return the outermost names of all that the files at some places import."""
    return {name for place in places for file in files(place) for name in tops(file)}


def files(place: str) -> Iterator[Path]:
    path = ROOT / place
    yield from [path] if path.is_file() else path.rglob('*.py')


@functools.cache
def tops(file: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text('utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split('.')[0])
    return frozenset(found)


def keys(modules: set[str]) -> set[str]:
    """Return what package.xml must name for these imports, the standard library left out."""
    return {
        KEYS.get(module, module) for module in modules
        if module in KEYS or ROS_NAMES.fullmatch(module)
    }  # fmt: skip


def interface_packages() -> set[str]:
    """Return the packages whose types our messages, services and action hold."""
    texts = [
        file.read_text('utf-8')
        for folder in ('msg', 'srv', 'action') for file in (ROOT / folder).iterdir()
    ]  # fmt: skip
    return set(re.findall(r'^(\w+)/\w+', '\n'.join(texts), re.MULTILINE))


def robot_needs() -> set[str]:
    """Return what must be on a robot: what its rooms and launch files import."""
    launch = {'launch_xml'} if list((ROOT / 'launch').glob('*.launch.xml')) else set()
    rooms = [f'spark_ros/{room}' for room in ON_THE_ROBOT]
    of_the_demo = {name for name in imported('spark_ros/demo') if ROS_NAMES.fullmatch(name)}
    return keys(imported(*rooms, 'launch') | of_the_demo) | interface_packages() | launch


def test_what_runs_on_the_robot_is_declared(package):
    """Or `rosdep install` leaves it out, and the node fails at its start."""
    assert robot_needs() <= names(package.exec_depends)


def test_nothing_is_declared_that_is_not_used(package):
    """A robot has no room for what nobody needs."""
    assert names(package.exec_depends) == robot_needs() | RUNTIME


def test_what_the_tests_import_is_declared(package):
    """For `colcon test` on a machine that was prepared by rosdep."""
    declared = names(package.exec_depends) | names(package.test_depends)
    assert keys(imported('test')) <= declared
    unused = names(package.test_depends) - keys(imported('test')) - FOR_TESTS
    assert not unused


def test_cmake_finds_what_the_manifest_names(package):
    """Each other's list, for building."""
    text = (ROOT / 'CMakeLists.txt').read_text('utf-8')
    always = text.partition('if(BUILD_TESTING)')[0]
    found = set(re.findall(r'^\s*find_package\((\w+) REQUIRED\)', always, re.MULTILINE))
    assert found == names(package.buildtool_depends) | names(package.build_depends)
    (listed,) = re.findall(r'^\s*DEPENDENCIES ([\w ]+)$', text, re.MULTILINE)
    assert set(listed.split()) == names(package.build_depends)
    assert interface_packages() | {'action_msgs'} == names(package.build_depends)


def test_cmake_builds_every_interface():
    """A message that is not listed there would be missing on the robot."""
    text = (ROOT / 'CMakeLists.txt').read_text('utf-8')
    there = {
        str(file.relative_to(ROOT))
        for folder in ('msg', 'srv', 'action') for file in (ROOT / folder).iterdir()
    }  # fmt: skip
    assert set(re.findall(r'"((?:msg|srv|action)/\w+\.\w+)"', text)) == there


def test_every_file_says_the_same(package):
    """Version, licence and people."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg', encoding='utf-8')
    about = setup['metadata']
    (person,) = package.maintainers
    assert (about['name'], about['license']) == (package.name, package.licenses[0])
    assert about['version'] == 'attr: spark_ros.__version__' and __version__ == package.version
    assert (about['maintainer'], about['maintainer_email']) == (person.name, person.email)
    assert (ROOT / package.licenses[0].file).is_file() and about['license_files'] == 'LICENSE'


def test_the_changelog_can_be_released(package):
    """In the form that bloom and catkin_prepare_release read."""
    changelog = get_changelog_from_path(str(ROOT), package.name)
    assert changelog is not None
    newest, *older = re.findall(r'^(.+)\n-+$', changelog.rst, re.MULTILINE)
    assert newest == 'Forthcoming' or newest.startswith(f'{package.version} (')
    assert len(list(changelog.foreach_version())) == len(older) + (newest != 'Forthcoming')
