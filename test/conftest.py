# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every pytest process in a network, a ROS domain and a ROS home of its own.

The environment is set while this file is imported, before any test imports rclpy. A test that
hangs is ended by pytest-timeout; where that cannot, since a call holds the interpreter's lock,
`faulthandler_timeout` ends the process with every stack, and pytest-xdist starts another.
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import certifi
import disk
import domain_coordinator
import guard
import hypothesis
import network
import pytest

DEADLINE_S = 60.0
DOMAIN_S = 60.0
EXIT_S = 30.0
# Of a worker that has done its share and waits for the others.
WORKER_EXIT_S = 960.0
SLOWEST_FIRST = {'fuzz': 0, 'console': 1, 'ros': 2, 'service': 3, 'installation': 4, 'demo': 5}
PROFILE = Path(__file__).with_name('fastdds_loopback.xml')
MEMORY, ROOM = Path('/dev/shm'), 4e9
REASONED = ('slow', 'sqlite', 'postgresql')
END = '-----END CERTIFICATE-----\n'
REMOVED = (
    'PYTHONDONTWRITEBYTECODE', 'ROS_STATIC_PEERS', 'SPARK_SERVICE_DATABASE', 'SPARK_TOKEN',
)  # fmt: skip
PROXIES = ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy')

_until_the_end = ExitStack()


def _isolate() -> None:
    home = _until_the_end.enter_context(tempfile.TemporaryDirectory(prefix='spark_ros_test_'))
    one_authority = Path(home, 'authority.pem')
    one_authority.write_text(Path(certifi.where()).read_text('utf-8').split(END)[0] + END)
    descriptor = network.leave()
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        # What outlives a process does so in memory, too; only a machine that stops would tell.
        os.environ.setdefault('PYTEST_DEBUG_TEMPROOT', str(MEMORY))
    os.environ.setdefault('SPARK_ROS_TESTS_TRUST', os.environ.get('SSL_CERT_FILE', ''))
    os.environ.update(
        ROS_DOMAIN_ID=str(_take_domain()),
        # With LOCALHOST, rmw_fastrtps adds shared memory whatever the profile says.
        ROS_AUTOMATIC_DISCOVERY_RANGE='SUBNET',
        FASTRTPS_DEFAULT_PROFILES_FILE=str(PROFILE),
        FASTDDS_DEFAULT_PROFILES_FILE=str(PROFILE),
        ROS_HOME=home,
        ROS_LOG_DIR=os.path.join(home, 'log'),
        PYTHONUNBUFFERED='1',
        # Each client of httpx reads it, and a hundred authorities would take it 30 ms.
        SSL_CERT_FILE=str(one_authority),
        SPARK_ROS_TESTS_GUARD=guard.__file__,
        SPARK_ROS_TESTS_OUTSIDE=os.path.join(home, 'outside'),
    )
    sys.addaudithook(guard.watch)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell lets what it starts in the background ignore it, and so would what tests start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in REMOVED:
        os.environ.pop(name, None)
    for name in PROXIES:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    if descriptor is not None:
        # Of the process that was started first, whose workers inherit the variable.
        os.environ.setdefault('SPARK_ROS_TESTS_NETWORK', f'/proc/{os.getpid()}/fd/{descriptor}')


def _take_domain() -> int:
    """Return a domain of this process alone in its network, once there is one.

    Raises:
        RuntimeError: there is none at the deadline.
    """
    end = time.monotonic() + DOMAIN_S
    while True:
        try:
            domain: int = _until_the_end.enter_context(domain_coordinator.domain_id())
            return domain
        except RuntimeError:
            if time.monotonic() > end:
                raise RuntimeError(
                    'the ports 32769 to 32868, which stand for ROS domains, are all in use '
                    f'since {DOMAIN_S:g} s: end other test runs'
                ) from None
            time.sleep(0.1)


_isolate()
# A busy machine is no failure of a law.
hypothesis.settings.register_profile('unhurried', deadline=None)
hypothesis.settings.load_profile('unhurried')


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest, so that no process is idle at the end.

    What `make test` leaves out says why.
    """

    def part(item: pytest.Item) -> str:
        return item.path.relative_to(Path(__file__).parent).parts[0]

    for item in items:
        for mark in item.iter_markers():
            reasoned = mark.args or mark.name not in REASONED
            assert reasoned, f'{item.nodeid}: {mark.name}, why?'
    items.sort(key=lambda item: SLOWEST_FIRST.get(part(item), len(SLOWEST_FIRST)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage among what tests make, and not among the tests again and again.

    A test's own timeout is below the one that takes the process with it.
    """
    last_s = float(session.config.getini('faulthandler_timeout'))
    for item in session.items:
        for mark in item.iter_markers('timeout'):
            assert mark.args[0] < last_s, f'{item.nodeid}: {mark.args[0]} s'
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Give the domain back and remove the ROS home; what hangs at exit does not hang for ever."""
    _until_the_end.close()
    alone = 'PYTEST_XDIST_WORKER' not in os.environ
    faulthandler.dump_traceback_later(EXIT_S if alone else WORKER_EXIT_S, exit=True)


@pytest.fixture(scope='session')
def wait_until() -> Callable[..., None]:
    """Give a function that turns an executor over until a condition holds.

    `wait_until(condition, executor, deadline_s=60)` waits for the executor's events and looks
    at the condition after each; what is still false at the deadline fails the test.
    """

    def wait(
        condition: Callable[[], Any], executor: Any, deadline_s: float = DEADLINE_S
    ) -> None:
        end = time.monotonic() + deadline_s
        while not condition():
            rest = end - time.monotonic()
            assert rest > 0, f'not within {deadline_s:g} s'
            executor.spin_once(timeout_sec=min(rest, 0.05))

    return wait


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 3 MB; see `disk.fill_up`."""
    with disk.mounted(tmp_path / 'disk') as place:
        yield place


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Take back what a node in this process did to the package's logger."""
    package = logging.getLogger('spark_ros')
    handlers, level, propagate = package.handlers[:], package.level, package.propagate
    yield
    package.handlers[:], package.propagate = handlers, propagate
    package.setLevel(level)


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine() -> Iterator[None]:
    """Fail the test that tried, itself or by a process that it started."""
    noted = Path(os.environ['SPARK_ROS_TESTS_OUTSIDE'])
    yield
    if noted.exists():
        tried = noted.read_text('utf-8')
        noted.unlink()
        pytest.fail(f'a test may not leave this machine:\n{tried}')
