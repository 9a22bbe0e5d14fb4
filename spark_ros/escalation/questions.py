# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the courier keeps in memory of the questions on their way; the rest is in the journal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from spark_ros.escalation.backend import Asked
from spark_ros.escalation.backoff import Backoff
from spark_ros.escalation.journal import Entry
from spark_ros.model import State

WAITING = frozenset({State.QUEUED, State.OPEN, State.ASSIGNED})


@dataclass
class Question:
    """One question on its way.

    Attributes:
        entry: as the journal had it when it was taken up.
        sending: a sender has it just now.
        sequence: of the newest report that was taken in.
        given_up_at: when it is too old to be kept, on the steady clock.
    """

    entry: Entry
    state: State
    token: str
    image_url: str
    may_be_open: bool
    sending: bool = False
    sequence: int = 0
    given_up_at: float = math.inf
    backoff: Backoff = field(default_factory=lambda: Backoff(1.0, 60.0))

    @property
    def unsent(self) -> bool:
        """Whether it can still be given up without the service ever having seen it."""
        return self.state is State.QUEUED and not self.sending and not self.may_be_open


class Questions:
    """All of them, by our id and by the service's token, oldest first."""

    def __init__(self) -> None:
        self._by_id: dict[str, Question] = {}
        self._id_of: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    def take(self, entry: Entry) -> Question:
        """Take up an entry of the journal."""
        question = Question(
            entry, entry.state, entry.token, entry.image_url, entry.may_be_open
        )
        self._by_id[entry.id] = question
        if entry.token:
            self._id_of[entry.token] = entry.id
        return question

    def opened(self, question: Question, token: str) -> None:
        """Note that the service has it."""
        question.token, question.state = token, State.OPEN
        self._id_of[token] = question.entry.id

    def forget(self, id: str) -> Question | None:
        """Let one go; None where it is gone already."""
        question = self._by_id.pop(id, None)
        if question is not None:
            self._id_of.pop(question.token, None)
        return question

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

    def all_waiting(self) -> list[Question]:
        """Return those that count against the limit, oldest first."""
        return [question for question in self._by_id.values() if question.state in WAITING]

    def waiting(self) -> int:
        """Count those that count against the limit."""
        return len(self.all_waiting())

    def most_certain_unsent(self, than: float, priority: int = 0) -> Question | None:
        """Return the unsent one that gives way to one of a certainty and a priority.

        It is of the lowest priority there is, and the most certain of these; among equals in
        priority it must be more certain than the other.
        """
        unsent = [
            q
            for q in self._by_id.values()
            if q.unsent and (-q.entry.priority, q.entry.certainty) > (-priority, than)
        ]
        return max(unsent, key=lambda q: (-q.entry.priority, q.entry.certainty), default=None)

    def oldest_expired(self) -> Question | None:
        """Return the first that is kept for no more than a late answer."""
        return next((q for q in self._by_id.values() if q.state is State.EXPIRED), None)

    def oldest_unsent(self, priority: int) -> Question | None:
        """Return the first to give up where there is no room: none above the priority."""
        unsent = [q for q in self._by_id.values() if q.unsent and q.entry.priority <= priority]
        return min(unsent, key=lambda q: (q.entry.priority, q.entry.created), default=None)
