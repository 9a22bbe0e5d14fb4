# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The journal's thread makes every call, whatever becomes of who awaits it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from pathlib import Path

import pytest
from engagements_harness import Service, run, running, submit
from samples import escalation, image

from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal


def test_what_waits_for_the_disk_is_written_also_when_its_task_is_cancelled(path: Path) -> None:
    gate = threading.Event()

    async def test() -> None:
        journal = AsyncJournal(Journal(path))
        first = asyncio.create_task(journal.read_or(lambda _: gate.wait(20.0), None))
        calls = [
            asyncio.create_task(journal.write(Journal.remember, str(number), 'written'))
            for number in range(5)
        ]
        await asyncio.sleep(0)
        for task in (first, *calls):
            task.cancel()
        await asyncio.gather(first, *calls, return_exceptions=True)
        assert all(task.cancelled() for task in calls)
        left.append(journal)

    left: list[AsyncJournal] = []
    asyncio.run(test())
    gate.set()
    left[0].close()
    with closing(Journal(path)) as again:
        assert [again.recall(str(number)) for number in range(5)] == ['written'] * 5


def test_what_a_call_returns_or_raises_comes_back(path: Path) -> None:
    async def test() -> None:
        with closing(AsyncJournal(Journal(path))) as journal:
            await journal.add(asked := escalation(), image())
            assert await journal.read(Journal.escalation, asked.id) == asked
            with pytest.raises(KeyError):
                await journal.read(Journal.escalation, 'another')

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
