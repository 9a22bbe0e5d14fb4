# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""All questions on their way, with a service in this process, for the tests of both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from samples import image

from spark_ros.clients.errors import UnsupportedError
from spark_ros.escalation.answers.feed import Feed
from spark_ros.escalation.backends.backend import Asked, News, Report
from spark_ros.escalation.backends.contact import Contacts
from spark_ros.escalation.engagement import Context, Event
from spark_ros.escalation.engagements import Engagements, cancel_all
from spark_ros.escalation.journal.async_journal import AsyncJournal
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, Resolved, Status
from spark_ros.escalation.settings import Current, Limits, Settings
from spark_ros.model import Answer, Question, State

DEADLINE_S = 50.0


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
    can_withdraw: bool | None = True
    extensions: frozenset[str] = frozenset()
    operators: int | None = None
    deadlines: list[float | None] = field(default_factory=list)
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

    async def open(
        self, escalation: Escalation, image_url: str, *, may_be_open: bool,
        deadline_s: float | None = None,
    ) -> str:  # fmt: skip
        self.deadlines.append(deadline_s)
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

    def end(self, id: str, state: State) -> None:
        """End a question without an answer."""
        self.answers[id] = Report(f'token of {id}', state, None)

    def _call(self) -> None:
        self.calls += 1
        self.changed()
        if self.fails:
            raise self.fails.pop(0)


class Record:
    """What was told, and a way to wait for more of it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.running: Callable[[], bool] = lambda: True
        self.heard: Callable[[Event], None] = lambda event: None
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.heard(event)
        self.look()

    def look(self) -> None:
        self._news.set()

    async def until(self, condition: Callable[[], Any]) -> None:
        async def wait() -> None:
            while not condition():
                self._news.clear()
                assert self.running(), 'nothing runs any more'
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


class Running(Engagements):
    """All questions on their way, with what else takes part, and what the tests look at."""

    def __init__(
        self, service: Service, journal: Journal, settings: Settings, emit: Callable[[Event], None]
    ) -> None:
        self.before = asyncio.all_tasks()
        self.current, self.kept = Current(settings), AsyncJournal(journal)
        super().__init__(Context(service, Contacts(), self.kept, self.current, emit))
        self.queue, self.router = self.context.queue, self.context.router
        self.poller, self.dropped = self.context.poller, self.context.dropped
        self.feed = Feed(
            service, self.context.contacts, self.kept, self.router, self.poller,
            self.context.reached,
        )  # fmt: skip

    def asked(self, id: str) -> Asked | None:
        question = self._questions.get(id)
        return Asked(id, question.token) if question is not None and question.token else None

    def all_asked(self) -> list[Asked]:
        return list(self._questions.asked())

    def time_is_up(self, id: str, in_s: float = 0.0) -> None:
        """End the time for an answer to a question that is open, now or so much later."""
        question = self._questions.get(id)
        assert question is not None and question.token
        question.expires_at = time.monotonic() + in_s
        question.heard.set()

    def published(self, id: str) -> None:
        self.kept.post(Journal.done, id)

    def configure(self, **changes: Any) -> None:
        self.current.settings = replace(self.current.settings, **changes)
        super().configure()

    async def recall(self, name: str) -> str:
        return await self.kept.read_or(lambda disk: disk.recall(name), '')

    async def on_disk(self, call: Callable[..., Any], *args: object) -> Any:
        """Make a call on the journal's thread, after all that it has to do."""
        return await self.kept.read_or(lambda disk: call(*args), None)

    def close(self) -> None:
        self.kept.close()


@asynccontextmanager
async def running(
    service: Service,
    journal: Journal,
    limits: Limits | None = None,
    interval_s: float = 0.02,
    longest_s: float = 0.1,
    *,
    asking: Mapping[str, Asking] | None = None,
    dry_run: bool = False,
    feeding: bool = False,
) -> AsyncIterator[tuple[Running, Record]]:
    """Keep questions going; leave as a robot that is switched off does."""
    record = Record()
    service.changed = record.look
    settings = Settings(
        asking=asking or {}, limits=limits or Limits(), poll_interval_s=interval_s,
        poll_max_interval_s=longest_s, journal_max_bytes=journal.max_image_bytes,
        dry_run=dry_run, robot_id='rover', drive='a drive',
    )  # fmt: skip
    engagements = Running(service, journal, settings, record)
    engagements.recover()
    task = asyncio.gather(engagements.run(), *([engagements.feed.run()] if feeding else []))
    task.add_done_callback(lambda _: record.look())
    record.running = lambda: not task.done()
    try:
        yield engagements, record
        assert not task.done(), task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await cancel_all(asyncio.all_tasks() - {asyncio.current_task()} - engagements.before)
        engagements.close()


async def submit(engagements: Engagements, *questions: Escalation) -> None:
    for question in questions:
        await engagements.submit(question, image(), time.monotonic())


async def written(engagements: Running) -> None:
    """Wait until the disk has what was written so far."""
    await engagements.on_disk(lambda: None)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, DEADLINE_S * 2))
