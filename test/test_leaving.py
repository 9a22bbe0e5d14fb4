# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Tests cannot leave this machine, nor what they start outlive them."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

# TEST-NET-1: nobody has this address.
ELSEWHERE = '192.0.2.1'
TRY = f"""
import contextlib, socket
with contextlib.suppress(OSError):
    socket.create_connection(('{ELSEWHERE}', 80), 1)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'print(1, flush=True); input()'],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
input()
"""


def noted() -> str:
    """Take what was noted of ways out, so that this test does not fail by it."""
    file = Path(os.environ['SPARK_ROS_TESTS_OUTSIDE'])
    text = file.read_text('utf-8') if file.exists() else ''
    file.unlink(missing_ok=True)
    return text


def connect() -> None:
    socket.create_connection((ELSEWHERE, 80), 1)


def send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        any_socket.sendto(b'', (ELSEWHERE, 9))


def look_up() -> None:
    socket.getaddrinfo('spark.example', 80)


def connect_by_asyncio() -> None:
    asyncio.run(asyncio.wait_for(asyncio.open_connection(ELSEWHERE, 80), 1))


@pytest.mark.parametrize('way', [connect, send, look_up, connect_by_asyncio])
def test_a_way_out_is_refused_and_noted(way: Callable[[], None]) -> None:
    with pytest.raises(PermissionError, match='may not leave this machine'):
        way()
    assert ELSEWHERE in (said := noted()) or 'spark.example' in said


def test_it_is_noted_where_a_child_hides_it() -> None:
    subprocess.run([sys.executable, '-c', TRY], check=True)
    assert f'socket.connect to {ELSEWHERE} port 80' in noted()


def test_this_machine_is_within_reach() -> None:
    with socket.create_server(('127.0.0.1', 0)) as server:
        socket.create_connection(('localhost', server.getsockname()[1]), 5).close()
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f'{folder}/socket')
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f'{folder}/socket')
    assert noted() == ''


def test_a_child_ends_with_its_parent() -> None:
    parent = subprocess.Popen(
        [sys.executable, '-c', PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    assert select.select([child], [], [], 20)[0], 'it goes on'
    os.close(child)
