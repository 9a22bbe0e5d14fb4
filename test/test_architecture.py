# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The packages and who may know whom: the arrows of the design, asserted on the imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'spark_ros'
LICENCE = '# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0'
LONGEST_FILE = 400

ROBOT = (
    'ros', 'escalation', 'calibration', 'clients', 'wire', 'drawing', 'policy', 'model',
    'geometry',
)
KNOWS: dict[str, set[str]] = {
    **{package: set(ROBOT[place:]) for place, package in enumerate(ROBOT)},
    'clients': {'clients', 'wire', 'model', 'geometry'},
    'wire': {'wire', 'model', 'geometry'},
    'drawing': {'drawing', 'model', 'geometry'},
    'service': {'service', 'wire', 'model', 'geometry'},
    'calibration': {'calibration', 'policy', 'model', 'geometry'},
    'cli': {
        'cli', 'clients', 'service', 'calibration', 'wire', 'drawing', 'policy', 'model',
        'geometry',
    },
    'demo': {*ROBOT, 'service', 'calibration', 'cli', 'demo', 'msg', 'action'},
}
KNOWS['ros'] |= {'msg', 'action', 'srv'}
# The packages within a package, and whom they may know of it; who stands beside them may know all.
WITHIN: dict[str, dict[str, set[str]]] = {
    'escalation': {
        'question': set(),
        'pictures': {'question'},
        'journal': {'question'},
        'backends': {'question', 'pictures', 'once', 'small_server'},
        'answers': {
            'question', 'journal', 'backends', 'questions', 'settings', 'small_server',
        },
    },
    'ros': {'workarounds': set()},
    'service': {
        'storage': {'errors', 'events', 'fair_threads', 'own_thread'},
        'media': {'storage', 'errors', 'settings', 'fair_threads'},
        'web': {'storage', 'media', 'context', 'errors', 'events'},
        'spark': {'storage', 'media', 'web', 'context', 'errors'},
        'heat': {'storage', 'media', 'web', 'context', 'errors', 'settings'},
        'operators': {
            'storage', 'media', 'web', 'spark', 'heat', 'context', 'deliveries', 'errors',
            'events',
        },
        'pushes': {
            'storage', 'web', 'spark', 'heat', 'context', 'dispatcher', 'events', 'own_thread',
        },
        'notify': {'storage', 'web', 'pushes', 'context', 'settings', 'own_thread'},
        'fetching': {
            'storage', 'media', 'web', 'pushes', 'context', 'dispatcher', 'errors', 'events',
        },
        'scripted': {'storage', 'heat', 'context', 'events'},
        'monitoring': {'storage', 'web', 'context', 'background', 'deliveries', 'events'},
    },
}

ROS_ROOMS = {'ros', 'demo'}
MESSAGES = {
    'action_msgs', 'builtin_interfaces', 'diagnostic_msgs', 'geometry_msgs', 'nav_msgs',
    'rcl_interfaces', 'sensor_msgs', 'std_msgs', 'std_srvs', 'unique_identifier_msgs',
    'vision_msgs',
}  # fmt: skip
ROS_PACKAGES = MESSAGES | {
    'ament_index_python', 'cv_bridge', 'launch', 'launch_ros', 'message_filters', 'rclpy',
    'rosidl_runtime_py',
}  # fmt: skip
# What a robot must have installed; a new name here is a new line in package.xml.
ROBOT_PACKAGES = MESSAGES | {
    'ament_index_python', 'anyio', 'cv2', 'cv_bridge', 'httpx', 'numpy', 'rclpy',
}  # fmt: skip
DRAWING_PACKAGES = {'cv2', 'numpy'}


def package_of(module: str) -> str:
    """The package of `spark_ros.package.more`, or '' for the package itself."""
    return [*module.split('.'), ''][1]


