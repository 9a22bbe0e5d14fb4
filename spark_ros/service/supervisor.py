# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Several processes that serve one address: one that ends is started again; all stop together.

They are forked before any of them has threads or connections, so they share the memory of what is
imported. If the supervisor is killed, the kernel kills them.
"""

from __future__ import annotations

import ctypes
import logging
import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

log = logging.getLogger('spark_ros.service')

# What a process sends to its supervisor when it serves. Real-time signals are not merged.
READY = signal.SIGRTMIN
SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, READY)
# One that served for shorter than this is started again only after a pause, which doubles.
STEADY_S = 60.0
LONGEST_PAUSE_S = 30.0
# How long those that are told to stop may take.
STOP_S = 15.0
# The longest wait that every kernel takes.
LONGEST_S = 3600.0
PR_SET_PDEATHSIG = 1


Work: TypeAlias = Callable[[int, bool, Callable[[], None]], int]


class WorkerFailed(Exception):
    """A process ended before it served for the first time."""


@dataclass
class _Worker:
    """One of the processes.

    Attributes:
        pid: 0 while it does not run.
        served: whether it, or one before it in its place, has served.
        started, due: when it was started, and when it is to be started, by the steady clock.
        short: how many in a row served only shortly.
    """

    number: int
    pid: int = 0
    served: bool = False
    started: float = 0.0
    due: float = 0.0
    short: int = 0


def supervise(count: int, work: Work) -> None:
    """Keep processes running until SIGINT or SIGTERM; call it in the main thread.

    Args:
        count: of processes.
        work: serves, in a process of its own, until SIGTERM, and returns its exit code; gets its
            number from 0, whether it is the first to serve in its place, and a function to call
            once it serves.

    Raises:
        WorkerFailed: one ended before it served for the first time; all are stopped.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    # Not its number: killed, it may be another process's, or the parent's that took its place.
    this = os.pidfd_open(os.getpid())
    supervisor = _Supervisor([_Worker(number) for number in range(count)], work, this)
    try:
        supervisor.run()
    finally:
        supervisor.kill()
        os.close(this)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Supervisor:
    def __init__(self, workers: list[_Worker], work: Work, this: int) -> None:
        self._workers = workers
        self._work = work
        self._this = this
        self._kill_at: float | None = None

    def run(self) -> None:
        while not self._stopping or self._running:
            now = time.monotonic()
            if self._kill_at is not None and now >= self._kill_at:
                self._send(signal.SIGKILL)
                self._kill_at = math.inf
            if not self._stopping:
                for worker in self._workers:
                    if not worker.pid and worker.due <= now:
                        self._start(worker)
            self._wait()

    def kill(self) -> None:
        """Kill what still runs."""
        self._send(signal.SIGKILL)
        for worker in self._running:
            os.waitpid(worker.pid, 0)

    @property
    def _stopping(self) -> bool:
        return self._kill_at is not None

    @property
    def _running(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.pid]

    def _wait(self) -> None:
        """Wait for a signal, or until something is due."""
        due = [worker.due for worker in self._workers if not worker.pid]
        until = min(due, default=math.inf) if self._kill_at is None else self._kill_at
        came = signal.sigtimedwait(SIGNALS, min(max(0.0, until - time.monotonic()), LONGEST_S))
        if came is None:
            return
        if came.si_signo == READY:
            self._mark_served(came)
        elif came.si_signo == signal.SIGCHLD:
            # The kernel gives the signal of the smaller number first, not the earlier one.
            while (earlier := signal.sigtimedwait([READY], 0)) is not None:
                self._mark_served(earlier)
            self._reap()
        else:
            self._kill_at = self._kill_at or time.monotonic() + STOP_S
            # The second time it does not wait for requests under way.
            self._send(signal.SIGTERM)

    def _mark_served(self, ready: signal.struct_siginfo) -> None:
        for worker in self._workers:
            if worker.pid == ready.si_pid:
                worker.served = True
                log.info('process %d serves', worker.number)

    def _start(self, worker: _Worker) -> None:
        supervisor = os.getpid()
        pid = os.fork()
        if pid:
            worker.pid, worker.started = pid, time.monotonic()
            return
        code = 1
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == supervisor:
                # What a terminal sends to all goes to the supervisor alone.
                os.setpgid(0, 0)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
                code = self._work(worker.number, not worker.served, self._tell_served)
        except BaseException:
            log.exception('process %d ended', worker.number)
        finally:
            os._exit(code)

    def _tell_served(self) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._this, READY)

    def _reap(self) -> None:
        for worker in self._running:
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            worker.pid = 0
            if self._stopping:
                continue
            code = os.waitstatus_to_exitcode(status)
            if not worker.served:
                raise WorkerFailed(f'process {worker.number} ended with {code}')
            now = time.monotonic()
            worker.short = worker.short + 1 if now - worker.started < STEADY_S else 0
            pause = min(2.0 ** (worker.short - 2), LONGEST_PAUSE_S) if worker.short > 1 else 0.0
            worker.due = now + pause
            log.error(
                'process %d ended with %d; starting another in %.0f s', worker.number, code, pause
            )

    def _send(self, number: signal.Signals) -> None:
        for worker in self._running:
            os.kill(worker.pid, number)
