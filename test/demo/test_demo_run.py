# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo as a user runs it, from the first frame to the summary."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from checkout import linked_checkout, make_environment
from postgres_server import running_postgres

from spark_ros.cli import spark
from spark_ros.demo.processes import Processes
from spark_ros.demo.session import KEY

ID = re.compile(r'^ *[\d.]+ s  answered +\S+  (\S+)$', re.M)
SERVE = re.compile(r'^  \S*spark-service (serve --data .+)$', re.M)
SHOW = re.compile(r'^  \S*spark (show ID --url .+)$', re.M)
STEPS = ('asked', 'opened', 'answered', 'published')


def demo(checkout: Path, *variables: str) -> str:
    """Run the demo to its end, by make, and return what it told."""
    done = subprocess.run(
        ['make', 'demo', *variables], cwd=checkout, env=make_environment(),
        text=True, capture_output=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def left_behind(marker: str) -> list[str]:
    """Return the command lines of processes whose environment has a marker."""
    found = []
    for process in Path('/proc').glob('[0-9]*'):
        try:
            if marker.encode() in (process / 'environ').read_bytes():
                found.append((process / 'cmdline').read_bytes().replace(b'\0', b' ').decode())
        except OSError:
            continue
    return found


def show_again(told: str, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Start the demo's service again and look at a question, as the demo said."""
    serve, show = SERVE.search(told), SHOW.search(told)
    assert serve and show, told
    key = output / 'service' / KEY
    assert key.stat().st_mode & 0o777 == 0o600 and key.read_text().strip() not in told
    with Processes(output) as processes:
        arguments = (*shlex.split(serve[1]), '--port', '0')
        printed = processes.start('again', 'spark_ros.cli.service', *arguments)
        url = re.search(r'http://[^/\s]+', printed.get(timeout=60) or '')
        assert url is not None
        command = show[1].replace('http://127.0.0.1:8080', url[0])
        id = ID.findall(told)[0]
        assert spark.main(shlex.split(command.replace('ID', id, 1))) == 0
    shown = capsys.readouterr().out
    assert id in shown and '127.0.0.1' in shown


@pytest.mark.slow('begins one demo after the other')
@pytest.mark.timeout(300)
@pytest.mark.parametrize(('line', 'arguments'), [
    (' service ', []),
    (' node ', []),
    (' seen ', []),
    ('calibrating', ['--scene', 'warehouse', '--calibrate']),
])  # fmt: skip
def test_ctrl_c_ends_it_with_one_line(tmp_path: Path, line: str, arguments: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, '-m', 'spark_ros.demo', '--output', tmp_path / 'output', *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout
            assert any(line in told for told in process.stdout)
            os.killpg(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, said) == (130, 'demo: interrupted\n')


@pytest.mark.slow('a whole demo on PostgreSQL')
@pytest.mark.timeout(300)
def test_two_processes_serve_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = linked_checkout(tmp_path / 'checkout')
    with running_postgres() as server:
        monkeypatch.setenv('SPARK_SERVICE_DATABASE', server.url(server.create()))
        told = demo(checkout, 'WORKERS=2')
    for step in STEPS:
        assert len(re.findall(rf'^ *[\d.]+ s  {step} ', told, re.M)) >= 3, told


@pytest.mark.slow('a whole demo')
@pytest.mark.timeout(300)
@pytest.mark.parametrize('variable', ['', 'BACKEND=heat'])
def test_the_main_job(
    tmp_path: Path, variable: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    marker = f'DEMO_OF_TEST={tmp_path}'
    monkeypatch.setenv(*marker.split('=', 1))
    checkout = linked_checkout(tmp_path / 'checkout')
    told = demo(checkout, *filter(None, [variable]))
    output = checkout / 'demo_output'
    monkeypatch.delenv('DEMO_OF_TEST')
    for step in STEPS:
        assert len(re.findall(rf'^ *[\d.]+ s  {step} ', told, re.M)) >= 3, told
    assert re.search(r'\d+ modified', told), told
    before, after = re.search(r'mean IoU +([\d.]+) before, ([\d.]+) after', told).groups()
    assert float(before) < 0.9 and float(after) > float(before), told
    pictures = [cv2.imread(str(path)) for path in output.glob('*.png')]
    assert len(pictures) >= 3
    assert all(p is not None and min(p.shape[:2]) > 200 for p in pictures)
    annotated = [cv2.imread(str(p)) for p in output.glob('*_annotated.jpg')]
    assert annotated and all(p is not None and min(p.shape[:2]) > 200 for p in annotated)
    assert [line for line in left_behind(marker) if str(os.getpid()) not in line] == []
    if variable:
        # Over the other API it is shown while the demo runs, in test_demo_operator.
        monkeypatch.chdir(checkout)
        show_again(told, output, capsys)
