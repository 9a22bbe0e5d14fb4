# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The interface to a service, whichever API it speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Container, Sequence
from dataclasses import dataclass
from typing import Protocol

from spark_ros.escalation.question.escalation import EncodedImage, Escalation
from spark_ros.model import Answer, Question, State

FETCHED_SINGLY = 8
"""Up to this many questions are polled one by one instead of by reading the list."""


@dataclass(frozen=True)
class Asked:
    """A question that the service has: our id and its token."""

    id: str
    token: str


@dataclass(frozen=True)
class Report:
    """A report of the service about one question.

    Attributes:
        token: the service's.
        answer: reads the answer to the given question; may raise WireError. None where the
            service itself has ended the question, as the state says: EXPIRED or CANCELED.
        sequence: grows with each change of the question; 0 if the service has no such number.
    """

    token: str
    state: State
    answer: Callable[[Escalation], Answer] | None
    sequence: int = 0


@dataclass(frozen=True)
class News:
    """What changed on the service since a cursor.

    Attributes:
        cursor: opaque; goes into the next call.
        reports: in the order in which the service committed them.
    """

    cursor: str
    reports: tuple[Report, ...] = ()


def at_the_desk(operators: int | None) -> str:
    """Say how many people are there to answer; an empty string where that is not known."""
    if operators is None:
        return ''
    people = {0: 'nobody', 1: '1 operator'}.get(operators, f'{operators} operators')
    return f'{people} at the desk'


class Backend(Protocol):
    """A service that people answer on. Every call raises `spark_ros.clients` errors."""

    @property
    def polls_per_s(self) -> float | None:
        """How many questions may be polled in a second; None if one request shows many."""

    @property
    def extensions(self) -> Container[str] | None:
        """What the service adds to its API's page; None before its first answer."""

    @property
    def operators(self) -> int | None:
        """How many people are there to answer; None where the service does not say."""

    @property
    def can_withdraw(self) -> bool | None:
        """Whether the service has a call to withdraw a question; None: not known yet."""

    def refuses(self, question: Question, program: str) -> str:
        """Return why the API cannot ask something, or an empty string. Sends nothing."""

    async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
        """Upload an image so that the service can show it, and return its URL."""

    async def open(
        self,
        escalation: Escalation,
        image_url: str,
        *,
        may_be_open: bool,
        deadline_s: float | None = None,
    ) -> str:
        """Open the question and return its token.

        Args:
            escalation: what is asked.
            image_url: from `upload`.
            may_be_open: an earlier attempt may have arrived; do not ask twice if the service has
                a way to avoid it.
            deadline_s: in so many seconds its answer is of no use any more.
        """

    def poll(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
        """Return the states of open questions, as cheaply as the service allows."""

    def read_push(self, body: object) -> Report:
        """Read a push of the service. Raises WireError."""

    async def changes(self, cursor: str | None) -> News:
        """Wait for changes after a cursor, in one long poll for all questions.

        Args:
            cursor: of the last result; None returns the present one at once.

        Raises:
            UnsupportedError, NotFoundError: the service has no change feed.
            CursorGone: changes since the cursor were lost; poll, then begin with None.
        """

    async def withdraw(self, token: str) -> None:
        """Withdraw a question that is not answered yet; doing it again does no harm.

        Where there is no call for that, this does nothing.
        """

    async def aclose(self) -> None:
        """Close connections."""
