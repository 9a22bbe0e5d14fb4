# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""However the service is installed, its console works: by make, by colcon alone, and by pip."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from checkout import ROOT
from chromium import log_in
from installed import SPARK_SERVICE
from network import outside
from playwright.sync_api import Page, Response
from running import answer, running

PACKED = ('LICENSE', 'pyproject.toml', 'setup.cfg', 'setup.py', 'spark_ros')
NAMED = re.compile(r'(?:href|src)="(/console/[^"]+)"')
INSTALL_S = 500.0


def by_make(folder: Path) -> str:
    """Return the service's command as `make` installs it, by links."""
    return SPARK_SERVICE


def by_colcon(folder: Path) -> str:
    """Build as on a robot, without links, and return a command that sources what was built."""
    shutil.copytree(
        ROOT, folder / 'src' / 'spark_ros',
        ignore=shutil.ignore_patterns('.*', 'build', 'demo_output', 'spark-data', '__pycache__'),
    )
    build = [
        sys.executable, '-m', 'colcon', 'build',
        '--cmake-args', f'-DPython3_EXECUTABLE={sys.executable}', '-DBUILD_TESTING=OFF',
    ]
    prefix = str(Path(sys.prefix))
    around = {
        **os.environ, 'AMENT_PREFIX_PATH': prefix, 'CMAKE_PREFIX_PATH': prefix,
        'PATH': f'{prefix}/bin{os.pathsep}{os.environ["PATH"]}',
        'MAKEFLAGS': f'-j{os.cpu_count()}',
    }
    done(build, folder, around)
    command = folder / 'spark-service'
    setup = shlex.quote(str(folder / 'install' / 'setup.bash'))
    command.write_text(f'#!/bin/bash\n. {setup}\nexec spark-service "$@"\n')
    command.chmod(0o755)
    return str(command)


def by_pip(folder: Path) -> str:
    """Run `pip install '.[service]'` in a fresh environment and return the service's command."""
    source = folder / 'source'
    source.mkdir()
    for name in PACKED:
        if (ROOT / name).is_dir():
            # Other processes write compiled files meanwhile, under names that vanish.
            ignored = shutil.ignore_patterns('__pycache__')
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source)
    base_python = getattr(sys, '_base_executable', sys.executable)
    done([base_python, '-m', 'venv', folder / 'venv'], folder)
    done(outside([str(folder / 'venv/bin/pip'), 'install', '--quiet', '.[service]']), source)
    return str(folder / 'venv' / 'bin' / 'spark-service')


def done(command: list[object], folder: Path, around: dict[str, str] | None = None) -> None:
    """Run a command to its end, well."""
    ended = subprocess.run(
        list(map(str, command)), cwd=folder, env=around, text=True, timeout=INSTALL_S,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:]


# Make has installed it already.
slow = pytest.mark.slow('builds and installs the package anew')


@pytest.mark.parametrize('install', [
    by_make,
    pytest.param(by_colcon, marks=[slow, pytest.mark.timeout(600)]),
    pytest.param(by_pip, marks=[slow, pytest.mark.timeout(600)]),
])  # fmt: skip
def test_the_console_loads_and_answers(
    install: Callable[[Path], str], page: Page, tmp_path: Path
) -> None:
    service, data = install(tmp_path), str(tmp_path / 'data')
    where = subprocess.run(
        [service, 'key', 'create', 'robot', '--data', data], cwd=tmp_path, text=True,
        capture_output=True, check=True,
    )
    loaded: dict[str, int] = {}

    def note(response: Response) -> None:
        loaded[httpx.URL(response.url).path] = response.status

    page.on('response', note)
    with running([service, 'serve', '--port', '0', '--data', data], tmp_path) as serving:
        url, link = serving.until(r'(http\S+)  console \(opens once\): (http\S+)').groups()
        log_in(page, link)
        robot = httpx.Client(
            base_url=url, headers={'Authorization': f'Bearer {where.stdout.strip()}'}
        )
        # Files, and no links to other pages.
        named = {each for each in NAMED.findall(page.content()) if Path(each).suffix}
        assert len(named) >= 3 and named <= loaded.keys()
        picture = cv2.imencode('.jpg', np.full((480, 640, 3), 90, np.uint8))[1].tobytes()
        urls = robot.post('/v1/image', files={'image_file': ('a.jpg', picture)}).json()
        body = {'content_location': [urls['signedUrl']], 'instructions': 'Is the path free?'}
        token = robot.post('/v1/engagement', json=body).json()['token']
        answer(page, 'It is free.')
        (engagement,) = robot.get(f'/v1/engagement/{token}').json()
        assert engagement['state'] == 'closed'
        assert 'It is free.' in str(engagement)
        robot.close()
    files = {path: status for path, status in loaded.items() if path.startswith('/console/')}
    assert [path for path, status in files.items() if status not in (200, 304)] == []
    assert {Path(path).suffix for path in files} >= {'.js', '.css'}
