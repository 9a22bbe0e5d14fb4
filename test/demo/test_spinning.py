# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A signal ends a node of the demo with 0, wherever it is just then."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

NODE = """
import os, signal, sys
import rclpy
from rclpy.node import Node
from std_msgs.msg import Header
from spark_ros.demo.spinning import spin

where, number = sys.argv[1], int(sys.argv[2])

def signal_here():
    print('a signal', flush=True)
    os.kill(os.getpid(), number)

if where == 'before ROS':
    init = rclpy.init
    rclpy.init = lambda: (signal_here(), init())

class OneNode(Node):
    def __init__(self):
        super().__init__('one')
        if where == 'its start':
            signal_here()
        self.publisher = self.create_publisher(Header, 'said', 1)
        self.create_subscription(Header, 'said', self.on_message, 1)
        self.create_timer(0.01, self.say)
        self.message = Header(frame_id='map')
        if where == 'take_message':
            # rclpy's C code sets it.
            Header.frame_id = Header.frame_id.setter(self.take_frame_id)

    def say(self):
        self.publisher.publish(self.message)

    def take_frame_id(self, header, value):
        signal_here()

    def on_message(self, message):
        if where != 'before ROS':
            signal_here()

sys.exit(spin(OneNode))
"""

WAIT = """
from rclpy.signals import SignalHandlerOptions
from spark_ros.demo.waiting import spin_until

rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
try:
    spin_until(OneNode(), lambda: False)
except KeyboardInterrupt:
    print('interrupted')
rclpy.try_shutdown()
"""


@pytest.mark.parametrize(('where', 'number'), [
    ('before ROS', signal.SIGINT),
    ('its start', signal.SIGINT),
    ('take_message', signal.SIGINT),
    ('its callback', signal.SIGTERM),
])  # fmt: skip
def test_a_signal_is_its_ordinary_end(where: str, number: int) -> None:
    ended = subprocess.run(
        [sys.executable, '-c', NODE, where, str(int(number))],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0 and 'a signal' in ended.stdout, ended.stderr
    assert 'Traceback' not in ended.stderr


def test_what_goes_wrong_otherwise_is_not_hidden() -> None:
    broken = NODE.replace('signal_here()\n\nsys', "raise KeyError('broken')\n\nsys")
    ended = subprocess.run(
        [sys.executable, '-c', broken, 'its callback', '2'],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 1 and "KeyError: 'broken'" in ended.stderr


def test_an_interrupt_comes_after_the_message_that_is_taken() -> None:
    """Else rclpy makes a RuntimeError of it."""
    waiting = NODE.replace('sys.exit(spin(OneNode))', WAIT)
    ended = subprocess.run(
        [sys.executable, '-c', waiting, 'take_message', '2'],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0 and 'interrupted' in ended.stdout, ended.stderr
    assert not ended.stderr
