# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The change feed: one long poll brings every answer, and polling takes over without it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from engagements_harness import Record, Running, Service, run, running, submit
from samples import escalation

from spark_ros.clients.errors import ConnectionFailed, CursorGone, UnsupportedError
from spark_ros.escalation.backends.backend import News, Report
from spark_ros.escalation.journal.journal import Journal
from spark_ros.model import Answer, State

NEVER_S = 1000.0


@dataclass
class FeedingService(Service):
    """A service with a change feed.

    Attributes:
        cursors: what each long poll asked to go on from.
        news: what the next long polls answer, an exception being raised.
    """

    cursors: list[str | None] = field(default_factory=list)
    news: asyncio.Queue[News | Exception] = field(default_factory=asyncio.Queue)

    async def changes(self, cursor: str | None) -> News:
        self.cursors.append(cursor)
        self.changed()
        if cursor is None:
            return News('start')
        said = await self.news.get()
        if isinstance(said, Exception):
            raise said
        return said

    def feed(self, cursor: str, *ids: str, state: State = State.CLOSED) -> None:
        reports = [Report(f'token of {id}', state, lambda _: Answer(state)) for id in ids]
        self.news.put_nowait(News(cursor, tuple(reports)))


def following(
    service: Service, journal: Journal, interval_s: float = NEVER_S
) -> AbstractAsyncContextManager[tuple[Running, Record]]:
    return running(service, journal, None, interval_s, max(interval_s, 0.1), feeding=True)


def test_answers_come_without_polling() -> None:
    async def test() -> None:
        service = FeedingService()
        async with following(service, Journal(None)) as (engagements, record):
            asked = [escalation() for _ in range(3)]
            await submit(engagements, *asked)
            await record.until(lambda: len(service.opened) == 3)
            service.feed('1', asked[0].id, state=State.ASSIGNED)
            service.feed('2', asked[2].id, asked[0].id)
            service.feed('3', asked[1].id)
            await record.until(lambda: len(record.resolved) == 3)
            assert [r.escalation.id for r in record.resolved] == [
                asked[2].id, asked[0].id, asked[1].id,
            ]  # fmt: skip
            assert State.ASSIGNED in record.states(asked[0].id)

    run(test())


def test_an_answer_that_overtakes_its_token_is_not_lost() -> None:
    async def test() -> None:
        service = FeedingService()
        service.open_gate.clear()
        async with following(service, Journal(None)) as (engagements, record):
            asked = escalation()
            await submit(engagements, asked)
            await record.until(lambda: service.creating)
            service.feed('1', asked.id)
            await record.until(lambda: 'start' in service.cursors and '1' in service.cursors)
            service.open_gate.set()
            await record.until(lambda: record.resolved)
            assert record.states(asked.id) == [State.QUEUED, State.OPEN, State.CLOSED]

    run(test())


def test_after_a_restart_the_feed_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / 'journal.db'

    async def first() -> None:
        service = FeedingService()
        async with following(service, Journal(path)) as (_, record):
            service.feed('7')
            await record.until(lambda: '7' in service.cursors)

    async def second() -> None:
        service = FeedingService()
        async with following(service, Journal(path)) as (_, record):
            await record.until(lambda: service.cursors)
            assert service.cursors == ['7']

    run(first())
    run(second())


def test_a_lost_cursor_means_to_look_at_everything_and_begin_anew() -> None:
    async def test() -> None:
        service = FeedingService()
        async with following(service, Journal(None), interval_s=0.02) as (engagements, record):
            asked = escalation()
            await submit(engagements, asked)
            await record.until(lambda: service.opened and 'start' in service.cursors)
            service.answer(asked.id)
            service.news.put_nowait(CursorGone(410, 'too old'))
            await record.until(lambda: record.resolved)
            await record.until(lambda: service.cursors.count(None) == 2)

    run(test())


def test_without_a_feed_there_is_polling() -> None:
    async def test() -> None:
        for trouble in (UnsupportedError(404, 'none'), ConnectionFailed('refused')):
            service = FeedingService()
            async with following(service, Journal(None), interval_s=0.02) as (engagements, record):
                await record.until(lambda service=service: 'start' in service.cursors)
                service.news.put_nowait(trouble)
                asked = escalation()
                await submit(engagements, asked)
                await record.until(lambda service=service: service.opened)
                service.answer(asked.id)
                await record.until(lambda record=record: record.resolved)

    run(test())
