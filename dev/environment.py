# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The virtual environment: ROS 2 and everything else from PyPI, at pinned versions.

It is a complete ament prefix (`.venv/share`, `/include`, `/lib`), so colcon builds against it.
What only tests and checks need is added to it when they are first asked for.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from steps import Failure, Paths, announced, clean_environ, fingerprint, run, stamped

# Part of the stamp: raise it when what is done to the environment below changes.
_RECIPE = 3

# Lets the tests run a file of theirs first in each Python process that they start.
_TESTS_HOOK = (
    'import os; (guard := os.environ.get("SPARK_ROS_TESTS_GUARD")) and '
    'exec(compile(open(guard).read(), guard, "exec"), {"__name__": "__main__"})\n')

# The wheels' CMake files name the headers of the machine that built them.
_BUILDER_NUMPY = re.compile(r'/opt/python/[^;"]*/numpy/_?core/include')
_BUILDER_PYTHON = re.compile(r'/opt/python/[^;"]*/include/python3\.\d+\w*')

_OFFLINE = re.compile(
    r'NewConnectionError|NameResolutionError|ConnectTimeout|ConnectionResetError|ProxyError'
    r'|ReadTimeout|Temporary failure in name resolution|Network is unreachable')


def is_current(paths: Paths, distro: str) -> bool:
    """Tell whether `.venv` is what `install` would make; half an installation is not."""
    return paths.python.exists() and stamped(_stamp(paths), _fingerprint(paths, distro))


def install(paths: Paths, distro: str) -> None:
    """Make `.venv` anew. It carries its stamp only once everything is in it.

    Raises:
        Failure: pip could not reach its index, or could not install.
    """
    expected = _fingerprint(paths, distro)
    if any(character.isspace() for character in str(paths.venv)):
        raise Failure(f'CMake and make cannot build in a path with white space: {paths.root}')
    # CMake's caches in build/ belong to the environment that goes away.
    for name in ('spark_ros', 'vision_msgs'):
        shutil.rmtree(paths.build / name, ignore_errors=True)
    paths.log.unlink(missing_ok=True)
    with announced(f'creating .venv for Python {sys.version.split()[0]}'):
        # Not sys.executable: that may be the Python of the very .venv that is being replaced.
        base_python = getattr(sys, '_base_executable', sys.executable)
        _stamp(paths).unlink(missing_ok=True)
        _require(paths, [base_python, '-m', 'venv', '--clear', paths.venv])
    with announced(f'installing ROS 2 {distro.capitalize()} and the rest from PyPI'):
        ros, python = _requirements(paths, distro)
        # One requirement (empy) has no wheel; it is built with our setuptools, not the newest.
        _pip(paths, '-c', python, 'setuptools', 'wheel')
        _pip(paths, '--no-build-isolation', '-r', ros, '-r', python)
    correct_cmake_paths(paths)
    share_libraries(paths)
    _stamp(paths).write_text(expected)


def is_ready_for_tests(paths: Paths) -> bool:
    """Tell whether `.venv` holds what `install_for_tests` would add."""
    return stamped(_tests_stamp(paths), _tests_fingerprint(paths))


def install_for_tests(paths: Paths) -> None:
    """Add what tests and checks need to `.venv`. It goes when that is made anew.

    Raises:
        Failure: pip could not reach its index, or could not install.
    """
    expected = _tests_fingerprint(paths)
    _tests_stamp(paths).unlink(missing_ok=True)
    with announced('installing what tests and checks need from PyPI'):
        _pip(paths, '-r', _tests_requirements(paths))
        (site_packages,) = paths.venv.glob('lib/python3.*/site-packages')
        (site_packages / 'spark_ros_tests.pth').write_text(_TESTS_HOOK)
    _tests_stamp(paths).write_text(expected)


def correct_cmake_paths(paths: Paths) -> None:
    """Point the wheels' exported CMake targets at this environment's headers."""
    script = ('import numpy, sysconfig; '
              'print(sysconfig.get_paths()["include"]); print(numpy.get_include())')
    output = subprocess.run(
        [paths.python, '-c', script], env=clean_environ(), capture_output=True, text=True,
        check=True)
    python_include, numpy_include = output.stdout.splitlines()
    for file in paths.venv.glob('share/*/cmake/*.cmake'):
        text = file.read_text()
        corrected = _BUILDER_NUMPY.sub(lambda _: numpy_include, text)
        corrected = _BUILDER_PYTHON.sub(lambda _: python_include, corrected)
        if corrected != text:
            file.write_text(corrected)


def share_libraries(paths: Paths) -> None:
    """Keep shared libraries with the same content on the disk once: wheels cannot hold links."""
    kept: dict[str, Path] = {}
    for file in sorted((paths.venv / 'lib').rglob('*.so*')):
        if file.is_file():
            first = kept.setdefault(fingerprint(file), file)
            if first is not file:
                file.unlink()
                os.link(first, file)


def _requirements(paths: Paths, distro: str) -> tuple[Path, Path]:
    directory = paths.dev / 'requirements'
    of_distro = directory / f'ros-{distro}.txt'
    if not of_distro.is_file():
        known = sorted(file.stem.removeprefix('ros-') for file in directory.glob('ros-*.txt'))
        raise Failure(
            f'ROS_DISTRO={distro} is not one that can be installed here; '
            f'choose with make ROS_DISTRO={" or ROS_DISTRO=".join(known)}')
    return of_distro, directory / 'python.txt'


def _tests_requirements(paths: Paths) -> Path:
    return paths.dev / 'requirements' / 'tests.txt'


def _pip(paths: Paths, *arguments: str | Path) -> None:
    # Modules are compiled when first imported: compiling all of them here costs more. The lists
    # are complete; what they leave out of what packages ask for is not needed here.
    _require(paths, [
        paths.python, '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check',
        '--no-compile', '--no-deps', '--retries', '3', '--progress-bar', 'off', *arguments])


def _require(paths: Paths, command: list[str | Path]) -> None:
    output = run(paths, command, clean_environ())
    if output is None:
        return
    if _OFFLINE.search(output):
        raise Failure(f'the package index cannot be reached; is there a network? ({paths.log})')
    errors = [line for line in output.splitlines() if line.startswith('ERROR')]
    last = (errors or output.splitlines() or ['no output'])[-1]
    raise Failure(f'{last.removeprefix("ERROR: ")} (all of it in {paths.log})')


def _stamp(paths: Paths) -> Path:
    return paths.venv / '.environment-stamp'


def _fingerprint(paths: Paths, distro: str) -> str:
    # The path is in it because a virtual environment cannot be moved.
    return fingerprint(
        _RECIPE, sys.version, distro, str(paths.venv), *_requirements(paths, distro))


def _tests_stamp(paths: Paths) -> Path:
    return paths.venv / '.tests-stamp'


def _tests_fingerprint(paths: Paths) -> str:
    return fingerprint(_RECIPE, _tests_requirements(paths))
