# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""colcon: vision_msgs and spark_ros, built into `.venv` itself, their messages without C++.

Installed as links: an edited Python, launch or configuration file is live at once. A build is
due when interfaces or the build's own files change, or when files come or go.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from steps import Failure, Paths, announced, clean_environ, fingerprint, run, stamped

_LINKED = ('spark_ros', 'launch', 'config', 'worlds')
_COMPILED = ('msg', 'action', 'srv', 'scripts', 'resource', 'dev/vision_msgs')


def is_current(paths: Paths) -> bool:
    """Tell whether the last complete build is of these inputs."""
    # The links in .venv lead there.
    built = (paths.build / 'spark_ros').is_dir() and (paths.build / 'vision_msgs').is_dir()
    return built and stamped(_stamp(paths), _fingerprint(paths))


def build(paths: Paths) -> None:
    """Build both packages into `.venv`.

    Raises:
        Failure: a package did not build; says which and where the output is.
    """
    # Taken first: a file that changes while colcon runs must cause another build.
    expected = _fingerprint(paths)
    _stamp(paths).unlink(missing_ok=True)
    _remove_dangling_links(paths)
    environ = clean_environ(
        AMENT_PREFIX_PATH=str(paths.venv),
        CMAKE_PREFIX_PATH=str(paths.venv),
        MAKEFLAGS=f'-j{os.cpu_count() or 1}',
        PATH=f'{paths.venv / "bin"}{os.pathsep}{os.environ["PATH"]}',
        VIRTUAL_ENV=str(paths.venv),
    )
    with announced('building the interfaces and the package with colcon'):
        output = run(paths, [
            paths.python, '-m', 'colcon', '--log-base', paths.build / 'log',
            'build', '--paths', paths.dev / 'vision_msgs', paths.root,
            '--merge-install', '--symlink-install',
            '--install-base', paths.venv, '--build-base', paths.build,
            '--event-handlers', 'console_direct+',
            # CMakeLists.txt looks which directories there are; make would not ask it again.
            '--cmake-force-configure',
            '--cmake-args', f'-DPython3_EXECUTABLE={paths.python}', '-DBUILD_TESTING=OFF',
            f'-DCMAKE_PROJECT_INCLUDE={_without_cpp(paths)}',
        ], environ)
    if output is not None:
        errors = re.findall(r'^.*(?:\berror:|CMake Error).*$', output, re.MULTILINE)
        first = errors[0].strip() if errors else 'colcon build failed'
        raise Failure(f'{first} (all of it in {paths.log})')
    _stamp(paths).write_text(expected)


def _remove_dangling_links(paths: Paths) -> None:
    """Remove what an earlier build linked and the checkout no longer has."""
    site_packages = f'lib/python3.{sys.version_info.minor}/site-packages/spark_ros'
    for directory in (paths.venv / site_packages, paths.venv / 'share' / 'spark_ros'):
        for entry in directory.rglob('*'):
            if entry.is_symlink() and not entry.exists():
                entry.unlink()


def _stamp(paths: Paths) -> Path:
    return paths.venv / '.build-stamp'


def _fingerprint(paths: Paths) -> str:
    names = [str(file.relative_to(paths.root)) for file in _files(paths.root, _LINKED)]
    compiled = list(_files(paths.root, _COMPILED))
    compiled_names = [str(file.relative_to(paths.root)) for file in compiled]
    return fingerprint(
        names, compiled_names, *compiled, paths.root / 'CMakeLists.txt',
        paths.root / 'package.xml', _without_cpp(paths))


def _without_cpp(paths: Paths) -> Path:
    return paths.dev / 'without_cpp.cmake'


def _files(root: Path, directories: tuple[str, ...]) -> Iterator[Path]:
    for directory in directories:
        for file in sorted((root / directory).rglob('*')):
            if file.is_file() and '__pycache__' not in file.parts:
                yield file
