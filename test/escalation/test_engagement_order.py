# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Questions on their way: who goes first, what expires, and what a restart finds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engagements_harness import Service, run, running, submit, written
from samples import doubted, escalation

from spark_ros.clients.errors import ConnectionFailed, error_for_status
from spark_ros.escalation.backends.backend import Asked, Report
from spark_ros.escalation.journal.errors import JournalError
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.escalation.settings import Limits
from spark_ros.model import Answer, State
from spark_ros.wire.values import WireError


def test_the_most_important_then_the_least_certain_go_first() -> None:
    async def test() -> None:
        service = Service()
        service.open_gate.clear()
        async with running(service, Journal(None)) as (engagements, record):
            # The senders are all held at the gate by questions of no interest.
            holding = [escalation() for _ in range(4)]
            await submit(engagements, *holding)
            asked = {
                'sure': escalation(certainty=0.5),
                'doubt': escalation(certainty=0.2),
                'urgent': escalation(certainty=0.5, priority=1),
                'middle': escalation(certainty=0.3),
            }
            await submit(engagements, *asked.values())
            service.open_gate.set()
            await record.until(lambda: len(service.opened) == 8)
            assert [e.id for e in service.opened if e not in holding] == [
                asked[name].id for name in ('urgent', 'doubt', 'middle', 'sure')
            ]

    run(test())


def test_the_least_certain_take_the_place_of_those_that_still_wait() -> None:
    async def test() -> None:
        service = Service()
        service.open_gate.clear()
        async with running(service, Journal(None), Limits(open=6)) as (engagements, record):
            sent = [escalation(certainty=0.9) for _ in range(4)]
            await submit(engagements, *sent)
            await record.until(lambda: len(service.uploads) == 4)
            waiting = [escalation(certainty=0.5), escalation(certainty=0.4)]
            await submit(engagements, *waiting)
            now = time.monotonic()
            assert engagements.admits(0.5, now) == 'limits.open'
            assert engagements.admits(0.45, now) == ''
            urgent = escalation(certainty=0.45)
            await submit(engagements, urgent)
            await record.until(lambda: State.CANCELED in record.states(waiting[0].id))
            assert 'less certain' in record.detail(waiting[0].id, State.CANCELED)
            assert engagements.dropped['gave way'] == 1
            service.open_gate.set()
            left = [*sent, waiting[1], urgent]
            await record.until(lambda: all(State.OPEN in record.states(e.id) for e in left))
            assert len(service.opened) == 6
            assert engagements.admits(0.0, now) == 'limits.open'
            service.answer(sent[0].id)
            await record.until(lambda: record.resolved)
            assert engagements.admits(0.9, now) == ''

    run(test())


def test_no_more_than_so_many_an_hour() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None), Limits(per_hour=2)) as (engagements, _):
            now = time.monotonic()
            await submit(engagements, escalation(), escalation())
            assert engagements.admits(0.0, now) == 'limits.per_hour'
            assert engagements.admits(0.0, now + 3700.0) == ''

    run(test())


def test_what_nobody_answers_expires_and_a_late_answer_still_counts(
    path: Path, left: Callable[[], list[str]]
) -> None:
    asked = escalation()

    async def test() -> None:
        service = Service()
        async with running(service, Journal(path)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: engagements.asked(asked.id))
            engagements.time_is_up(asked.id)
            await record.until(lambda: State.EXPIRED in record.states(asked.id))
            assert record.detail(asked.id, State.EXPIRED) == 'no answer in time'
            assert engagements.asked(asked.id) == Asked(asked.id, f'token of {asked.id}')
            assert engagements.admits(0.9, 0.0) == ''
            service.answer(asked.id)
            engagements.poller.poll_soon()
            await record.until(lambda: record.resolved)
            assert record.resolved[0].late
            engagements.published(asked.id)

    run(test())
    assert left() == []


def test_what_cannot_be_sent_in_time_expires(path: Path, left: Callable[[], list[str]]) -> None:
    asked = escalation(timeout_s=0.3)

    async def test() -> None:
        service = Service(fails=[ConnectionFailed('refused')] * 1000)
        async with running(service, Journal(path)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: State.EXPIRED in record.states(asked.id))
            await written(engagements)

    run(test())
    assert left() == []


