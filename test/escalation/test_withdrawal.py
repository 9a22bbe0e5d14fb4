# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question that is taken back is over here at once, and at the service once it can be told."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from engagements_harness import Service, run, running, submit, written
from samples import escalation

from spark_ros.clients.errors import ConnectionFailed, RefusedError, error_for_status
from spark_ros.clients.retry import Backoff
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.engagements import UNKNOWN
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.settings import Current, Limits, Settings
from spark_ros.escalation.withdrawals import NOTE, Withdrawals
from spark_ros.model import State


def test_one_that_is_being_sent_is_withdrawn_once_it_has_a_token() -> None:
    async def test() -> None:
        service, journal, asked = Service(), Journal(None), escalation()
        service.open_gate.clear()
        async with running(service, journal) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: service.creating)
            assert await engagements.withdraw(asked.id) == ''
            assert record.states(asked.id) == [State.QUEUED, State.CANCELED]
            service.open_gate.set()
            await record.until(lambda: service.withdrawn)
            assert service.withdrawn == [f'token of {asked.id}']
            await written(engagements)
            assert journal.entries() == []
            assert record.states(asked.id) == [State.QUEUED, State.CANCELED]

    run(test())


@pytest.mark.parametrize('under_way', [True, False])
def test_one_that_may_be_open_is_asked_for_again_to_withdraw_it(under_way: bool) -> None:
    """The request was broken off: only the service knows the token."""

    async def test() -> None:
        service, asked = Service(), escalation()
        if under_way:
            service.open_gate.clear()
        lost = ConnectionFailed('reset', may_have_arrived=True)

        class Breaking(Service):
            async def open(self, *asked: Any, **how: Any) -> str:
                token = await super().open(*asked, **how)
                if len(self.opened) == 1:
                    raise lost
                return token

        service = Breaking(open_gate=service.open_gate)
        async with running(service, Journal(None)) as (engagements, record):
            engagements.queue._outage = Backoff(60.0, 60.0)
            await submit(engagements, asked)
            if under_way:
                await record.until(lambda: service.creating)
            else:
                question = engagements._questions.get(asked.id)
                while not service.opened or (question and question.sending):
                    await written(engagements)
            assert await engagements.withdraw(asked.id) == ''
            service.open_gate.set()
            await record.until(lambda: service.withdrawn)
            assert service.withdrawn == [f'token of {asked.id}']
            assert service.may_have_been_open == [False, True]
            assert record.states(asked.id) == [State.QUEUED, State.CANCELED]

    run(test())


def test_a_restart_does_not_forget_one_whose_token_is_unknown(tmp_path: Path) -> None:
    async def test() -> None:
        path, asked = tmp_path / 'journal.db', escalation()
        away, service = Service(), Service()
        away.open_gate.clear()
        async with running(away, Journal(path)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: away.creating)
            assert await engagements.withdraw(asked.id) == ''
        async with running(service, Journal(path)) as (engagements, record):
            await record.until(lambda: service.withdrawn)
            assert service.withdrawn == [f'token of {asked.id}']
            assert service.may_have_been_open == [True]
            assert not record.events
            await written(engagements)
        with closing(Journal(path)) as journal:
            assert journal.entries() == []

    run(test())


@pytest.mark.parametrize('can', [True, False])
def test_nothing_is_opened_before_it_is_known_whether_it_can_be_withdrawn(
    tmp_path: Path, can: bool
) -> None:
    async def test() -> None:
        path, asked = tmp_path / 'journal.db', escalation()
        away, service = Service(), Service(can_withdraw=None)
        away.open_gate.clear()
        async with running(away, Journal(path)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: away.creating)
            assert await engagements.withdraw(asked.id) == ''
        async with running(service, Journal(path)) as (engagements, record):
            while not engagements.context.withdrawals._opening:
                await written(engagements)
            await written(engagements)
            assert not service.creating
            service.can_withdraw = can
            while await engagements.on_disk(engagements.kept.disk.entries):
                pass
            assert service.opened == ([asked] if can else [])
            if can:
                await record.until(lambda: service.withdrawn)

    run(test())


def test_one_that_is_just_expiring_is_told_to_be_withdrawn() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None), None, 60.0, 60.0) as (engagements, record):
            await submit(engagements, asked := escalation())
            await record.until(lambda: State.OPEN in record.states(asked.id))
            gate, writing = threading.Event(), asyncio.Event()
            held = asyncio.ensure_future(engagements.on_disk(gate.wait, 20.0))
            post = engagements.kept.post

            def noted(*call: Any, **how: Any) -> Any:
                writing.set()
                return post(*call, **how)

            engagements.kept.post = noted  # type: ignore[method-assign]
            engagements.time_is_up(asked.id)
            await writing.wait()
            withdrawing = asyncio.ensure_future(engagements.withdraw(asked.id))
            await asyncio.sleep(0)
            gate.set()
            assert await held and await withdrawing == ''
            assert record.states(asked.id)[-1] is State.CANCELED

    run(test())


