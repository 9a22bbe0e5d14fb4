# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is set anew while everything runs counts at once."""

from __future__ import annotations

import time

import pytest
from engagements_harness import Service, run, running, submit
from samples import escalation, image

from spark_ros.escalation.frames import FrameRing
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.errors import JournalFull
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import FrameMatch
from spark_ros.escalation.settings import Limits
from spark_ros.model import State

HOUR_S = 3600.0


def test_a_shorter_poll_interval_reaches_questions_that_are_open() -> None:
    async def test() -> None:
        service, asked = Service(), escalation()
        async with running(service, Journal(None), None, HOUR_S, HOUR_S) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            service.answer(asked.id)
            engagements.configure(poll_interval_s=0.02, poll_max_interval_s=0.1)
            await record.until(lambda: record.resolved)

    run(test())


def test_nothing_is_sent_while_it_is_held() -> None:
    async def test() -> None:
        service, first, second = Service(), escalation(), escalation()
        async with running(service, Journal(None), dry_run=True) as (engagements, record):
            await submit(engagements, first, second)
            # A sender would read the two from the disk, and then call.
            for _ in range(10):
                await engagements.on_disk(lambda: None)
            assert not service.calls
            engagements.configure(dry_run=False)
            await record.until(lambda: len(engagements.all_asked()) == 2)

    run(test())


def test_limits_count_for_the_next_question() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None), Limits(open=5)) as (engagements, record):
            await submit(engagements, escalation(), escalation())
            await record.until(lambda: len(engagements.all_asked()) == 2)
            now = time.monotonic()
            assert engagements.admits(0.5, now) == ''
            engagements.configure(limits=Limits(open=2))
            assert engagements.admits(0.5, now) == 'limits.open'
            engagements.configure(limits=Limits(open=0, per_hour=2))
            assert engagements.admits(0.5, now) == 'limits.per_hour'
            engagements.configure(
                limits=Limits(open=3, per_hour=3), journal_max_bytes=len(image().data) - 1
            )
            with pytest.raises(JournalFull):
                await submit(engagements, escalation())

    run(test())


def test_a_journal_takes_what_it_is_told_to() -> None:
    async def test() -> None:
        journal = AsyncJournal(Journal(None, 1))
        with pytest.raises(JournalFull):
            await journal.add(escalation(), image())
        journal.limit_images(0)
        await journal.add(escalation(), image())
        journal.close()

    run(test())


def test_a_ring_of_frames_shrinks_and_is_as_exact_as_it_is_told_to_be() -> None:
    ring: FrameRing[str] = FrameRing(1000, 0)
    for number in range(10):
        ring.add(number * 100, f'frame {number}', 100)
    assert ring.best_match(420) is None
    ring.configure(300, 30)
    found = ring.best_match(420)
    assert found and found[1] is FrameMatch.NEAREST and found[0].payload == 'frame 4'
    ring.add(1000, 'newest', 100)
    assert len(ring) == 3
