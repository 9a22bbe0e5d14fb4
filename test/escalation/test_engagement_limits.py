# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A journal that is full by number or by age: who is given up, and that it is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from engagements_harness import Service, run, running, submit, written
from samples import escalation, image

from spark_ros.clients.errors import ConnectionFailed, error_for_status
from spark_ros.escalation.journal.elapsed import Moment
from spark_ros.escalation.journal.errors import JournalFull
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.settings import Limits
from spark_ros.model import State

REFUSED = ConnectionFailed('refused')


def down() -> Service:
    """Return a service that is not there."""
    return Service(fails=[REFUSED] * 10_000)


def test_when_it_is_full_the_oldest_of_the_lowest_priority_are_given_up(
    path: Path, left: Callable[[], list[str]]
) -> None:
    low = [escalation(), escalation(), escalation()]
    high = [escalation(priority=1), escalation(priority=1)]

    async def test() -> None:
        # Each sender is told once to wait, and does so to the end of the test.
        busy = Service(fails=[error_for_status(429, 'slow down', 600.0)] * len(low))
        async with running(busy, Journal(path, max_count=3)) as (engagements, record):
            # One that a sender has in hand may not be given up: wait until the gate is closed.
            await submit(engagements, *low)
            await record.until(
                lambda: busy.calls
                and not any(engagements._questions.get(q.id).sending for q in low)
            )
            for one in high:
                await submit(engagements, one)
            for given_up in low[:2]:
                await record.until(lambda g=given_up: State.FAILED in record.states(g.id))
                assert 'journal.max_count' in record.detail(given_up.id, State.FAILED)
            assert engagements.dropped == {'journal.max_count': 2}
            await written(engagements)

    run(test())
    assert left() == [low[2].id, *[one.id for one in high]]


def test_nobody_is_given_up_for_an_image_that_is_too_large_by_itself(path: Path) -> None:
    async def test() -> None:
        small = len(image().data)
        async with running(down(), Journal(path, 3 * small)) as (engagements, record):
            await submit(engagements, *(waiting := [escalation(), escalation()]))
            large = image(bytes(4 * small))
            with pytest.raises(JournalFull, match=r'journal\.max_mb'):
                await engagements.submit(escalation(priority=9), large, time.monotonic())
            assert not engagements.dropped
            assert all(record.states(one.id) == [State.QUEUED] for one in waiting)

    run(test())


def test_none_of_a_higher_priority_is_given_up(path: Path, left: Callable[[], list[str]]) -> None:
    high = [escalation(priority=1), escalation(priority=2)]

    async def test() -> None:
        async with running(down(), Journal(path, max_count=2)) as (engagements, record):
            await submit(engagements, *high)
            with pytest.raises(JournalFull, match=r'journal\.max_count'):
                await submit(engagements, escalation(priority=0))
            assert not engagements.dropped
            assert all(record.states(one.id) == [State.QUEUED] for one in high)

    run(test())
    assert left() == [one.id for one in high]


def test_one_that_waits_for_a_late_answer_only_goes_first(
    path: Path, left: Callable[[], list[str]]
) -> None:
    expired, kept, added = escalation(), escalation(), escalation()

    async def test() -> None:
        service = Service()
        async with running(service, Journal(path, max_count=2)) as (engagements, record):
            await submit(engagements, expired)
            await record.until(lambda: engagements.asked(expired.id))
            engagements.time_is_up(expired.id)
            await record.until(lambda: State.EXPIRED in record.states(expired.id))
            service.fails = [REFUSED] * 10_000
            await submit(engagements, kept, added)
            assert record.states(expired.id)[-1] is State.EXPIRED and not engagements.dropped
            await written(engagements)

    run(test())
    assert left() == [kept.id, added.id]


@pytest.mark.parametrize('sent', [True, False])
def test_what_is_too_old_is_given_up(
    path: Path, left: Callable[[], list[str]], sent: bool
) -> None:
    asked = escalation(timeout_s=0.0)

    async def test() -> None:
        service = Service() if sent else down()
        limits = Limits(age_s=3600.0 if sent else 2.0)
        async with running(service, Journal(path), limits) as (engagements, record):
            await submit(engagements, asked)
            if sent:
                await record.until(lambda: engagements.asked(asked.id))
                engagements._questions.get(asked.id).given_up_at = 0.0
                engagements.time_is_up(asked.id)
            await record.until(lambda: State.FAILED in record.states(asked.id))
            assert (State.OPEN in record.states(asked.id)) == sent
            assert 'journal.max_age_h' in record.detail(asked.id, State.FAILED)
            assert engagements.dropped == {'journal.max_age_h': 1}
            await written(engagements)

    run(test())
    assert left() == []


def test_the_age_counts_on_across_a_restart(path: Path) -> None:
    asked = escalation(timeout_s=0.0)
    today = time.time()
    with closing(Journal(path, now=lambda: Moment('a', 1000.0, today))) as journal:
        journal.add(asked, image())

    async def test() -> None:
        begun = time.monotonic()
        journal = Journal(path, now=lambda: Moment('b', 20.0, today + 3599.0))
        async with running(down(), journal, Limits(age_s=3600.0)) as (_, record):
            await record.until(lambda: State.FAILED in record.states(asked.id))
            assert time.monotonic() - begun >= 0.9

    run(test())


def test_what_has_expired_is_not_watched_for_longer_than_that(
    path: Path, left: Callable[[], list[str]]
) -> None:
    asked = escalation()

    async def test() -> None:
        async with running(Service(), Journal(path)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: engagements.asked(asked.id))
            engagements.time_is_up(asked.id, in_s=0.2)
            await record.until(lambda: State.EXPIRED in record.states(asked.id))
            question = engagements._questions.get(asked.id)
            question.given_up_at = time.monotonic() + 0.2
            question.heard.set()
            while engagements.asked(asked.id):
                await written(engagements)
            assert State.FAILED not in record.states(asked.id) and not engagements.dropped
            await written(engagements)

    run(test())
    assert left() == []
