# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo's processes: what one said last is told, and a signal is a camera's ordinary end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor

from spark_ros.demo.errors import DemoError
from spark_ros.demo.messages import IMAGES
from spark_ros.demo.processes import Processes

WORLD = Path(__file__).parents[2] / 'worlds' / 'warehouse.sdf'


@pytest.fixture
def listener() -> Iterator[SingleThreadedExecutor]:
    """An executor with a node that sees who publishes, and does not listen."""
    context = rclpy.Context()
    rclpy.init(context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(rclpy.create_node('listener', context=context))
    yield executor
    for node in executor.get_nodes():
        node.destroy_node()
    rclpy.try_shutdown(context=context)


def test_one_that_ended_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        printed = processes.start('service', 'spark_ros.cli.service', 'nonsense')
        assert printed.get(timeout=60) is None
        assert processes.wait('service') == 2
        processes.check('service')
        with pytest.raises(DemoError, match=r"the service ended:\n[\s\S]*'nonsense'"):
            processes.check()


INTERRUPTED = """
import os, pathlib, signal, sys
from spark_ros.demo.processes import Processes

os.register_at_fork(before=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    with Processes(pathlib.Path(sys.argv[1])) as processes:
        processes.start('service', 'spark_ros.cli.service', '--help')
except KeyboardInterrupt:
    print('interrupted')
"""


def test_ctrl_c_while_a_process_is_started_is_heard(tmp_path: Path) -> None:
    """Python only tells of an exception that is raised while it forks."""
    ended = subprocess.run(
        [sys.executable, '-c', INTERRUPTED, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, 'interrupted\n', '')


@pytest.mark.parametrize('module', ['replay', 'warehouse.simulator'])
def test_ctrl_c_while_python_imports_ends_a_camera(tmp_path: Path, module: str) -> None:
    (tmp_path / 'rclpy.py').write_text(
        f'import os\nos.kill(os.getpid(), {int(signal.SIGINT)})\nprint("still here")\n')
    path = os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
    ended = subprocess.run(
        [sys.executable, '-m', f'spark_ros.demo.{module}'],
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, '', '')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(('module', 'arguments'), [
    ('replay', []), ('warehouse.simulator', [str(WORLD)]),
])  # fmt: skip
def test_a_signal_ends_a_camera(listener, wait_until, module, arguments, number):
    (node,) = listener.get_nodes()
    camera = subprocess.Popen(
        [sys.executable, '-m', f'spark_ros.demo.{module}', *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_until(lambda: node.get_publishers_info_by_topic(IMAGES), listener)
        camera.send_signal(number)
        assert camera.communicate(timeout=60) == ('', '')
    finally:
        camera.kill()
    assert camera.returncode == 0
