# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Feed, pushes and polls together: each alone suffices, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from engagements_harness import Record, Running, Service, run, running, submit
from samples import escalation

from spark_ros.clients.errors import ConnectionFailed
from spark_ros.escalation.backends.backend import Asked, News, Report
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.model import Answer, State

POLL_S = 0.3


def report(asked: Escalation, state: State, sequence: int = 0) -> Report:
    return Report(f'token of {asked.id}', state, lambda _: Answer(state), sequence)


@dataclass
class Feeding(Service):
    """A service with a change feed, which may hang."""

    news: asyncio.Queue[News] = field(default_factory=asyncio.Queue)

    async def changes(self, cursor: str | None) -> News:
        return News('start') if cursor is None else await self.news.get()


async def opened(engagements: Running, record: Record, count: int = 1) -> list[Escalation]:
    asked = [escalation() for _ in range(count)]
    await submit(engagements, *asked)
    await record.until(lambda: all(State.OPEN in record.states(each.id) for each in asked))
    return asked


@pytest.mark.parametrize('way', ['feed', 'push', 'poll'])
def test_an_answer_comes_by_the_only_way_that_works(way: str) -> None:
    """While pushes that nobody can verify come all the time, the feed hangs and polls fail."""

    async def test() -> None:
        service = Feeding(polls_per_s=20.0)
        async with running(service, Journal(None), None, POLL_S, POLL_S, feeding=True) as (
            engagements, record,
        ):  # fmt: skip
            (asked,) = await opened(engagements, record)

            async def flood() -> None:
                while True:
                    engagements.poller.poll_soon()
                    await asyncio.sleep(0.02)

            flooding = asyncio.ensure_future(flood())
            closed = report(asked, State.CLOSED)
            if way == 'poll':
                service.answer(asked.id)
            else:
                service.fails = [ConnectionFailed('refused')] * 10_000
            if way == 'feed':
                service.news.put_nowait(News('1', (closed,)))
            elif way == 'push':
                assert await engagements.router.take_push(closed)
            await record.until(lambda: record.resolved)
            flooding.cancel()

    run(test())


def test_a_look_that_is_asked_for_during_a_poll_is_not_put_off() -> None:
    async def test() -> None:
        polling, go_on = asyncio.Event(), asyncio.Event()

        class Slow(Service):
            async def poll(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
                said = [report async for report in super().poll(asked)]
                polling.set()
                await go_on.wait()
                for report in said:
                    yield report

        service = Slow()
        async with running(service, Journal(None), None, 0.05, 3600.0) as (engagements, record):
            (asked,) = await opened(engagements, record)
            await polling.wait()
            # While answers come by a faster way, the next poll is an hour away.
            engagements.poller.relax(True)
            engagements.poller.poll_soon()
            service.answer(asked.id)
            go_on.set()
            await record.until(lambda: record.resolved)

    run(test())


def test_a_push_that_comes_after_the_feed_need_not_come_again() -> None:
    """Nor while another question is on its way to the service."""

    async def test() -> None:
        service = Service()
        async with running(service, Journal(None)) as (engagements, record):
            (asked,) = await opened(engagements, record)
            assert await engagements.router.route(report(asked, State.CLOSED))
            assert await engagements.router.take_push(report(asked, State.CLOSED))
            service.open_gate.clear()
            await submit(engagements, early := escalation())
            await record.until(lambda: early.id in service.creating)
            assert await engagements.router.take_push(report(asked, State.CLOSED))
            # This one may be the answer to it: its token is not known here yet.
            assert not await engagements.router.take_push(report(early, State.CLOSED))
            service.open_gate.set()
            await record.until(lambda: len(record.resolved) == 2)
            assert len(record.resolved) == 2

    run(test())


def test_a_push_for_a_question_of_a_former_life_need_not_come_again() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None)) as (engagements, _):
            assert await engagements.router.take_push(report(escalation(), State.CLOSED))

    run(test())


def test_no_state_follows_the_answer() -> None:
    """However the reports overtake each other while the disk is slow."""

    async def test() -> None:
        async with running(Service(), Journal(None), None, 1000.0, 1000.0) as (
            engagements, record,
        ):  # fmt: skip
            (asked,) = await opened(engagements, record)
            gate = threading.Event()
            held = asyncio.ensure_future(engagements.on_disk(gate.wait, 20.0))
            told = [
                asyncio.ensure_future(engagements.router.route(report(asked, state)))
                for state in (State.CLOSED, State.ASSIGNED, State.OPEN, State.CLOSED)
            ]
            await asyncio.sleep(0)
            gate.set()
            assert await held
            assert await asyncio.gather(*told) == [True, False, False, False]
            assert record.states(asked.id) == [State.QUEUED, State.OPEN, State.CLOSED]
            assert len(record.resolved) == 1

    run(test())


def test_a_question_does_not_expire_once_its_answer_is_being_written() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None), None, 1000.0, 1000.0) as (
            engagements, record,
        ):  # fmt: skip
            (asked,) = await opened(engagements, record)
            question, gate = engagements._questions.get(asked.id), threading.Event()
            held = asyncio.ensure_future(engagements.on_disk(gate.wait, 20.0))
            told = asyncio.ensure_future(engagements.router.route(report(asked, State.CLOSED)))
            question.expires_at = time.monotonic() + 0.2
            await asyncio.sleep(0.3)
            gate.set()
            assert await held and await told
            assert record.states(asked.id) == [State.QUEUED, State.OPEN, State.CLOSED]

    run(test())


def test_an_answer_that_was_there_before_the_deadline_counts() -> None:
    """The request for its token came back after it."""

    async def test() -> None:
        service = Service()
        service.open_gate.clear()
        async with running(service, Journal(None), None, 1000.0, 1000.0) as (
            engagements, record,
        ):  # fmt: skip
            await submit(engagements, asked := escalation())
            await record.until(lambda: service.creating)
            await engagements.router.route(report(asked, State.CLOSED))
            engagements._questions.get(asked.id).expires_at = 0.0
            service.open_gate.set()
            await record.until(lambda: record.resolved)
            assert record.states(asked.id) == [State.QUEUED, State.OPEN, State.CLOSED]

    run(test())


def test_without_a_sequence_a_state_does_not_go_back() -> None:
    """With one, it does: an operator has put the question back."""

    async def test() -> None:
        async with running(Service(), Journal(None), None, 1000.0, 1000.0) as (
            engagements, record,
        ):  # fmt: skip
            plain, numbered = await opened(engagements, record, 2)
            route = engagements.router.route
            assert await route(report(plain, State.ASSIGNED))
            assert not await route(report(plain, State.OPEN))
            assert await route(report(numbered, State.ASSIGNED, 2))
            assert not await route(report(numbered, State.OPEN, 1))
            assert await route(report(numbered, State.OPEN, 3))
            assert record.states(plain.id)[-1] is State.ASSIGNED
            assert record.states(numbered.id)[-2:] == [State.ASSIGNED, State.OPEN]

    run(test())


def test_nothing_is_left_of_questions_that_are_answered() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None), None, 60.0, 60.0) as (engagements, record):
            for _ in range(15):
                asked = await opened(engagements, record, 20)
                for each in asked:
                    await engagements.router.route(report(each, State.CLOSED))
                    engagements.published(each.id)
                record.events.clear()
            poller, router = engagements.poller, engagements.router
            assert not len(engagements._questions) and not poller._due and not poller._delay_s
            assert not router._early
            assert await engagements.on_disk(engagements.kept.disk.entries) == []

    run(test())
