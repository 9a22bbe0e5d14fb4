# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A feed that is not there just now is not given up, and one that never was costs little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from engagements_harness import Record, Running, Service, run, running, submit
from samples import escalation

from spark_ros.clients.errors import (
    ClientError,
    ConnectionFailed,
    CursorGone,
    NotFoundError,
    UnsupportedError,
)
from spark_ros.clients.retry import Backoff
from spark_ros.escalation.answers.feed import CURSOR, Feed
from spark_ros.escalation.backends.backend import News, Report
from spark_ros.escalation.journal.journal import Journal
from spark_ros.model import Answer, State

NEVER_S = 1000.0
NO_FEED = [NotFoundError(404, 'Not Found'), UnsupportedError(200, 'a login page')]


@dataclass
class Feeding(Service):
    """A service whose feed answers as it is told.

    Attributes:
        says: what the next long polls answer, the last one again and again; raised where it is
            an exception; None waits.
        asked: when each came, on the steady clock, and its cursor.
    """

    says: list[News | Exception | None] = field(default_factory=list)
    asked: list[tuple[float, str | None]] = field(default_factory=list)

    async def changes(self, cursor: str | None) -> News:
        self.asked.append((time.monotonic(), cursor))
        self.changed()
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if said is None:
            await asyncio.Event().wait()
        if isinstance(said, Exception):
            raise said
        assert said is not None
        return said

    @property
    def pauses_s(self) -> list[float]:
        return [after - before for (before, _), (after, _) in pairwise(self.asked)]


@asynccontextmanager
async def probing(
    service: Feeding, journal: Journal, interval_s: float = NEVER_S
) -> AsyncIterator[tuple[Running, Record, Feed]]:
    async with running(service, journal, None, interval_s, interval_s) as (engagements, record):
        yield engagements, record, engagements.feed


@asynccontextmanager
async def begun(feed: Feed) -> AsyncIterator[None]:
    following = asyncio.create_task(feed.run())
    try:
        yield
        assert not following.done(), following
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


def answer(cursor: str, id: str) -> News:
    return News(cursor, (Report(f'token of {id}', State.CLOSED, lambda _: Answer(State.CLOSED)),))


@pytest.mark.parametrize('no_feed', NO_FEED)
def test_a_service_without_one_is_asked_ever_more_rarely(no_feed: ClientError) -> None:
    async def test() -> None:
        service = Feeding(says=[no_feed])
        async with probing(service, Journal(None)) as (_, record, feed):
            assert (feed.listener.absent.first_s, feed.listener.absent.longest_s) == (5.0, 600.0)
            feed.listener.absent = Backoff(0.05, 0.4)
            async with begun(feed):
                await record.until(lambda: len(service.asked) == 7)
                least_s = (0.025, 0.05, 0.1, 0.2, 0.2, 0.2)
                assert all(a >= b for a, b in zip(service.pauses_s, least_s, strict=True))

    run(test())


@pytest.mark.parametrize('no_feed', NO_FEED)
def test_once_it_was_seen_its_absence_is_an_interruption(no_feed: ClientError) -> None:
    async def test() -> None:
        asked = escalation()
        service = Feeding(says=[News('1'), no_feed, no_feed, answer('2', asked.id), None])
        async with probing(service, Journal(None)) as (engagements, record, feed):
            feed.listener.absent = Backoff(NEVER_S, NEVER_S)
            await submit(engagements, asked)
            await record.until(lambda: engagements.asked(asked.id))
            async with begun(feed):
                await record.until(lambda: record.resolved)
                assert [cursor for _, cursor in service.asked][:4] == [None, '1', '1', '1']

    run(test())


def test_one_seen_before_the_restart_counts(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.remember(CURSOR, '7')

    async def test() -> None:
        asked = escalation()
        service = Feeding(says=[NO_FEED[0], answer('8', asked.id), None])
        async with probing(service, Journal(path)) as (engagements, record, feed):
            feed.listener.absent = Backoff(NEVER_S, NEVER_S)
            await submit(engagements, asked)
            await record.until(lambda: engagements.asked(asked.id))
            async with begun(feed):
                await record.until(lambda: record.resolved)
                assert [cursor for _, cursor in service.asked][:2] == ['7', '7']

    run(test())


@pytest.mark.parametrize('by', ['sending', 'polling'])
def test_it_is_asked_for_at_once_when_the_service_is_reached_again(by: str) -> None:
    async def test() -> None:
        first, second = escalation(), escalation()
        service = Feeding(says=[NO_FEED[0], News('1'), answer('2', first.id), None])
        interval_s = 0.05 if by == 'polling' else NEVER_S
        async with probing(service, Journal(None), interval_s) as (engagements, record, feed):
            feed.listener.absent = Backoff(NEVER_S, NEVER_S)
            await submit(engagements, first)
            await record.until(lambda: engagements.asked(first.id))
            async with begun(feed):
                await record.until(lambda: service.asked)
                assert len(service.asked) == 1
                service.fails = [ConnectionFailed('refused')]
                if by == 'sending':
                    await submit(engagements, second)
                await record.until(lambda: record.resolved)

    run(test())


def test_a_service_that_works_is_no_reason_to_ask_for_it() -> None:
    async def test() -> None:
        service = Feeding(says=[NO_FEED[0]])
        async with probing(service, Journal(None), 0.02) as (engagements, record, feed):
            feed.listener.absent = Backoff(NEVER_S, NEVER_S)
            async with begun(feed):
                await record.until(lambda: service.asked)
                asked = [escalation() for _ in range(5)]
                await submit(engagements, *asked)
                for one in asked:
                    service.answer(one.id)
                await record.until(lambda: len(record.resolved) == 5)
                assert len(service.asked) == 1

    run(test())


@pytest.mark.parametrize(
    'says',
    [
        pytest.param([CursorGone(410, 'gone')], id='410 whatever is asked'),
        pytest.param([News('1'), CursorGone(410, 'gone')] * 20, id='410 for its own cursor'),
        pytest.param([News('1')], id='an answer without waiting'),
    ],
)
@pytest.mark.slow('counts requests over seconds')
def test_nonsense_in_its_place_is_not_asked_in_a_hurry(says: list[News | Exception]) -> None:
    async def test() -> None:
        service = Feeding(says=list(says))
        async with probing(service, Journal(None)) as (_, record, feed), begun(feed):
            await record.until(lambda: len(service.asked) == 5)
            assert sum(service.pauses_s) >= 0.25

    run(test())