def imports(source: str, module: str, is_package: bool = False) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports, wherever in it that stands.

    `from a import b` yields `a.b`, because b may be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            if node.level:
                parts = module.split('.')
                above = len(parts) - node.level + is_package
                base = '.'.join([*parts[:above], *filter(None, [node.module])])
            yield from (f'{base}.{alias.name}' for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func)
            in ('__import__', 'import_module', 'importlib.import_module')
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def broken_inner_arrows(source: str, module: str, is_package: bool = False) -> list[str]:
    """Say which imports of a module the packages within its package do not allow."""
    outer, package = package_of(module), inner_package_of(module)
    allowed = WITHIN[outer].get(package)
    broken = []
    for name in imports(source, module, is_package):
        other = inner_package_of(name) if package_of(name) == outer else ''
        if allowed is None:
            wrong = other == 'health' != package and package != 'runtime'
        else:
            wrong = bool(other) and other not in allowed | {package}
        if wrong:
            broken.append(f'{module} imports {name}: {package or outer} may not know {other}')
    return broken


def inner_package_of(module: str) -> str:
    """The second package of `spark_ros.package.inner.more`, or ''."""
    return [*module.split('.'), '', ''][2]


def broken_arrows(source: str, module: str, is_package: bool = False) -> list[str]:
    """Say, in words, which imports of a module the design does not allow."""
    package = package_of(module)
    broken = []
    for name in imports(source, module, is_package):
        top = name.split('.')[0]
        if top == 'spark_ros':
            other = package_of(name)
            if not package:
                broken.append(f'{module} (the package itself) imports {name}')
            elif other and other not in KNOWS[package]:
                broken.append(f'{module} imports {name}: {package} may not know {other}')
        elif top in ROS_PACKAGES and package not in ROS_ROOMS:
            broken.append(f'{module} imports {name}: only {sorted(ROS_ROOMS)} know ROS')
        elif package == 'drawing' and top in ROBOT_PACKAGES - DRAWING_PACKAGES:
            broken.append(f'{module} imports {name}: drawing needs no more')
        elif package == 'calibration' and top != 'numpy' and top not in sys.stdlib_module_names:
            broken.append(f'{module} imports {name}: calibration needs no more than numpy')
        elif package in ROBOT and top not in ROBOT_PACKAGES and top not in sys.stdlib_module_names:
            broken.append(f'{module} imports {name}: not a dependency of the robot side')
    return broken


def sources() -> list[Path]:
    """Every Python file of the package."""
    return sorted(path for path in PACKAGE.rglob('*.py') if '__pycache__' not in path.parts)


def module_name(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def test_the_package_is_there() -> None:
    """The files are found, and each is in a package of the design."""
    packages = {package_of(module_name(path)) for path in sources()}
    assert {*ROBOT, 'service'} <= packages
    assert packages - {''} <= KNOWS.keys()


@pytest.mark.parametrize('path', sources(), ids=module_name)
def test_arrows(path: Path) -> None:
    """A package knows only the packages that the design lets it know."""
    is_package = path.name == '__init__.py'
    assert broken_arrows(path.read_text('utf-8'), module_name(path), is_package) == []


@pytest.mark.parametrize(
    'path',
    [path for path in sources() if package_of(module_name(path)) in WITHIN],
    ids=module_name,
)
def test_arrows_within(path: Path) -> None:
    """Who uses knows what is used, not the other way round."""
    is_package = path.name == '__init__.py'
    found = broken_inner_arrows(path.read_text('utf-8'), module_name(path), is_package)
    assert found == []


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('escalation.question.asking', 'from spark_ros.escalation.engagements import Engagements'),
        ('escalation.question.asking', 'from spark_ros.escalation.journal import async_journal'),
        ('escalation.journal.async_journal', 'from spark_ros.escalation import runtime'),
        ('escalation.engagements', 'from spark_ros.escalation.health import check'),
        ('ros.workarounds.humble', 'from spark_ros.ros.node import SparkNode'),
        ('service.storage.jobs', 'from spark_ros.service.context import Context'),
        ('service.spark.api', 'from spark_ros.service.heat.objects import request_json'),
    ],
)
def test_a_broken_arrow_within_is_seen(module: str, source: str) -> None:
    assert len(broken_inner_arrows(source, f'spark_ros.{module}')) == 1


