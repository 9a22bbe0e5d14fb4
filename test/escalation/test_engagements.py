# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every accepted question reaches its end, whatever the service does."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engagements_harness import Service, run, running, submit, written
from samples import escalation

from spark_ros.clients.errors import ConnectionFailed, error_for_status
from spark_ros.escalation.journal.errors import JournalError
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import EncodedImage, Escalation
from spark_ros.model import State


def test_a_question_goes_there_and_its_answer_comes_back(
    path: Path, left: Callable[[], list[str]]
) -> None:
    asked = escalation()

    async def test() -> None:
        service = Service()
        async with running(service, Journal(path)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            service.answer(asked.id, State.ASSIGNED)
            await record.until(lambda: State.ASSIGNED in record.states(asked.id))
            service.answer(asked.id)
            await record.until(lambda: record.resolved)
            (resolved,) = record.resolved
            engagements.published(asked.id)
        assert service.opened == [asked] and service.may_have_been_open == [False]
        assert record.states(asked.id) == [
            State.QUEUED, State.OPEN, State.ASSIGNED, State.CLOSED,
        ]  # fmt: skip
        assert resolved.escalation == asked and resolved.answer.response == 'seen'
        assert resolved.token == f'token of {asked.id}' and not resolved.late

    run(test())
    assert left() == []


def test_nothing_goes_out_before_it_is_on_the_disk(path: Path) -> None:
    asked = escalation()

    class Watching(Service):
        async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
            with sqlite3.connect(f'file:{path}?mode=ro', uri=True) as other:
                assert other.execute('SELECT id FROM escalation').fetchall() == [(escalation.id,)]
                assert other.execute('SELECT id FROM image').fetchall() == [(escalation.id,)]
            other.close()
            return await super().upload(escalation, image)

        async def open(self, escalation: Escalation, *asked: Any, **how: Any) -> str:
            with sqlite3.connect(f'file:{path}?mode=ro', uri=True) as other:
                rows = other.execute('SELECT may_be_open FROM escalation').fetchall()
            other.close()
            assert rows == [(1,)]
            return await super().open(escalation, *asked, **how)

    async def test() -> None:
        async with running(Watching(), Journal(path)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))

    run(test())


def test_what_has_no_room_is_not_accepted() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None, max_image_bytes=10)) as (engagements, record):
            with pytest.raises(JournalError):
                await submit(engagements, escalation())
            assert record.events == [] and service.calls == 0
            assert engagements.admits(0.5, time.monotonic()) == ''

    run(test())


def test_a_service_that_is_down_gets_it_when_it_is_up() -> None:
    async def test() -> None:
        service = Service(fails=[ConnectionFailed('refused'), ConnectionFailed('refused')])
        async with running(service, Journal(None)) as (engagements, record):
            asked = [escalation() for _ in range(6)]
            await submit(engagements, *asked)
            await record.until(lambda: all(State.OPEN in record.states(a.id) for a in asked))

    run(test())


def test_one_outage_is_one_failure_however_many_senders_met_it() -> None:
    """Or four questions would wait eight times as long as one."""

    async def test() -> None:
        service = Service()
        service.open_gate.clear()
        async with running(service, Journal(None)) as (engagements, record):
            asked = [escalation() for _ in range(4)]
            await submit(engagements, *asked)
            await record.until(lambda: len(service.creating) == 4)
            service.fails = [ConnectionFailed('refused')] * 4
            service.open_gate.set()
            await record.until(lambda: not service.fails)
            assert engagements.queue._outage.failures == 1
            await record.until(lambda: all(State.OPEN in record.states(a.id) for a in asked))

    run(test())


@pytest.mark.parametrize('status', [401, 403, 408, 429, 500, 503])
def test_a_passing_refusal_is_tried_again(status: int) -> None:
    async def test() -> None:
        service = Service(fails=[error_for_status(status, 'not now')] * 2)
        async with running(service, Journal(None)) as (engagements, record):
            asked = escalation()
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            assert record.states(asked.id) == [State.QUEUED, State.OPEN]

    run(test())


@pytest.mark.parametrize('retry_after_s', [0.3, 1e9])
def test_retry_after_is_heeded_within_reason(retry_after_s: float) -> None:
    async def test() -> None:
        service = Service(fails=[error_for_status(429, 'slow down', retry_after_s)])
        async with running(service, Journal(None)) as (engagements, record):
            begin = time.monotonic()
            asked = escalation()
            await submit(engagements, asked)
            if retry_after_s < 1.0:
                await record.until(lambda: State.OPEN in record.states(asked.id))
                assert time.monotonic() - begin >= retry_after_s
            else:
                await record.until(lambda: service.calls)
                assert 0 < engagements.queue._closed_until - time.monotonic() <= 60.0

    run(test())


@pytest.mark.parametrize('status', [400, 404, 413, 422])
@pytest.mark.parametrize('at_upload', [True, False])
def test_a_final_refusal_fails_one_question_and_no_other(
    path: Path, left: Callable[[], list[str]], status: int, at_upload: bool
) -> None:
    bad, good = escalation(certainty=0.1), escalation(certainty=0.9)

    class Picky(Service):
        async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
            if at_upload and escalation.id == bad.id:
                raise error_for_status(status, 'label is too long')
            return await super().upload(escalation, image)

        async def open(self, escalation: Escalation, *asked: Any, **how: Any) -> str:
            if escalation.id == bad.id:
                raise error_for_status(status, 'label is too long')
            return await super().open(escalation, *asked, **how)

    async def test() -> None:
        async with running(Picky(), Journal(path)) as (engagements, record):
            await submit(engagements, bad, good)
            await record.until(lambda: State.OPEN in record.states(good.id))
            await record.until(lambda: State.FAILED in record.states(bad.id))
            assert 'label is too long' in record.detail(bad.id, State.FAILED)
            assert str(status) in record.detail(bad.id, State.FAILED)
            await written(engagements)

    run(test())
    assert left() == [good.id]


@pytest.mark.parametrize('stage', ['queued', 'open'])
def test_a_question_that_somebody_took_from_the_file_ends_and_no_other(
    path: Path, left: Callable[[], list[str]], stage: str
) -> None:
    taken, kept = escalation(), escalation()

    def take() -> None:
        with sqlite3.connect(path) as other:
            other.execute('DELETE FROM escalation WHERE id = ?', (taken.id,))
        other.close()

    async def test() -> None:
        service = Service()
        if stage == 'queued':
            service.fails = [ConnectionFailed('nobody there')] * 10_000
        async with running(service, Journal(path)) as (engagements, record):
            await submit(engagements, taken)
            await record.until(lambda: service.calls if stage == 'queued' else service.opened)
            await written(engagements)
            take()
            service.fails.clear()
            service.answer(taken.id)
            await submit(engagements, kept)
            await record.until(lambda: service.opened and kept in service.opened)
            service.answer(kept.id)
            await record.until(lambda: record.resolved)
            engagements.published(kept.id)
            await record.until(lambda: not engagements.all_asked())
        assert [resolved.escalation for resolved in record.resolved] == [kept]

    run(test())
    assert left() == []
