# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every command of the README and of the quick start is run here or by another test, or says
what it needs that a test does not have.

A command is marked by a comment behind it, `# needs …`, or above a block, `# needs …, the whole
block`. Whatever else stands there must be in the tables below.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ('README.md', 'docs/quick-start.md')
BLOCK = re.compile(r'^( *)```sh\n(.*?)^\1```$', re.MULTILINE | re.DOTALL)
MARK = re.compile(r'#\s*needs \S+')
DEADLINE_S = 60.0

# What `make` runs for it, and the test that runs the same.
MADE = {
    'make demo': ('-m spark_ros.demo', 'test/demo/test_demo_run.py::test_the_main_job'),
    'make demo IMAGES=<folder or video>': (
        '-m spark_ros.demo --images "<folder or video>"',
        'test/demo/test_demo_run.py::test_the_callers_own_images_are_confirmed',
    ),
    'make demo BACKEND=heat': (
        '-m spark_ros.demo --backend "heat"', 'test/demo/test_demo_run.py::test_the_main_job',
    ),
    'make demo SCENE=warehouse': (
        '-m spark_ros.demo --scene "warehouse"',
        'test/demo/test_loop_run.py::test_asking_makes_the_result_better',
    ),
    'make service': ('spark-service try --data ./spark-data', f'{__name__}.py::test_the_try'),
    'make test': ('-m pytest', f'{__name__}.py::test_'),
}  # fmt: skip
RUN_ELSEWHERE = {
    "pip install '.[service]'": 'test/test_packaging.py::test_clients_service_and_commands',
}
# Run below, in this order, with the folder and the port of a test.
SERVICE = (
    'spark-service key create robot-7 --data /var/lib/spark',
    'spark-service serve --data /var/lib/spark --host 0.0.0.0 --port 8080 '
    '--public-url https://spark.example',
)
ASKING = (
    'export SPARK_URL=http://127.0.0.1:8080',
    'export SPARK_TOKEN="$(cat spark-data/try.key)"',
    ".venv/bin/spark ask frame.jpg --instructions 'Is the path free?' --wait",
)


def commands(text: str) -> list[str]:
    """Return the commands of a document's shell blocks that are not marked, without comments."""
    found: list[str] = []
    for _, block in BLOCK.findall(text):
        lines = [line.strip() for line in block.replace('\\\n', ' ').splitlines() if line.strip()]
        if re.fullmatch(rf'{MARK.pattern}.*, the whole block', lines[0]):
            continue
        for line in lines:
            if not MARK.search(line):
                found.append(re.sub(r'\s+', ' ', re.sub(r'\s+#.*', '', line)))
    return found


def known() -> set[str]:
    return {*MADE, *RUN_ELSEWHERE, *SERVICE, *ASKING}


def documents() -> str:
    return '\n'.join((ROOT / name).read_text('utf-8') for name in DOCUMENTS)