@pytest.mark.parametrize('path', sources(), ids=module_name)
def test_files_stay_small_and_licensed(path: Path) -> None:
    """Past 400 lines a file holds two ideas; each says whose it is."""
    lines = path.read_text('utf-8').splitlines()
    assert len(lines) <= LONGEST_FILE
    assert LICENCE in lines[:2]


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('spark_ros.geometry', 'from spark_ros.model import Annotation'),
        ('spark_ros.wire.spark', 'import spark_ros.clients.spark'),
        ('spark_ros.wire.spark', 'import spark_ros.drawing.marks'),
        ('spark_ros.service.app', 'import spark_ros.drawing.marks'),
        ('spark_ros.drawing.marks', 'from spark_ros.escalation import pictures'),
        ('spark_ros.drawing.canvas', 'import sensor_msgs.msg'),
        ('spark_ros.drawing.canvas', 'import httpx'),
        ('spark_ros.wire.spark', 'from spark_ros import clients'),
        ('spark_ros.wire.spark', 'from ..clients import SparkClient'),
        ('spark_ros.clients.spark', 'from spark_ros.escalation.journal.journal import Journal'),
        ('spark_ros.clients.spark', 'def f():\n    from spark_ros.ros import node'),
        ('spark_ros.clients.spark', 'import requests'),
        ('spark_ros.clients.spark', 'from spark_ros.msg import Resolution'),
        ('spark_ros.escalation.engagements', 'import rclpy.node'),
        ('spark_ros.escalation.engagements', 'from std_msgs.msg import Header'),
        ('spark_ros.escalation.engagements', 'from spark_ros.action import Engage'),
        ('spark_ros.escalation.engagements', 'import importlib\nimportlib.import_module("rclpy")'),
        ('spark_ros.ros.node', 'from spark_ros.service.app import create_app'),
        ('spark_ros.ros.node', 'import spark_ros.demo.run'),
        ('spark_ros.ros.node', 'from spark_ros.cli.spark import main'),
        ('spark_ros.ros.node', 'import starlette'),
        ('spark_ros.calibration.replay', 'from spark_ros.escalation import triage'),
        ('spark_ros.calibration.replay', 'from spark_ros.service import storage'),
        ('spark_ros.calibration.replay', 'import scipy'),
        ('spark_ros.service.app', 'from spark_ros.clients.errors import ClientError'),
        ('spark_ros.service.app', 'from spark_ros.escalation import policy'),
        ('spark_ros.service.app', 'import sensor_msgs.msg'),
        ('spark_ros.cli.spark', 'from spark_ros.escalation import engagements'),
        ('spark_ros.cli.spark', 'import rclpy'),
    ],
)
def test_a_broken_arrow_is_seen(module: str, source: str) -> None:
    """The check above can fail."""
    assert len(broken_arrows(source, module)) == 1


def test_relative_imports_of_a_package_are_resolved() -> None:
    """`from . import x` in an __init__ is a neighbour, in a module likewise."""
    assert broken_arrows('from ..ros import node', 'spark_ros.wire', is_package=True)
    assert not broken_arrows('from . import values', 'spark_ros.wire', is_package=True)
    assert not broken_arrows('from . import values', 'spark_ros.wire.spark')


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('spark_ros.ros.node', 'import rclpy\nfrom spark_ros.msg import Resolution'),
        ('spark_ros.ros.node', 'from spark_ros.escalation.engagements import Engagements'),
        ('spark_ros.escalation.engagements', 'import httpx\nfrom spark_ros.geometry import Box'),
        ('spark_ros.escalation.triage', 'from spark_ros.calibration.decisions import to_line'),
        ('spark_ros.cli.spark', 'from spark_ros.calibration.drives import drives_of'),
        ('spark_ros.calibration.replay', 'import numpy\nfrom spark_ros.policy import Cooldown'),
        ('spark_ros.service.app', 'import starlette\nfrom spark_ros.wire import spark'),
        ('spark_ros.cli.spark', 'import argparse\nfrom spark_ros.clients import SparkClient'),
        ('spark_ros.demo.main', 'from spark_ros.cli import spark\nimport rclpy'),
    ],
)
def test_an_arrow_of_the_design_is_allowed(module: str, source: str) -> None:
    """And it does not cry wolf."""
    assert broken_arrows(source, module) == []
