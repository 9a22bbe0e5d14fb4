# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The open questions, as far as they are in memory; the rest is in the journal."""

from __future__ import annotations

import asyncio
import math
import time
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

import anyio

from spark_ros.clients.extensions import MAX_DEADLINE_S, MIN_DEADLINE_S
from spark_ros.clients.retry import Backoff
from spark_ros.escalation.backends.backend import Asked, Report
from spark_ros.escalation.journal.entry import Entry
from spark_ros.escalation.question.escalation import Audit
from spark_ros.model import State

WAITING = frozenset({State.QUEUED, State.OPEN, State.ASSIGNED})


@dataclass(eq=False)
class Question:
    """One open question.

    Attributes:
        entry: as the journal had it when this run started with it.
        sending: it is being sent now.
        sequence: of the newest report that was stored.
        expires_at: when the wait for its answer is over, on the steady clock.
        given_up_at: when it is too old to be kept, on the steady clock.
        taken_at: when this run started with it, on the steady clock.
        not_before: when it may be sent again, on the steady clock.
        backoff: the delays between attempts to send it.
        reports: reports of the service that are not stored yet, each with a future for whether it
            was new, or None if it could not be stored.
        heard: set when there is such a report.
        ending: the state and reason of an end without an answer, once that is decided.
        ended_by_service: the service itself has ended it: there is nothing to withdraw.
        token_wanted: it is withdrawn, and its token is asked for to tell the service.
        alive: cancels all work for it; see `end`.
        task: runs its coroutine.
    """

    entry: Entry
    state: State
    token: str
    image_url: str
    may_be_open: bool
    sending: bool = False
    sequence: int = 0
    expires_at: float = math.inf
    given_up_at: float = math.inf
    taken_at: float = field(default_factory=time.monotonic)
    not_before: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(1.0, 60.0))
    reports: list[tuple[Report, asyncio.Future[bool | None]]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    ending: tuple[State, str] | None = None
    ended_by_service: bool = False
    token_wanted: bool = False
    alive: anyio.CancelScope | None = None
    task: asyncio.Task[None] | None = None

    @property
    def unsent(self) -> bool:
        """Whether the service has certainly not seen it yet."""
        return self.state is State.QUEUED and not self.sending and not self.may_be_open

    @property
    def left_s(self) -> float:
        """How long it may still wait, in seconds."""
        return min(self.expires_at, self.given_up_at) - time.monotonic()

    @property
    def deadline_s(self) -> float | None:
        """How long it may still wait, in seconds; None where that is longer than is sent."""
        left_s = max(self.left_s, MIN_DEADLINE_S)
        return left_s if left_s <= MAX_DEADLINE_S else None

    def end(self, state: State, detail: str) -> None:
        """End it without an answer: cancel what it waits for; its coroutine publishes the end."""
        if self.ending is None:
            self.ending = state, detail
            if self.alive is not None:
                self.alive.cancel()


@dataclass(frozen=True)
class Standing:
    """How many questions wait, and how long.

    Attributes:
        queued: those that the service does not have yet.
        open: those that it has and that are not answered.
        oldest_s: the age of the oldest of both, in seconds.
        unsent_s: for how long the first of the queued ones has been tried, in seconds.
    """

    queued: int = 0
    open: int = 0
    oldest_s: float = 0.0
    unsent_s: float = 0.0


class Questions:
    """All of them, by our id and by the service's token, oldest first."""

    def __init__(self) -> None:
        self._by_id: dict[str, Question] = {}
        self._id_of: dict[str, str] = {}
        self._waiting: set[str] = set()
        self._audits: set[str] = set()
        # In the order of sending; who is over a limit gives way from its end.
        self._unsent: list[tuple[int, float, float, str]] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def take(self, entry: Entry) -> Question:
        """Take up an entry of the journal."""
        question = Question(
            entry, entry.state, entry.token, entry.image_url, entry.may_be_open
        )
        self._by_id[entry.id] = question
        self._place(question)
        if entry.token:
            self._id_of[entry.token] = entry.id
        return question

    def update(
        self,
        question: Question,
        *,
        state: State | None = None,
        sending: bool | None = None,
        may_be_open: bool | None = None,
    ) -> None:
        """Note the state of a question."""
        question.state = question.state if state is None else state
        question.sending = question.sending if sending is None else sending
        question.may_be_open = question.may_be_open if may_be_open is None else may_be_open
        self._place(question)

    def opened(self, question: Question, token: str) -> None:
        """Note that the service has it."""
        question.token = token
        self.update(question, state=State.OPEN)
        if question.entry.id in self._by_id:
            self._id_of[token] = question.entry.id

    def remove(self, id: str) -> None:
        """Remove a question, if it is still there."""
        question = self._by_id.pop(id, None)
        if question is not None:
            self._id_of.pop(question.token, None)
            self._place(question)

    def get(self, id: str) -> Question | None:
        """Return one by our id."""
        return self._by_id.get(id)

    def of_token(self, token: str) -> Question | None:
        """Return one by the service's token."""
        return self._by_id.get(self._id_of.get(token, ''))

    def asked(self) -> Iterator[Asked]:
        """Yield those that the service has and has not answered, oldest first."""
        for id, question in self._by_id.items():
            if question.token:
                yield Asked(id, question.token)

    def creating(self) -> bool:
        """Whether the service may have one whose token is not known here."""
        return any(q.may_be_open and not q.token for q in self._by_id.values())

    def all_waiting(self) -> list[Question]:
        """Return those that wait to be sent or answered, oldest first."""
        return [question for question in self._by_id.values() if question.state in WAITING]

    def standing(self, now: float) -> Standing:
        """Sum up those that wait, `now` on the steady clock."""
        waiting = [self._by_id[id] for id in self._waiting]
        queued = [question for question in waiting if question.state is State.QUEUED]
        return Standing(
            len(queued),
            len(waiting) - len(queued),
            max((q.entry.age_s + now - q.taken_at for q in waiting), default=0.0),
            max((now - q.taken_at for q in queued), default=0.0),
        )

    def waiting(self) -> int:
        """Count those that count against the limit on open questions."""
        return len(self._waiting) - len(self._audits)

    def audits_waiting(self) -> int:
        """Count those that are audits only."""
        return len(self._audits)

    def most_certain_unsent(self, than: float, priority: int = 0) -> Question | None:
        """Return the unsent one that gives way to one of a certainty and a priority.

        It is of the lowest priority there is, and the most certain of these; among equals in
        priority it must be more certain than the other.
        """
        if not self._unsent or self._unsent[-1][:2] <= (-priority, than):
            return None
        return self._by_id[self._unsent[-1][-1]]

    def oldest_expired(self) -> Question | None:
        """Return the oldest question that is kept only for a late answer."""
        return next((q for q in self._by_id.values() if q.state is State.EXPIRED), None)

    def oldest_unsent(self, priority: int) -> Question | None:
        """Return the question to give up when there is no room.

        None above this priority, and no audit: which of these are asked must not depend on what
        is doubted.
        """
        unsent = [
            q
            for q in self._by_id.values()
            if q.unsent and not q.entry.audit and q.entry.priority <= priority
        ]
        return min(unsent, key=lambda q: (q.entry.priority, q.entry.created), default=None)

    def _place(self, question: Question) -> None:
        """Update the counts after a change of one question; ten thousand may be open."""
        entry = question.entry
        known = self._by_id.get(entry.id) is question
        if known and question.state in WAITING:
            self._waiting.add(entry.id)
            if entry.audit is Audit.ONLY:
                self._audits.add(entry.id)
        else:
            self._waiting.discard(entry.id)
            self._audits.discard(entry.id)
        if entry.audit:
            return
        at = bisect_left(self._unsent, entry.order)
        stands = at < len(self._unsent) and self._unsent[at] == entry.order
        if known and question.unsent and not stands:
            insort(self._unsent, entry.order)
        elif stands and not (known and question.unsent):
            del self._unsent[at]
