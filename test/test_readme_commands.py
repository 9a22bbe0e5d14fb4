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
from checkout import make_environment

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ('README.md', 'docs/quick-start.md')
BLOCK = re.compile(r'^( *)```sh\n(.*?)^\1```$', re.MULTILINE | re.DOTALL)
MARK = re.compile(r'#\s*needs \S+')
DEADLINE_S = 60.0

# Commands, and the tests that run them as they stand there.
RUN = {
    'make demo': 'test/demo/test_demo_run.py::test_the_main_job',
    'make demo BACKEND=heat': 'test/demo/test_demo_run.py::test_the_main_job',
    'make demo IMAGES=<folder or video>': (
        'test/demo/test_demo_operator.py::test_a_person_answers_every_question_in_the_browser'
    ),
    'make demo OPERATOR=me': (
        'test/demo/test_demo_operator.py::test_a_person_answers_every_question_in_the_browser'
    ),
    'make demo SCENE=warehouse': (
        'test/demo/warehouse/test_warehouse_run.py::test_asking_makes_the_result_better'
    ),
    'make demo SCENE=warehouse CALIBRATE=1': (
        'test/demo/warehouse/test_warehouse_run.py::test_calibrated_thresholds_miss_less'
    ),
    'make demo WORKERS=2': 'test/demo/test_demo_run.py::test_two_processes_serve_it',
    'make service': 'test/installation/test_make.py::test_service',
    'make bench': 'test/installation/test_make.py::test_bench',
    'make lint': 'test/installation/test_make.py::test_lint',
    'make docs': 'test/installation/test_make.py::test_docs',
    'make env': 'test/installation/test_make.py::test_an_environment',
    'make env-tests': 'test/installation/test_make.py::test_an_environment',
    'make help': 'test/test_readme_commands.py::test_every_command_is_run_or_marked',
    "pip install '.[service]'": (
        'test/installation/test_ways_of_installing.py::test_the_console_loads_and_answers'
    ),
}
# They would run themselves, or remove what runs them.
NOT_RUN = {'make test', 'make test-all', 'make clean'}
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
    return {*RUN, *NOT_RUN, *SERVICE, *ASKING}


def documents() -> str:
    return '\n'.join((ROOT / name).read_text('utf-8') for name in DOCUMENTS)


def offered() -> list[str]:
    """Return the commands that `make help` names, with what each variable may be."""
    told = subprocess.run(
        ['make', 'help'], cwd=ROOT, env=make_environment(), text=True, capture_output=True,
        timeout=60, check=True,
    ).stdout  # fmt: skip
    target, found = '', []
    for line in told.splitlines():
        if named := re.match(r'make [\w-]+', line):
            target = named[0]
            found.append(target)
        elif value := re.match(r' {8,}([A-Z]+=(?:<[^>]+>|\S+))', line):
            found.append(f'{target} {value[1]}')
    return found


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
    spoken_of = re.findall(r'`(make [\w-]+(?: [A-Z]+=(?:<[^>]+>|[^`]+))?)`', documents())
    found = {*commands(documents()), *spoken_of, *offered()}
    assert len(found) >= 18
    assert found - known() == set()
    assert known() - found == set(), 'run, and no longer in a document'


def test_a_new_command_is_found() -> None:
    """The test above can fail."""
    block = '```sh\nmake demo   # says\nls -l \\\n  here  # why\nros2 x  # needs ROS 2\n```\n'
    assert commands(block) == ['make demo', 'ls -l here']
    assert commands(f'```sh\n# needs ROS 2 from apt, the whole block\nros2 x\n```\n{block}') == [
        'make demo', 'ls -l here']
    assert commands('1. List:\n\n   ```sh\n   rm x\n   ```\n') == ['rm x']
    assert 'rm x' not in known()


@pytest.mark.parametrize('test', sorted(set(RUN.values())))
def test_the_named_test_is_there(test: str) -> None:
    file, _, name = test.partition('::')
    assert f'\ndef {name}' in (ROOT / file).read_text('utf-8')


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


@pytest.mark.slow('as make service, once more')
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
