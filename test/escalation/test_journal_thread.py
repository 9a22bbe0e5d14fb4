# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The journal's thread makes every call, whatever becomes of who awaits it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from engagements_harness import Service, run, running, submit
from samples import escalation

from spark_ros.escalation.journal.disk import Disk
from spark_ros.escalation.journal.journal import Journal


def test_what_waits_for_the_disk_is_written_also_when_its_task_is_cancelled() -> None:
    disk, gate, made = Disk(), threading.Event(), list[int]()

    async def test() -> None:
        first = asyncio.create_task(disk(gate.wait, 20.0))
        calls = [asyncio.create_task(disk(made.append, number)) for number in range(5)]
        await asyncio.sleep(0)
        for task in (first, *calls):
            task.cancel()
        await asyncio.gather(first, *calls, return_exceptions=True)
        assert all(task.cancelled() for task in calls) and not made

    asyncio.run(test())
    gate.set()
    disk.close(lambda: made.append(99))
    assert made == [0, 1, 2, 3, 4, 99]


def test_what_a_call_returns_or_raises_comes_back() -> None:
    async def test() -> None:
        disk = Disk()
        assert await disk(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await disk(divmod, 7, 0)
        disk.close(lambda: None)

    asyncio.run(test())


def test_what_is_withdrawn_while_the_journal_is_being_read_does_not_come_back(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken_back, other = escalation(), escalation()

    async def test() -> None:
        service = Service()
        async with running(service, Journal(path)) as (engagements, record):
            await submit(engagements, taken_back)
            assert await engagements.withdraw(taken_back.id) == ''
            await submit(engagements, other)
            await record.until(lambda: service.opened)
        assert service.opened == [other]

    run(test())
    assert 'lost' not in caplog.text