def test_an_answer_that_comes_after_it_is_not_told() -> None:
    async def test() -> None:
        service, asked = Service(can_withdraw=False), escalation()
        async with running(service, Journal(None)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            assert await engagements.withdraw(asked.id) == ''
            assert await engagements.withdraw(asked.id) == UNKNOWN
            service.answer(asked.id)
            await engagements.router.route(service.answers[asked.id])
            assert record.states(asked.id)[-1] == State.CANCELED
            assert not record.resolved and not service.withdrawn

    run(test())


def test_an_expired_one_loses_its_late_answer_and_is_told_nothing_more() -> None:
    async def test() -> None:
        service = Service()
        asked = escalation()
        async with running(service, Journal(None)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            engagements.time_is_up(asked.id)
            await record.until(lambda: State.EXPIRED in record.states(asked.id))
            assert await engagements.withdraw(asked.id) == ''
            service.answer(asked.id)
            await engagements.router.route(service.answers[asked.id])
            assert record.states(asked.id)[-1] == State.EXPIRED
            assert not record.resolved
            await record.until(lambda: service.withdrawn)

    run(test())


def test_the_service_is_told_again_until_it_hears() -> None:
    async def test() -> None:
        service, journal = Service(), Journal(None)
        first, second = escalation(), escalation()
        async with running(service, journal) as (engagements, record):
            await submit(engagements, first, second)
            await record.until(lambda: len(engagements.all_asked()) == 2)
            service.fails = [ConnectionFailed('refused')]
            for asked in (first, second):
                assert await engagements.withdraw(asked.id) == ''
            assert len(record.events) and not record.resolved
            await record.until(lambda: len(service.withdrawn) == 2)
            assert set(service.withdrawn) == {f'token of {q.id}' for q in (first, second)}
            while await engagements.recall(NOTE) != '[]':
                pass

    run(test())


def test_what_is_withdrawn_early_does_not_replace_what_was_left() -> None:
    """The first withdrawal may come before the journal was read."""

    async def test() -> None:
        service, journal = Service(), Journal(None)
        journal.remember(NOTE, '["left"]')
        kept = AsyncJournal(journal)
        withdrawals = Withdrawals(service, Contacts(), kept, Current(Settings(asking={})))
        await withdrawals.add('early')
        assert json.loads(await kept.read_or(lambda disk: disk.recall(NOTE), '')) == [
            'left', 'early',
        ]
        working = asyncio.create_task(withdrawals.run())
        while await kept.read_or(lambda disk: disk.recall(NOTE), '') != '[]':
            pass
        assert service.withdrawn == ['left', 'early']
        working.cancel()
        await asyncio.wait([working])
        kept.close()

    run(test())


def test_a_service_that_refuses_is_not_told_again() -> None:
    async def test() -> None:
        service, journal, asked = Service(), Journal(None), escalation()
        async with running(service, journal) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            service.fails = [RefusedError(400, 'this request is complete')]
            assert await engagements.withdraw(asked.id) == ''
            while await engagements.recall(NOTE) != '[]':
                pass
            assert not service.withdrawn

    run(test())


@pytest.mark.parametrize(
    ('waiting', 'coming', 'gives_way'),
    [
        ((0, 0.5), (0, 0.4), True),
        ((0, 0.5), (0, 0.5), False),
        ((0, 0.1), (1, 0.9), True),
        ((2, 0.9), (1, 0.0), False),
        ((2, 0.9), (2, 0.0), True),
    ],
)
def test_priority_counts_before_certainty_where_there_is_no_room(
    waiting: tuple[int, float], coming: tuple[int, float], gives_way: bool
) -> None:
    async def test() -> None:
        # Its sender is told once to wait, and does so to the end of the test.
        service = Service(fails=[error_for_status(429, 'slow down', 600.0)])
        one = escalation(priority=waiting[0], certainty=waiting[1])
        other = escalation(priority=coming[0], certainty=coming[1])
        async with running(service, Journal(None), Limits(open=1)) as (engagements, record):
            await submit(engagements, one)
            question = engagements._questions.get(one.id)
            await record.until(lambda: service.calls and not question.sending)
            refusal = engagements.admits(other.certainty, time.monotonic(), other.priority)
            assert (refusal == '') == gives_way
            if gives_way:
                await submit(engagements, other)
                assert record.states(one.id) == [State.QUEUED, State.CANCELED]

    run(test())


def test_those_without_an_end_are_listed() -> None:
    async def test() -> None:
        service = Service()
        front, rear, over = escalation(), escalation(camera='rear'), escalation()
        async with running(service, Journal(None)) as (engagements, record):
            await submit(engagements, front, rear, over)
            await record.until(lambda: len(engagements.all_asked()) == 3)
            assert await engagements.withdraw(over.id) == ''
            listed = await engagements.listed('', 10)
            assert [(s.escalation.id, s.state) for s in listed] == [
                (front.id, State.OPEN), (rear.id, State.OPEN),
            ]  # fmt: skip
            assert [s.token for s in listed] == [f'token of {s.escalation.id}' for s in listed]
            assert [s.escalation.id for s in await engagements.listed('rear', 10)] == [rear.id]
            assert [s.escalation.id for s in await engagements.listed('', 1)] == [front.id]

    run(test())
