# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The courier: every accepted question reaches its end, whatever the service does."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from samples import doubted, escalation, image

from spark_ros.clients.errors import ConnectionFailed, error_for_status
from spark_ros.escalation.backend import Asked, Report
from spark_ros.escalation.courier import Courier, Event, Limits
from spark_ros.escalation.escalation import EncodedImage, Escalation, Resolved, Status
from spark_ros.escalation.journal import Journal, JournalError
from spark_ros.escalation.poller import Poller
from spark_ros.model import Answer, State
from spark_ros.wire.values import WireError

DEADLINE_S = 20.0


@dataclass
class Service:
    """A service in this process: it keeps what it is asked, and fails as it is told.

    Attributes:
        fails: raised by the next calls, in order, then no more.
        open_gate: while it is cleared, no create request is answered.
        answers: by our id, what polling reports.
    """

    fails: list[Exception] = field(default_factory=list)
    opened: list[Escalation] = field(default_factory=list)
    may_have_been_open: list[bool] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    creating: list[str] = field(default_factory=list)
    answers: dict[str, Report] = field(default_factory=dict)
    open_gate: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0
    polls_per_s: float | None = None
    changed: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.open_gate.set()

    async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
        self._call()
        self.uploads.append(escalation.id)
        self.changed()
        return f'http://service/image/{escalation.id}'

    async def open(self, escalation: Escalation, image_url: str, *, may_be_open: bool) -> str:
        self.creating.append(escalation.id)
        self.changed()
        await self.open_gate.wait()
        self._call()
        assert image_url == f'http://service/image/{escalation.id}'
        self.opened.append(escalation)
        self.may_have_been_open.append(may_be_open)
        self.changed()
        return f'token of {escalation.id}'

    async def poll(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
        self._call()
        for question in asked:
            assert question.token == f'token of {question.id}'
            if question.id in self.answers:
                yield self.answers[question.id]

    async def aclose(self) -> None:
        pass

    def answer(self, id: str, state: State = State.CLOSED) -> None:
        self.answers[id] = Report(id, state, lambda asked: Answer(state, response='seen'))

    def _call(self) -> None:
        self.calls += 1
        self.changed()
        if self.fails:
            raise self.fails.pop(0)


class Record:
    """What the courier told, and a way to wait for more of it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.running: Callable[[], bool] = lambda: True
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.look()

    def look(self) -> None:
        self._news.set()

    async def until(self, condition: Callable[[], Any]) -> None:
        async def wait() -> None:
            while not condition():
                self._news.clear()
                assert self.running(), 'the courier is no longer running'
                await self._news.wait()

        await asyncio.wait_for(wait(), DEADLINE_S)

    def states(self, id: str) -> list[State]:
        return [
            event.state
            for event in self.events
            if isinstance(event, Status) and event.escalation.id == id
        ]

    def detail(self, id: str, state: State) -> str:
        (detail,) = (
            event.detail
            for event in self.events
            if isinstance(event, Status) and (event.escalation.id, event.state) == (id, state)
        )
        return detail

    @property
    def resolved(self) -> list[Resolved]:
        return [event for event in self.events if isinstance(event, Resolved)]


@asynccontextmanager
async def running(
    service: Service, journal: Journal, limits: Limits | None = None
) -> AsyncIterator[tuple[Courier, Record]]:
    """Run a courier and its poller; leave as a robot that is switched off does."""
    record = Record()
    service.changed = record.look
    courier = Courier(service, journal, record, limits or Limits())
    poller = Poller(service, courier, 0.02, 0.1)
    courier.on_open = poller.watch
    task = asyncio.gather(courier.run(), poller.run())
    task.add_done_callback(lambda _: record.look())
    record.running = lambda: not task.done()
    try:
        yield courier, record
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        courier.close()


async def submit(courier: Courier, *questions: Escalation) -> None:
    for question in questions:
        await courier.submit(question, image(), time.monotonic())


async def written(courier: Courier) -> None:
    """Wait until the disk has what was written so far."""
    await courier._on_disk(lambda: None)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, DEADLINE_S * 2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'journal.db'


@pytest.fixture
def left(path: Path) -> Iterator[Callable[[], list[str]]]:
    """Give the ids that are in the journal, once the courier has let go of it."""

    def read() -> list[str]:
        journal = Journal(path)
        ids = [entry.id for entry in journal.entries()]
        journal.close()
        return ids

    yield read


def test_a_question_goes_there_and_its_answer_comes_back(
    path: Path, left: Callable[[], list[str]]
) -> None:
    asked = escalation()

    async def test() -> None:
        service = Service()
        async with running(service, Journal(path)) as (courier, record):
            await submit(courier, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            service.answer(asked.id, State.ASSIGNED)
            await record.until(lambda: State.ASSIGNED in record.states(asked.id))
            service.answer(asked.id)
            await record.until(lambda: record.resolved)
            (resolved,) = record.resolved
            courier.published(asked.id)
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

        async def open(self, escalation: Escalation, image_url: str, *, may_be_open: bool) -> str:
            with sqlite3.connect(f'file:{path}?mode=ro', uri=True) as other:
                rows = other.execute('SELECT may_be_open FROM escalation').fetchall()
            other.close()
            assert rows == [(1,)]
            return await super().open(escalation, image_url, may_be_open=may_be_open)

    async def test() -> None:
        async with running(Watching(), Journal(path)) as (courier, record):
            await submit(courier, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))

    run(test())


def test_what_the_disk_refuses_is_not_accepted() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None, max_image_bytes=10)) as (courier, record):
            with pytest.raises(JournalError):
                await submit(courier, escalation())
            assert record.events == [] and service.calls == 0
            assert courier.admits(0.5, time.monotonic()) == ''

    run(test())


def test_a_service_that_is_down_gets_it_when_it_is_up() -> None:
    async def test() -> None:
        service = Service(fails=[ConnectionFailed('refused'), ConnectionFailed('refused')])
        async with running(service, Journal(None)) as (courier, record):
            asked = [escalation() for _ in range(6)]
            await submit(courier, *asked)
            await record.until(lambda: all(State.OPEN in record.states(a.id) for a in asked))

    run(test())


def test_one_outage_is_one_failure_however_many_senders_met_it() -> None:
    """Or four questions would wait eight times as long as one."""

    async def test() -> None:
        service = Service(fails=[ConnectionFailed('refused')] * 4)
        async with running(service, Journal(None)) as (courier, record):
            begin = time.monotonic()
            asked = [escalation() for _ in range(4)]
            await submit(courier, *asked)
            await record.until(lambda: all(State.OPEN in record.states(a.id) for a in asked))
            assert time.monotonic() - begin < 3.0

    run(test())


@pytest.mark.parametrize('status', [401, 403, 408, 429, 500, 503])
def test_a_passing_refusal_is_tried_again(status: int) -> None:
    async def test() -> None:
        service = Service(fails=[error_for_status(status, 'not now')] * 2)
        async with running(service, Journal(None)) as (courier, record):
            asked = escalation()
            await submit(courier, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            assert record.states(asked.id) == [State.QUEUED, State.OPEN]

    run(test())


@pytest.mark.parametrize('retry_after_s', [0.3, 1e9])
def test_retry_after_is_heeded_within_reason(retry_after_s: float) -> None:
    async def test() -> None:
        service = Service(fails=[error_for_status(429, 'slow down', retry_after_s)])
        async with running(service, Journal(None)) as (courier, record):
            begin = time.monotonic()
            asked = escalation()
            await submit(courier, asked)
            if retry_after_s < 1.0:
                await record.until(lambda: State.OPEN in record.states(asked.id))
                assert time.monotonic() - begin >= retry_after_s
            else:
                await record.until(lambda: service.calls)
                assert courier._gate - time.monotonic() <= 3600.0

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

        async def open(self, escalation: Escalation, image_url: str, *, may_be_open: bool) -> str:
            if escalation.id == bad.id:
                raise error_for_status(status, 'label is too long')
            return await super().open(escalation, image_url, may_be_open=may_be_open)

    async def test() -> None:
        async with running(Picky(), Journal(path)) as (courier, record):
            await submit(courier, bad, good)
            await record.until(lambda: State.OPEN in record.states(good.id))
            await record.until(lambda: State.FAILED in record.states(bad.id))
            assert 'label is too long' in record.detail(bad.id, State.FAILED)
            assert str(status) in record.detail(bad.id, State.FAILED)
            await written(courier)

    run(test())
    assert left() == [good.id]


def test_the_most_important_then_the_least_certain_go_first() -> None:
    async def test() -> None:
        service = Service()
        service.open_gate.clear()
        async with running(service, Journal(None)) as (courier, record):
            # The senders are all held at the gate by questions of no interest.
            holding = [escalation() for _ in range(4)]
            await submit(courier, *holding)
            asked = {
                'sure': escalation(certainty=0.5),
                'doubt': escalation(certainty=0.2),
                'urgent': escalation(certainty=0.5, priority=1),
                'middle': escalation(certainty=0.3),
            }
            await submit(courier, *asked.values())
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
        async with running(service, Journal(None), Limits(open=6)) as (courier, record):
            sent = [escalation(certainty=0.9) for _ in range(4)]
            await submit(courier, *sent)
            await record.until(lambda: len(service.uploads) == 4)
            waiting = [escalation(certainty=0.5), escalation(certainty=0.4)]
            await submit(courier, *waiting)
            now = time.monotonic()
            assert courier.admits(0.5, now) == 'limits.open'
            assert courier.admits(0.45, now) == ''
            urgent = escalation(certainty=0.45)
            await submit(courier, urgent)
            await record.until(lambda: State.CANCELED in record.states(waiting[0].id))
            assert 'less certain' in record.detail(waiting[0].id, State.CANCELED)
            assert courier.dropped['gave way'] == 1
            service.open_gate.set()
            left = [*sent, waiting[1], urgent]
            await record.until(lambda: all(State.OPEN in record.states(e.id) for e in left))
            assert len(service.opened) == 6
            assert courier.admits(0.0, now) == 'limits.open'
            service.answer(sent[0].id)
            await record.until(lambda: record.resolved)
            assert courier.admits(0.9, now) == ''

    run(test())


def test_no_more_than_so_many_an_hour() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None), Limits(per_hour=2)) as (courier, _):
            now = time.monotonic()
            await submit(courier, escalation(), escalation())
            assert courier.admits(0.0, now) == 'limits.per_hour'
            assert courier.admits(0.0, now + 3700.0) == ''

    run(test())


def test_what_nobody_answers_expires_and_a_late_answer_still_counts(
    path: Path, left: Callable[[], list[str]]
) -> None:
    asked = escalation(timeout_s=1.5)

    async def test() -> None:
        service = Service()
        async with running(service, Journal(path)) as (courier, record):
            await submit(courier, asked)
            await record.until(lambda: State.EXPIRED in record.states(asked.id))
            assert record.detail(asked.id, State.EXPIRED) == 'no answer in time'
            assert courier.asked(asked.id) == Asked(asked.id, f'token of {asked.id}')
            assert courier.admits(0.9, 0.0) == ''
            service.answer(asked.id)
            courier.on_open(asked.id)
            await record.until(lambda: record.resolved)
            assert record.resolved[0].late
            courier.published(asked.id)

    run(test())
    assert left() == []


def test_what_cannot_be_sent_in_time_expires(path: Path, left: Callable[[], list[str]]) -> None:
    asked = escalation(timeout_s=0.3)

    async def test() -> None:
        service = Service(fails=[ConnectionFailed('refused')] * 1000)
        async with running(service, Journal(path)) as (courier, record):
            await submit(courier, asked)
            await record.until(lambda: State.EXPIRED in record.states(asked.id))
            await written(courier)

    run(test())
    assert left() == []


def test_a_restart_goes_on_where_it_was(path: Path, left: Callable[[], list[str]]) -> None:
    unsent, opened, answered = escalation(), escalation(), escalation()

    async def before() -> None:
        service = Service()
        async with running(service, Journal(path)) as (courier, record):
            await submit(courier, opened, answered)
            await record.until(
                lambda: courier.asked(opened.id) and courier.asked(answered.id)
            )
            service.answer(answered.id)
            await record.until(lambda: record.resolved)
            service.open_gate.clear()
            await submit(courier, unsent)
            await record.until(lambda: unsent.id in service.creating)

    async def after() -> None:
        service = Service()
        async with running(service, Journal(path)) as (courier, record):
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
                courier.published(resolved.escalation.id)

    async def once_more() -> None:
        later = escalation()
        async with running(Service(), Journal(path)) as (courier, record):
            await submit(courier, later)
            await record.until(lambda: courier.asked(later.id))
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
            async def open(
                self, escalation: Escalation, image_url: str, *, may_be_open: bool
            ) -> str:
                self.may_have_been_open.append(may_be_open)
                if failures:
                    raise failures.pop(0)
                return await super().open(escalation, image_url, may_be_open=may_be_open)

        failures = [never, lost, never]
        service = Breaking()
        async with running(service, Journal(None)) as (courier, record):
            asked = escalation()
            await submit(courier, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            assert service.may_have_been_open == [False, False, True, True, True]
            assert service.uploads == [asked.id]

    run(test())


def test_the_first_answer_wins() -> None:
    async def test() -> None:
        async with running(Service(), Journal(None)) as (courier, record):
            asked = escalation()
            await submit(courier, asked)
            await record.until(lambda: courier.asked(asked.id))

            def report(response: str) -> Report:
                return Report(
                    asked.id, State.CLOSED, lambda _: Answer(State.CLOSED, response=response)
                )

            news = await asyncio.gather(
                *(courier.settle(report(text)) for text in ('first', 'second', 'third'))
            )
            assert news == [True, False, False]
            assert [r.answer.response for r in record.resolved] == ['first']
            assert not await courier.settle(report('fourth'))
            assert not await courier.settle(replace(report('x'), id='nobody', state=State.OPEN))

    run(test())


def test_an_answer_is_read_with_what_was_asked() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None)) as (courier, record):
            asked = escalation(priors=(doubted('cat'), doubted('dog', id='1')))
            seen: list[Escalation] = []

            def read(escalation: Escalation) -> Answer:
                seen.append(escalation)
                return Answer(State.CLOSED)

            await submit(courier, asked)
            service.answers[asked.id] = Report(asked.id, State.CLOSED, read)
            await record.until(lambda: record.resolved)
            assert seen == [asked]

    run(test())


def test_an_answer_that_cannot_be_read_stops_nobody_elses() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None)) as (courier, record):
            bad, good = escalation(), escalation()

            def unreadable(_: Escalation) -> Answer:
                raise WireError('no object')

            await submit(courier, bad)
            await record.until(lambda: State.OPEN in record.states(bad.id))
            service.answers[bad.id] = Report(bad.id, State.CLOSED, unreadable)
            await submit(courier, good)
            service.answer(good.id)
            await record.until(lambda: record.resolved)
            assert record.resolved[0].escalation.id == good.id

    run(test())


def test_polling_goes_on_after_trouble() -> None:
    async def test() -> None:
        service = Service()
        async with running(service, Journal(None)) as (courier, record):
            asked = escalation()
            await submit(courier, asked)
            await record.until(lambda: courier.asked(asked.id))
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
        async with running(service, Full(None)) as (courier, record):
            asked = escalation()
            await submit(courier, asked)
            service.answer(asked.id)
            await record.until(lambda: record.resolved)
            courier.published(asked.id)

    run(test())
