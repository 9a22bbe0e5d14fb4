# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is set anew while everything runs counts at once."""

from __future__ import annotations

import asyncio
import time

import pytest
from courier_harness import Service, run, running, submit
from samples import escalation, image

from spark_ros.escalation.backends.backend import Asked
from spark_ros.escalation.backends.late_backend import LateBackend
from spark_ros.escalation.courier import Limits
from spark_ros.escalation.frames import FrameRing
from spark_ros.escalation.journal.errors import JournalFull
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.poller import Poller
from spark_ros.escalation.question.escalation import FrameMatch
from spark_ros.model import Question, State

HOUR_S = 3600.0


def test_a_shorter_poll_interval_reaches_questions_that_are_open() -> None:
    async def test() -> None:
        service, asked = Service(), escalation()
        async with running(service, Journal(None)) as (courier, record):
            rare = Poller(service, courier, HOUR_S, HOUR_S)
            courier.on_open = rare.watch
            await submit(courier, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            polling = asyncio.ensure_future(rare.run())
            service.answer(asked.id)
            rare.configure(0.02, 0.1)
            await record.until(lambda: record.resolved)
            polling.cancel()

    run(test())


def test_nothing_is_sent_while_it_is_held() -> None:
    async def test() -> None:
        service, first, second = Service(), escalation(), escalation()
        async with running(service, Journal(None)) as (courier, record):
            courier.hold(True)
            await submit(courier, first, second)
            # A sender would read the two from the disk, and then call.
            for _ in range(10):
                await courier._disk(lambda: None)
            assert not service.calls
            courier.hold(False)
            await record.until(lambda: len(courier.all_asked()) == 2)

    run(test())


def test_limits_count_for_the_next_question() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None), Limits(open=5)) as (courier, record):
            await submit(courier, escalation(), escalation())
            await record.until(lambda: len(courier.all_asked()) == 2)
            now = time.monotonic()
            assert courier.admits(0.5, now) == ''
            courier.configure(Limits(open=2), 0)
            assert courier.admits(0.5, now) == 'limits.open'
            courier.configure(Limits(open=0, per_hour=2), 0)
            assert courier.admits(0.5, now) == 'limits.per_hour'
            courier.configure(Limits(open=3, per_hour=3), len(image().data) - 1)
            with pytest.raises(JournalFull):
                await submit(courier, escalation())

    run(test())


def test_a_journal_takes_what_it_is_told_to() -> None:
    journal = SafeJournal(Journal(None, 1), 1)
    with pytest.raises(JournalFull):
        journal.add(escalation(), image())
    journal.limit_images(0)
    journal.add(escalation(), image())


def test_a_ring_of_frames_shrinks_and_is_as_exact_as_it_is_told_to_be() -> None:
    ring: FrameRing[str] = FrameRing(1000, 0)
    for number in range(10):
        ring.add(number * 100, f'frame {number}', 100)
    assert ring.settle(420) is None
    ring.configure(300, 30)
    found = ring.settle(420)
    assert found and found[1] is FrameMatch.NEAREST and found[0].payload == 'frame 4'
    ring.add(1000, 'newest', 100)
    assert len(ring) == 3


def test_calls_wait_for_a_service_that_comes_late() -> None:
    """One that gives up waiting leaves the others waiting."""

    async def test() -> None:
        late, service, asked = LateBackend(), Service(polls_per_s=3.0), escalation()
        service.answer(asked.id)

        async def first_report() -> str:
            async for report in late.poll([Asked(asked.id, f'token of {asked.id}')]):
                return report.token
            return ''

        upload = asyncio.ensure_future(late.upload(asked, image()))
        impatient = asyncio.ensure_future(late.upload(asked, image()))
        poll = asyncio.ensure_future(first_report())
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert not (late.made or upload.done() or poll.done() or service.calls)
        assert late.refuses(Question(), '') == '' and late.polls_per_s is None
        with pytest.raises(ValueError, match='dry run'):
            late.read_push({})
        await late.aclose()
        late.use(service)
        assert late.made and late.polls_per_s == 3.0 and late.refuses(Question(), '')
        assert await upload == f'http://service/image/{asked.id}'
        assert await poll == f'token of {asked.id}'
        assert service.uploads == [asked.id]

    run(test())