def make(command: str) -> str:
    """Return what make would run."""
    shown = subprocess.run(
        [*shlex.split(command.replace('<folder or video>', "'<folder or video>'")), '--dry-run'],
        cwd=ROOT, text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    return re.sub(r'\s+', ' ', shown.stdout)


def installed(command: str) -> list[str]:
    """Return a command of ours as it is run from here."""
    name, *rest = shlex.split(command)
    return [str(Path(sys.prefix, 'bin', Path(name).name)), *rest]


@contextmanager
def serving(command: list[str]) -> Iterator[list[str]]:
    """Run a service until the block ends; give what it said, up to its login link."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, 'PYTHONUNBUFFERED': '1'}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            # The last word of `try`, which says more than `serve`.
            if 'curl' in line or ('login' in line and 'try' not in command):
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert ready.wait(DEADLINE_S) and process.poll() is None, said
        yield said
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0, said
        reader.join()


def test_every_command_is_run_or_marked() -> None:
    found = commands(documents())
    assert len(found) >= 10
    assert [command for command in found if command not in known()] == []
    assert known() - set(found) == {'make service'}, 'run here, and no longer in a document'


def test_a_new_command_is_found() -> None:
    """The test above can fail."""
    block = '```sh\nmake demo   # says\nls -l \\\n  here  # why\nros2 x  # needs ROS 2\n```\n'
    assert commands(block) == ['make demo', 'ls -l here']
    assert commands(f'```sh\n# needs ROS 2 from apt, the whole block\nros2 x\n```\n{block}') == [
        'make demo', 'ls -l here']
    assert commands('1. List:\n\n   ```sh\n   rm x\n   ```\n') == ['rm x']
    assert 'rm x' not in known()


@pytest.mark.parametrize('command', MADE)
def test_make_runs_what_its_test_runs(command: str) -> None:
    assert MADE[command][0] in make(command)


@pytest.mark.parametrize('test', [*RUN_ELSEWHERE.values(), *(test for _, test in MADE.values())])
def test_the_named_test_is_there(test: str) -> None:
    file, _, name = test.partition('::')
    folder = ROOT if '/' in file else ROOT / 'test'
    assert f'\ndef {name}' in (folder / file).read_text('utf-8')


@pytest.mark.parametrize(
    'command', sorted(set(re.findall(r'`(make [a-z]+)', documents())))
)
def test_the_targets_that_are_spoken_of_are_there(command: str) -> None:
    make(command)


def test_the_service_as_the_readme_runs_it(tmp_path: Path) -> None:
    create, serve = (
        [str(tmp_path) if word == '/var/lib/spark' else word for word in installed(command)]
        for command in SERVICE
    )
    made = subprocess.run(create, text=True, capture_output=True, timeout=60, check=True)
    assert re.fullmatch(r'\S{30,}\n', made.stdout), 'the key, and only that'
    serve[serve.index('8080')] = '0'
    with serving(serve) as said:
        assert 'https://spark.example/login?token=' in ''.join(said)
        assert 'WARNING' not in ''.join(said), 'TLS is the business of the proxy'


def test_the_try_of_the_quick_start(tmp_path: Path) -> None:
    """`make service`, the question that the quick start asks of it, and that of the clients."""
    service = installed('spark-service try --port 0 --operator scripted --data')
    with serving([*service, str(tmp_path / 'spark-data')]) as said:
        told = ''.join(said)
        key = (tmp_path / 'spark-data' / 'try.key').read_text('ascii').strip()
        assert key not in told
        (url,) = set(re.findall(r'http://127\.0\.0\.1:\d+', told))
        done, jpeg = cv2.imencode('.jpg', np.full((48, 64, 3), 90, np.uint8))
        assert done
        (tmp_path / 'frame.jpg').write_bytes(jpeg.tobytes())
        set_url, set_key, ask = ASKING
        script = '\n'.join([
            'set -eu', set_url.replace('http://127.0.0.1:8080', url),
            set_key, shlex.join(installed(ask)),
        ])  # fmt: skip
        asked = subprocess.run(
            ['bash', '-c', script], cwd=tmp_path, text=True, capture_output=True, timeout=60,
            check=False,
        )  # fmt: skip
        page = (ROOT / 'docs' / 'python-api.md').read_text('utf-8')
        (example,) = re.findall(r'```python\n(.*?)```', page, re.DOTALL)
        assert 'https://spark.example' in example and "'the key'" in example
        example = example.replace('https://spark.example', url).replace('the key', key)
        program = subprocess.run(
            [sys.executable, '-c', example], cwd=tmp_path, text=True, capture_output=True,
            timeout=60, check=False,
        )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    assert 'Is the path free?' in asked.stdout and 'confirmed' in asked.stdout, asked.stdout
    assert program.returncode == 0, program.stderr
    assert 'Is the path free?' in program.stdout, program.stdout
