# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a failure delays: one question, or all of them, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from engagements_harness import Record, Running, Service, run, running, submit
from samples import escalation

from spark_ros.clients.errors import ClientError, error_for_status
from spark_ros.clients.retry import Backoff
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import EncodedImage, Escalation
from spark_ros.model import State


class Refusing(Service):
    """Refuses some questions, each time."""

    refuse: Callable[[str], ClientError | None] = staticmethod(lambda id: None)

    async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
        if (error := self.refuse(escalation.id)) is not None:
            self._call()
            raise error
        return await super().upload(escalation, image)


def closed_s(engagements: Running) -> float:
    """How long nothing is sent from now on."""
    return engagements.queue._closed_until - time.monotonic()


async def tried(engagements: Running, record: Record, service: Service, id: str) -> None:
    calls = service.calls
    question = engagements._questions.get(id)
    await record.until(lambda: service.calls > calls and question and not question.sending)


def test_a_503_delays_its_question_alone() -> None:
    async def test() -> None:
        service, bad, good = Refusing(), escalation(certainty=0.1), escalation()
        service.refuse = lambda id: (
            error_for_status(503, 'busy', 3600.0) if id == bad.id else None
        )
        async with running(service, Journal(None)) as (engagements, record):
            await submit(engagements, bad)
            await tried(engagements, record, service, bad.id)
            await submit(engagements, good)
            await record.until(lambda: State.OPEN in record.states(good.id))
            delayed = engagements._questions.get(bad.id)
            assert delayed and 1.0 < delayed.not_before - time.monotonic() <= 60.0
            assert closed_s(engagements) <= 0.0

    run(test())


@pytest.mark.parametrize('asked_s', [30.0, 86_400.0])
def test_a_429_delays_all_for_a_minute_at_most(asked_s: float) -> None:
    async def test() -> None:
        service, first, second = Refusing(), escalation(certainty=0.1), escalation()
        service.refuse = lambda id: error_for_status(429, 'slow down', asked_s)
        async with running(service, Journal(None)) as (engagements, record):
            await submit(engagements, first)
            await tried(engagements, record, service, first.id)
            calls = service.calls
            await submit(engagements, second)
            assert min(asked_s, 60.0) - 5.0 < closed_s(engagements) <= 60.0
            assert service.calls == calls

    run(test())


def test_two_different_questions_that_fail_in_a_row_are_an_outage() -> None:
    async def test() -> None:
        service, first, second = Refusing(), escalation(), escalation()
        service.refuse = lambda id: error_for_status(500, 'sorry')
        async with running(service, Journal(None)) as (engagements, record):
            engagements.queue._outage = Backoff(60.0, 60.0)
            await submit(engagements, first)
            await tried(engagements, record, service, first.id)
            assert closed_s(engagements) <= 0.0
            await submit(engagements, second)
            await tried(engagements, record, service, second.id)
            assert closed_s(engagements) > 0.0

    run(test())
