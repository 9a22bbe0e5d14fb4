# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A courier with a service in this process, for the tests of both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from samples import image

from spark_ros.clients.errors import UnsupportedError
from spark_ros.escalation.backends.backend import Asked, News, Report
from spark_ros.escalation.courier import Courier, Event, Limits
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.poller import Poller
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, Resolved, Status
from spark_ros.model import Answer, Question, State

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
    withdrawn: list[str] = field(default_factory=list)
    polls_per_s: float | None = None
    can_withdraw: bool = True
    changed: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.open_gate.set()

    def refuses(self, question: Question, program: str) -> str:
        return '' if question.instructions else 'there is nothing to read'

    async def withdraw(self, token: str) -> None:
        self._call()
        self.withdrawn.append(token)
        self.changed()

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

    def read_push(self, body: object) -> Report:
        raise NotImplementedError

    async def changes(self, cursor: str | None) -> News:
        raise UnsupportedError(404, 'no feed')

    async def aclose(self) -> None:
        pass

    def answer(self, id: str, state: State = State.CLOSED) -> None:
        self.answers[id] = Report(
            f'token of {id}', state, lambda asked: Answer(state, response='seen')
        )

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
    courier = Courier(service, SafeJournal(journal), record, limits or Limits())
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
    await courier._disk(lambda: None)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, DEADLINE_S * 2))
