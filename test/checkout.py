# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""This checkout in another folder, as links: `make` runs there, and leaves there what it makes."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_LINKED = {'demo_output', 'spark-data'}


def linked_checkout(folder: Path) -> Path:
    """Fill a folder with links to all that stands in this checkout, and return it."""
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in NOT_LINKED:
            (folder / entry.name).symlink_to(entry)
    return folder


def make_environment() -> dict[str, str]:
    """Return the environment for `make` with which it finds `.venv` as it is."""
    given = {name: value for name, value in os.environ.items() if not name.startswith('MAKE')}
    (distro,) = (
        file.stem.removeprefix('ros-')
        for file in (ROOT / 'dev' / 'requirements').glob('ros-*.txt')
        if f'\nros-rclpy=={version("ros-rclpy")}\n' in file.read_text('utf-8')
    )
    base_python = getattr(sys, '_base_executable', sys.executable)
    return {**given, 'PYTHON': base_python, 'ROS_DISTRO': distro}
