# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the machine must bring along."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from steps import Failure


def check() -> None:
    """Raise `Failure` with one line that names all that is missing and how to get it."""
    machine = (platform.system(), platform.machine(), platform.python_implementation())
    if machine != ('Linux', 'x86_64', 'CPython') or platform.libc_ver()[0] != 'glibc':
        raise Failure(
            'ROS 2 from PyPI needs CPython on x86-64 Linux with glibc, and this is '
            f'{machine[2]} on {machine[0]} {machine[1]}')
    missing: dict[str, str] = {}
    if shutil.which('g++') is None:
        missing['g++'] = 'g++'
    if shutil.which('make') is None:
        missing['make'] = 'make'
    if not (Path(sysconfig.get_paths()['include']) / 'Python.h').is_file():
        missing['Python.h'] = _of_this_python('dev')
    if importlib.util.find_spec('ensurepip') is None or importlib.util.find_spec('venv') is None:
        missing['the venv module'] = _of_this_python('venv')
    if missing:
        raise Failure(
            f'this machine lacks {", ".join(missing)}; on Debian or Ubuntu: '
            f'sudo apt install {" ".join(missing.values())}')


def _of_this_python(part: str) -> str:
    """Return the Debian package of the running Python, which need not be the default one."""
    return f'python3.{sys.version_info.minor}-{part}'
