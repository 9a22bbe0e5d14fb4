# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Killed in the middle of deleting: nothing dangles, and the next one goes on to the end."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from installed import SPARK_SERVICE
from kept_data import connected, count, expect_consistent, fill, stored
from service_harness import InProcess
from sqlalchemy import select

from spark_ros.service.storage import schema

pytestmark = [pytest.mark.slow('kills services by chance'), pytest.mark.timeout(300)]

DEADLINE_S = 60.0
OVER, OTHERS = 300, 20
LOOK_EVERY_S = 0.01
KEEP = ('serve', '--port', '0', '--keep-days', '30')
FORGET = ('forget', '--key', 'first', '--yes')


@pytest.fixture(params=['disk', 'bucket'])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def data(make_service: Callable[..., InProcess]) -> Path:
    """The data of a service that has stopped: questions that ended long ago, and others."""
    service = make_service()
    for name in ('first', 'second'):
        service.key(name)
    fill(service, 'first', OVER, ended=True)
    # The clock of the processes, by which the first are years old.
    service.clock.now = time.time()
    fill(service, 'second', OTHERS, ended=False)
    service.close()
    return service.settings.data


@pytest.mark.parametrize('command', [KEEP, FORGET], ids=['serve', 'forget'])
def test_killed_at_any_step_it_is_consistent_and_goes_on(
    data: Path, images: str, folder: Path, command: tuple[str, ...]
) -> None:
    chance, kept = random.Random(3), others(data, folder)
    left = OVER + OTHERS
    for _ in range(2):
        left = chance.randint(OTHERS, max(OTHERS, left - 1))
        kill_when(data, images, command, lambda left=left: count(data, 'questions') <= left)
        expect_consistent(data, folder, pending=True)
        left = min(left, count(data, 'questions'))
        assert others(data, folder) == kept
    files = chance.randint(OTHERS + 1, OVER)
    kill_when(data, images, command, lambda: len(stored(folder)) <= files)
    expect_consistent(data, folder, pending=True)
    with running(data, images, command) as process:
        until_ended(process, lambda: is_done(data))
    assert is_done(data) and others(data, folder) == kept
    assert len(stored(folder)) == OTHERS
    expect_consistent(data, folder)


def is_done(data: Path) -> bool:
    return count(data, 'questions') == OTHERS and not count(data, 'file_removals')


def others(data: Path, folder: Path) -> tuple[Any, ...]:
    """Return all that the service has of the other key."""
    with connected(data) as connection:
        [(id, tenant)] = connection.execute(
            select(schema.keys.c.id, schema.keys.c.tenant).where(schema.keys.c.name == 'second')
        )
        rows = [
            connection.execute(
                select(table).where(table.c[column] == value).order_by(*table.primary_key)
            ).all()
            for table, column, value in (
                (schema.jobs, 'key_id', id), (schema.questions, 'key_id', id),
                (schema.changes, 'key_id', id), (schema.images, 'tenant', tenant),
            )
        ]
    files = {file.name: file.read_bytes() for file in stored(folder / tenant)}
    assert [len(each) for each in rows] == [OTHERS] * 4 and len(files) == OTHERS
    return rows, files


def kill_when(
    data: Path, images: str, command: tuple[str, ...], condition: Callable[[], bool]
) -> None:
    with running(data, images, command) as process:
        until_ended(process, condition)


@contextmanager
def running(
    data: Path, images: str, command: tuple[str, ...]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command; kill it at the end."""
    log = data.with_name('killed.log')
    with open(log, 'ab') as errors:
        process = subprocess.Popen(
            [SPARK_SERVICE, *command, '--data', str(data), '--images', images],
            stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        assert 'Traceback' not in log.read_text()


def until_ended(process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    """Wait until a process has ended, or got so far."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_EVERY_S)
            return