def test_a_restart_goes_on_where_it_was(path: Path, left: Callable[[], list[str]]) -> None:
    unsent, opened, answered = escalation(), escalation(), escalation()

    async def before() -> None:
        service = Service()
        async with running(service, Journal(path)) as (engagements, record):
            await submit(engagements, opened, answered)
            await record.until(
                lambda: engagements.asked(opened.id) and engagements.asked(answered.id)
            )
            service.answer(answered.id)
            await record.until(lambda: record.resolved)
            service.open_gate.clear()
            await submit(engagements, unsent)
            await record.until(lambda: unsent.id in service.creating)

    async def after() -> None:
        service = Service()
        async with running(service, Journal(path)) as (engagements, record):
            await record.until(lambda: State.OPEN in record.states(unsent.id))
            for asked in (unsent, opened):
                service.answer(asked.id)
            await record.until(lambda: len(record.resolved) == 3)
            assert service.opened == [unsent] and service.uploads == []
            # The create request may have arrived when the robot was switched off.
            assert service.may_have_been_open == [True]
            first, *_ = record.resolved
            assert first.escalation == answered and first.recovered
            assert {r.escalation.id for r in record.resolved} == {
                unsent.id, opened.id, answered.id,
            }  # fmt: skip
            for resolved in record.resolved:
                engagements.published(resolved.escalation.id)

    async def once_more() -> None:
        later = escalation()
        async with running(Service(), Journal(path)) as (engagements, record):
            await submit(engagements, later)
            await record.until(lambda: engagements.asked(later.id))
            assert record.resolved == []

    run(before())
    run(after())
    run(once_more())
    assert len(left()) == 1


def test_the_same_question_may_be_open_after_a_broken_create() -> None:
    async def test() -> None:
        lost = ConnectionFailed('reset', may_have_arrived=True)
        never = ConnectionFailed('refused', may_have_arrived=False)

        class Breaking(Service):
            async def open(self, *asked: Any, may_be_open: bool, **how: Any) -> str:
                self.may_have_been_open.append(may_be_open)
                if failures:
                    raise failures.pop(0)
                return await super().open(*asked, may_be_open=may_be_open, **how)

        failures = [never, lost, never]
        service = Breaking()
        async with running(service, Journal(None)) as (engagements, record):
            asked = escalation()
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            assert service.may_have_been_open == [False, False, True, True, True]
            assert service.uploads == [asked.id]

    run(test())


def test_the_first_answer_wins() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None)) as (engagements, record):
            asked = escalation()
            await submit(engagements, asked)
            await record.until(lambda: engagements.asked(asked.id))

            def report(response: str) -> Report:
                answer = Answer(State.CLOSED, response=response)
                return Report(f'token of {asked.id}', State.CLOSED, lambda _: answer)

            news = await asyncio.gather(
                *(engagements.router.route(report(text)) for text in ('first', 'second', 'third'))
            )
            assert news == [True, False, False]
            assert [r.answer.response for r in record.resolved] == ['first']
            assert not await engagements.router.route(report('fourth'))
            nobodys = replace(report('x'), token='nobody', state=State.OPEN)
            assert not await engagements.router.route(nobodys)

    run(test())


def test_an_answer_is_read_with_what_was_asked() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None)) as (engagements, record):
            asked = escalation(priors=(doubted('cat'), doubted('dog', id='1')))
            seen: list[Escalation] = []

            def read(escalation: Escalation) -> Answer:
                seen.append(escalation)
                return Answer(State.CLOSED)

            await submit(engagements, asked)
            service.answers[asked.id] = Report(f'token of {asked.id}', State.CLOSED, read)
            await record.until(lambda: record.resolved)
            assert seen == [asked]

    run(test())


def test_an_answer_that_cannot_be_read_stops_nobody_elses() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None)) as (engagements, record):
            bad, good = escalation(), escalation()

            def unreadable(_: Escalation) -> Answer:
                raise WireError('no object')

            await submit(engagements, bad)
            await record.until(lambda: State.OPEN in record.states(bad.id))
            service.answers[bad.id] = Report(f'token of {bad.id}', State.CLOSED, unreadable)
            await submit(engagements, good)
            service.answer(good.id)
            await record.until(lambda: record.resolved)
            assert record.resolved[0].escalation.id == good.id

    run(test())


def test_polling_goes_on_after_trouble() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None)) as (engagements, record):
            asked = escalation()
            await submit(engagements, asked)
            await record.until(lambda: engagements.asked(asked.id))
            service.fails = [
                ConnectionFailed('reset'), error_for_status(401), error_for_status(503),
                ValueError('a token that fits no path'),
            ]  # fmt: skip
            service.answer(asked.id)
            await record.until(lambda: record.resolved)

    run(test())


def test_a_full_disk_costs_the_safety_and_not_the_answer() -> None:
    class Full(Journal):
        def _write(self, statement: str, *values: object) -> None:
            raise JournalError('the disk is full')

    async def test() -> None:
        service = Service()
        async with running(service, Full(None)) as (engagements, record):
            asked = escalation()
            await submit(engagements, asked)
            service.answer(asked.id)
            await record.until(lambda: record.resolved)
            engagements.published(asked.id)

    run(test())
