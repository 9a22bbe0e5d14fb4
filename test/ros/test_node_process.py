# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The executable: how it ends, how it refuses, and what it never shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rcl_interfaces.srv import GetParameters, ListParameters
from robot import (
    BEST_EFFORT,
    RELIABLE,
    ROOT,
    TOKEN,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.journal.journal import Journal

STUCK = 'extern "C" int rcl_node_fini(void *) { for (;;) pause(); }'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quickly_with_0(robot: Robot, number: int) -> None:
    """Before its watchdog would end it with 1."""
    node = robot.spawn()
    robot.until(lambda: node.ready)
    assert node.end(number) == 0, node.output
    assert 'Traceback' not in node.output


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow('starts many nodes')
def test_a_signal_while_python_imports_ends_it_with_0(tmp_path: Path, number: int) -> None:
    """Which takes about a second, in which nothing has begun."""
    (tmp_path / 'rclpy.py').write_text(
        f'import os\nos.kill(os.getpid(), {int(number)})\nprint("still here")\n')
    path = os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
    ended = subprocess.run(
        [sys.executable, ROOT / 'scripts' / 'spark_node.in'],
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, '', '')


@pytest.mark.slow('waits for the nine seconds of the watchdog')
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_middleware_that_hangs_does_not_hold_its_end_up(
    robot: Robot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    source, library = tmp_path / 'stuck.cpp', tmp_path / 'stuck.so'
    source.write_text(f'#include <unistd.h>\n{STUCK}\n')
    subprocess.run(['g++', '-shared', '-fPIC', '-o', library, source], check=True)
    monkeypatch.setenv('LD_PRELOAD', str(library))
    node = robot.spawn()
    monkeypatch.delenv('LD_PRELOAD')
    robot.until(lambda: node.ready)
    assert node.end(number) == 1, node.output
    assert 'the journal is closed' in node.output and 'destroy_node' in node.output
    Journal(tmp_path / 'journal.db').close()


def test_each_line_of_the_log_has_the_name_that_the_node_was_given(robot: Robot) -> None:
    """Which /rosout needs, too: it takes only what is logged under a node's name."""
    node = robot.spawn('-r', '__node:=asker', '-r', '__ns:=/fleet', '-p', 'no_such:=1')
    robot.until(lambda: node.ready)
    assert node.end() == 0
    names = re.findall(r'^\[[A-Z]+\] \[[\d.]+\] \[(.*?)\]: ', node.output, re.MULTILINE)
    assert set(names) == {'fleet.asker'} and len(names) > 3, node.output


def call(robot: Robot, kind: type, name: str, **fields: Any) -> Any:
    """Call a service of the node."""
    client = robot.node.create_client(kind, name)
    robot.until(client.service_is_ready)
    # Before, its answer would be dropped.
    robot.known()
    future = client.call_async(kind.Request(**fields))
    robot.until(future.done)
    return future.result()


def test_the_token_shows_nowhere(robot: Robot, listener: Any) -> None:
    listener.status = 401
    node = robot.spawn('--log-level', 'debug', server__url=listener.url)
    robot.listen()
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)

    def refused() -> bool:
        camera.publish(raw(picture(1), stamped(5.0)))
        detector.publish(detections(stamped(5.0), detection('cat', (50, 60, 100, 80))))
        return any('cannot send questions' in line and '401' in line for line in node.lines)

    robot.until(refused)
    names = call(robot, ListParameters, '/spark/list_parameters').result.names
    assert 'server.token_file' in names
    values = call(robot, GetParameters, '/spark/get_parameters', names=names).values
    assert len(values) == len(names) and TOKEN not in str(values)
    command_line = Path(f'/proc/{node.process.pid}/cmdline').read_bytes()
    assert TOKEN.encode() not in command_line
    assert node.end() == 0
    assert TOKEN not in node.output


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['-p', 'limits.open:=-3'], "parameter 'limits.open'"),
        (['-p', 'cameras:=[journal]'], "parameter 'cameras'"),
        (['-p', 'journal.path:=/proc/nothing/here.db'], 'the journal /proc/nothing/here.db'),
        (['--params-file', '/nowhere/params.yaml'], '/nowhere/params.yaml'),
        (['--no-such-flag'], '--no-such-flag'),
    ],
)
@pytest.mark.slow('starts many nodes')
def test_what_is_set_up_wrongly_ends_with_2_and_one_line(
    robot: Robot, arguments: list[str], said: str
) -> None:
    node = robot.spawn(*arguments)
    assert node.wait() == 2, node.output
    ours = [line for line in node.lines if line.startswith('spark_node: ')]
    assert len(ours) == 1 and said in ours[0], node.output
    assert 'Traceback' not in node.output


def test_a_journal_in_use_ends_with_2(robot: Robot, tmp_path: Path) -> None:
    journal = Journal(tmp_path / 'journal.db')
    node = robot.spawn()
    assert node.wait() == 2, node.output
    assert 'in use by another node' in node.output and 'Traceback' not in node.output
    journal.close()
