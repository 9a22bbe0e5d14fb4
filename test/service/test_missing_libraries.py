# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A library that is missing, or cannot be loaded, is one line that says what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from installed import SPARK_SERVICE
from service_harness import DEADLINE_S, picture, question, served
from serving import printed

from spark_ros.cli import service, spark
from spark_ros.cli.missing import missing_library

pytestmark = pytest.mark.slow('starts commands without this and that')


def broken(folder: Path, name: str, reason: str) -> Path:
    """Put a library of that name there, which cannot be imported for that reason."""
    folder.mkdir(exist_ok=True)
    (folder / f'{name}.py').write_text(f'raise ImportError({reason!r}, name={name!r})\n')
    return folder


def run_with(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `spark-service` in a process of its own that finds these libraries first."""
    return subprocess.run(
        [SPARK_SERVICE, *arguments],
        capture_output=True, text=True, timeout=DEADLINE_S,
        env={**os.environ, 'PYTHONPATH': str(folder)},
    )  # fmt: skip


@pytest.mark.parametrize('reason', [
    "No module named 'cv2'", 'libGL.so.1: cannot open shared object file\nand more',
])  # fmt: skip
def test_pictures_without_opencv(
    tmp_path: Path, reason: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    data = tmp_path / 'data'
    key = printed('key', 'create', 'robot', '--data', str(data))
    with served(data, key=key) as running:
        with httpx.Client(base_url=running.url, headers=running.headers) as robot:
            files = {'image_file': ('a.jpg', picture())}
            location = robot.post('/v1/image', files=files).json()['url']
            asked = robot.post('/v1/engagement', json=question(content_location=location))
        monkeypatch.syspath_prepend(broken(tmp_path / 'broken', 'cv2', reason))
        monkeypatch.delitem(sys.modules, 'cv2', raising=False)
        monkeypatch.setenv('SPARK_TOKEN', key)
        monkeypatch.setenv('SPARK_URL', running.url)
        token = asked.json()['token']
        assert spark.main(['show', token]) == 0
        assert spark.main(['show', token, '--save', str(tmp_path / 'saved')]) == 2
    said = capsys.readouterr()
    assert said.err == (
        f'spark: cv2 cannot be imported: {reason.splitlines()[0]}; '
        "pip install 'opencv-python<5'; where libGL is missing: apt install libgl1\n"
    )


@pytest.mark.parametrize(
    'name',
    ['sqlalchemy', 'yaml', 'PIL', 'starlette', 'uvicorn', 'uvloop', 'httptools',
     'prometheus_client'],
)  # fmt: skip
def test_the_service_without_its_extra(tmp_path: Path, name: str) -> None:
    folder = broken(tmp_path / 'broken', name, f'No module named {name!r}')
    said = run_with(folder, 'serve', '--port', '0', '--data', str(tmp_path / 'data'))
    assert (said.returncode, said.stdout) == (1, '')
    assert said.stderr == (
        f"spark-service: {name} cannot be imported: No module named {name!r}; "
        "pip install '.[service]' in the folder of spark_ros\n"
    )


def test_an_upgrade_without_alembic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = str(tmp_path / 'data')
    printed('key', 'create', 'robot', '--data', data)
    reason = "No module named 'alembic'"
    monkeypatch.syspath_prepend(broken(tmp_path / 'broken', 'alembic', reason))
    for name in ('alembic', 'spark_ros.service.upgrade'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert service.main(['database', 'upgrade', '--data', data]) == 1
    assert capsys.readouterr().err == (
        f'spark-service: alembic cannot be imported: {reason}; '
        "pip install '.[service]' in the folder of spark_ros\n"
    )


@pytest.mark.parametrize('arguments', [
    ['serve', '--port', '0'], ['key', 'create', 'a'], ['key', 'list'],
])  # fmt: skip
def test_a_database_without_its_driver(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    reason = 'no pq wrapper available.\nAttempts made:\n- none'
    monkeypatch.syspath_prepend(broken(tmp_path / 'broken', 'psycopg', reason))
    monkeypatch.delitem(sys.modules, 'psycopg', raising=False)
    where = ['--database', 'postgresql+psycopg://spark:secret@127.0.0.1:9/spark']
    assert service.main([*arguments, *where, '--data', str(tmp_path / 'data')]) == 1
    assert capsys.readouterr().err == (
        'spark-service: the driver of postgresql+psycopg cannot be imported: '
        'no pq wrapper available.; install it (of postgresql+psycopg: '
        "pip install 'psycopg[binary]')\n"
    )


def test_a_mistake_of_our_own_is_not_hidden() -> None:
    error = ImportError('cannot import name', name='spark_ros.cli.gone')
    with pytest.raises(ImportError) as raised:
        missing_library(error)
    assert raised.value is error
