# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Several processes on one address: what ends is started again, and all end together."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from postgres_server import PostgresServer
from service_harness import DEADLINE_S, Served, question, served_by_process
from serving import ServingProcess, call, printed

from spark_ros.cli.service import main as spark_service

# Each process says its number, whether it is the first in its place, and its own.
PROGRAM = """
import os, signal, sys
from spark_ros.service.supervisor import supervise

def work(number, first, tell_served):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    refuses = number == 1 and sys.argv[1:] == ['refuses']
    if not refuses:
        tell_served()
    os.write(1, f'{number} {first} {os.getpid()}\\n'.encode())
    if refuses:
        return 7
    signal.sigwait({signal.SIGTERM})
    return 0

supervise(2, work)
"""

# The process kills its supervisor, and then says that it serves.
ORPHANED = """
import ctypes, os, signal
from spark_ros.service.supervisor import supervise

def work(number, first, tell_served):
    ctypes.CDLL(None).prctl(1, 0)
    supervisor = os.getppid()
    os.kill(supervisor, signal.SIGKILL)
    while os.getppid() == supervisor:
        pass
    tell_served()
    os.write(1, b'told\\n')
    return 0

supervise(1, work)
"""
# Runs a program, and is the parent of what that leaves behind.
ADOPTING = """
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1)
subprocess.run([sys.executable, '-c', sys.argv[1]])
os.wait()
"""


@dataclass
class Started:
    """A supervisor with two processes, and the process ids of those by their number."""

    process: subprocess.Popen[str]
    pids: dict[int, int]

    def next(self) -> tuple[int, str]:
        """Wait until a process is started; return its number, and whether it is the first."""
        assert self.process.stdout is not None
        number, first, pid = self.process.stdout.readline().split()
        self.pids[int(number)] = int(pid)
        return int(number), first

    def expect_nobody(self) -> None:
        """Wait until all have ended: each has the pipe open."""
        assert self.process.stdout is not None
        assert self.process.stdout.read() == ''


@contextmanager
def started(*arguments: str) -> Iterator[Started]:
    with subprocess.Popen(
        [sys.executable, '-c', PROGRAM, *arguments], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield Started(process, {})
        finally:
            process.kill()


def test_one_that_ends_is_started_again_and_all_stop_together() -> None:
    with started() as supervisor:
        assert sorted(supervisor.next() for _ in range(2)) == [(0, 'True'), (1, 'True')]
        for _ in range(2):
            os.kill(supervisor.pids[0], signal.SIGKILL)
            assert supervisor.next() == (0, 'False')
        supervisor.process.send_signal(signal.SIGTERM)
        supervisor.expect_nobody()
        assert supervisor.process.wait(DEADLINE_S) == 0


def test_they_end_with_their_supervisor() -> None:
    with started() as supervisor:
        for _ in range(2):
            supervisor.next()
        supervisor.process.kill()
        supervisor.expect_nobody()


def test_one_that_lost_its_supervisor_signals_nobody_else() -> None:
    """Another process may have taken the supervisor's place as its parent."""
    with subprocess.Popen(
        [sys.executable, '-c', ADOPTING, ORPHANED], text=True, stdout=subprocess.PIPE
    ) as process:  # fmt: skip
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, said) == (0, 'told\n')


def test_one_that_does_not_come_to_serve_ends_all() -> None:
    with started('refuses') as supervisor:
        assert supervisor.process.stdout is not None
        # Until all have ended; the other one may have to before it says anything.
        supervisor.process.stdout.read()
        assert supervisor.process.wait(DEADLINE_S) != 0
        assert supervisor.process.stderr is not None
        assert 'process 1 ended with 7' in supervisor.process.stderr.read()


def test_sqlite_has_one(tmp_path: Path) -> None:
    said = call(spark_service, 'serve', '--workers', '2', '--data', str(tmp_path / 'data'))
    assert said.returncode == 1 and 'with SQLite, one process serves' in said.stderr


@contextmanager
def ended(pids: list[int]) -> Iterator[None]:
    """Wait after the block until processes have ended that the block kills."""
    with ExitStack() as stack:
        ends = [os.pidfd_open(pid) for pid in pids]
        for end in ends:
            stack.callback(os.close, end)
        yield
        for end in ends:
            assert select.select([end], [], [], DEADLINE_S)[0]


def wait_until_all_serve(service: Served) -> None:
    """Wait until no process counts any more as one that does not come to serve."""
    until = time.monotonic() + DEADLINE_S
    while not all(f'process {number} serves' in service.log.read_text() for number in range(2)):
        assert time.monotonic() < until


@pytest.mark.slow('starts six services')
def test_the_service_goes_on_when_one_is_killed_and_starts_anew_when_all_are(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('SPARK_SERVICE_DATABASE', server.url(server.create()))
    data = tmp_path / 'data'
    key = printed('key', 'create', 'robot', '--data', str(data))
    headers, tokens = {'Authorization': f'Bearer {key}'}, set()
    for how in (signal.SIGKILL, signal.SIGTERM):
        with (
            served_by_process(data, '--workers', '2', '--verbose') as service,
            # Its retries are of connections that were not made.
            httpx.Client(transport=httpx.HTTPTransport(retries=3), timeout=DEADLINE_S) as http,
        ):
            serving, path = service.serving, f'{service.url}/v1/engagement'
            assert isinstance(serving, ServingProcess)
            wait_until_all_serve(service)
            for killed in (None, *serving.children):
                if killed is not None:
                    # Until its end it may take a connection.
                    with ended([killed]):
                        os.kill(killed, signal.SIGKILL)
                # A new connection: of the old ones, some were with the one that is gone.
                answer = http.post(
                    path, json=question(), headers={**headers, 'Connection': 'close'}
                )
                tokens.add(answer.raise_for_status().json()['token'])
            found = http.get(path, headers=headers).json()
            assert {each['token'] for each in found} == tokens
            # Only then the directory is free.
            with ended(serving.children):
                assert serving.stop(how) == (0 if how is signal.SIGTERM else -signal.SIGKILL)
            service.log.unlink()
