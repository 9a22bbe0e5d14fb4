# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is known of the service from the calls that were made to it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum

from spark_ros.clients.errors import (
    AuthenticationError,
    ClientError,
    ConnectionFailed,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RedirectError,
    ServerError,
)
from spark_ros.escalation.backends.backend import Asked, Backend, News, Report
from spark_ros.escalation.question.escalation import EncodedImage, Escalation
from spark_ros.model import Question


class Trouble(str, Enum):
    """What is wrong with a service as a whole, rather than with one question."""

    NONE = ''
    UNREACHABLE = 'unreachable'
    UNAUTHORISED = 'unauthorised'
    STRANGE = 'strange'
    BUSY = 'busy'


TROUBLES: dict[type[ClientError], Trouble] = {
    ConnectionFailed: Trouble.UNREACHABLE,
    AuthenticationError: Trouble.UNAUTHORISED,
    RedirectError: Trouble.STRANGE,
    ProtocolError: Trouble.STRANGE,
    ServerError: Trouble.BUSY,
    RateLimitedError: Trouble.BUSY,
}


@dataclass(frozen=True)
class Contact:
    """What the calls to one service came to; times are on the steady clock.

    Attributes:
        tried: whether any call has ended.
        trouble: what the newest call met.
        error: the newest failure's words, also after it is over.
        reached_at: when the service last did what it was asked.
    """

    tried: bool = False
    trouble: Trouble = Trouble.NONE
    error: str = ''
    error_at: float | None = None
    reached_at: float | None = None

    def after(self, error: ClientError | None, now: float, known_call: bool) -> Contact:
        """Return what is known after one more call.

        Args:
            error: what it met, or None.
            now: on the steady clock.
            known_call: whether every service has it: then a 404 is another's.
        """
        if error is None:
            return replace(self, tried=True, trouble=Trouble.NONE, reached_at=now)
        trouble = TROUBLES.get(type(error), Trouble.NONE)
        if known_call and isinstance(error, NotFoundError):
            trouble = Trouble.STRANGE
        reached_at = self.reached_at if trouble else now
        return replace(
            self, tried=True, trouble=trouble, error=str(error), error_at=now,
            reached_at=reached_at,
        )  # fmt: skip


class WatchedBackend:
    """A backend that notes what becomes of its calls.

    Attributes:
        service: what is known of the service that is asked.
        images: what is known of where images are uploaded to.
        retries: how many times a question or its image has to be sent again.
        follows_feed: whether the newest look at the change feed succeeded.
        pushed_at: when the service last pushed something that could be verified.
    """

    def __init__(self, backend: Backend, *, images_elsewhere: bool = False) -> None:
        """Watch a backend; used on one thread, but for `read_push`.

        Args:
            backend: what is watched.
            images_elsewhere: images go to another service than questions.
        """
        self._backend = backend
        self._images_elsewhere = images_elsewhere
        self.service = self._images = Contact()
        self.retries = 0
        self.follows_feed = False
        self.pushed_at: float | None = None

    @property
    def images(self) -> Contact:
        """What is known of where images are uploaded to; the service itself, where it is that."""
        return self._images if self._images_elsewhere else self.service

    @property
    def polls_per_s(self) -> float | None:
        """As the watched one has it."""
        return self._backend.polls_per_s

    @property
    def can_withdraw(self) -> bool:
        """As the watched one has it."""
        return self._backend.can_withdraw

    def refuses(self, question: Question, program: str) -> str:
        """As the watched one does."""
        return self._backend.refuses(question, program)

    async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
        """As the watched one does."""
        with self._noted(sends=True, images=self._images_elsewhere):
            return await self._backend.upload(escalation, image)

    async def open(self, escalation: Escalation, image_url: str, *, may_be_open: bool) -> str:
        """As the watched one does."""
        with self._noted(sends=True):
            return await self._backend.open(escalation, image_url, may_be_open=may_be_open)

    async def poll(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
        """As the watched one does."""
        with self._noted():
            async for report in self._backend.poll(asked):
                yield report

    def read_push(self, body: object) -> Report:
        """As the watched one does."""
        report = self._backend.read_push(body)
        self.pushed_at = time.monotonic()
        return report

    async def changes(self, cursor: str | None) -> News:
        """As the watched one does."""
        try:
            with self._noted():
                news = await self._backend.changes(cursor)
        except ClientError:
            self.follows_feed = False
            raise
        self.follows_feed = True
        return news

    async def withdraw(self, token: str) -> None:
        """As the watched one does."""
        with self._noted():
            await self._backend.withdraw(token)

    async def aclose(self) -> None:
        """As the watched one does."""
        await self._backend.aclose()

    @contextmanager
    def _noted(self, *, sends: bool = False, images: bool = False) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            self.retries += sends and not error.final
            self._note(error, sends, images)
            raise
        self._note(None, sends, images)

    def _note(self, error: ClientError | None, known_call: bool, images: bool) -> None:
        now = time.monotonic()
        if images:
            self._images = self._images.after(error, now, known_call)
        else:
            self.service = self.service.after(error, now, known_call)
