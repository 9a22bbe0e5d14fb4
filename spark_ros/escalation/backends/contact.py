# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The state of the service, as the calls to it showed."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
    """The results of calls to one service; times are on the steady clock.

    Attributes:
        tried: whether any call has ended.
        trouble: the trouble of the newest call.
        error: the message of the newest failure, also after it is over.
        reached_at: when the service last carried out a call.
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


class Contacts:
    """What becomes of all calls to the services; used on one thread, but for `pushed`.

    Attributes:
        service: what is known of the service that is asked.
        retries: how many times a question or its image has to be sent again.
        follows_feed: whether the newest call of the change feed succeeded.
        pushed_at: when the service last pushed something that could be verified.
    """

    def __init__(self, *, images_elsewhere: bool = False) -> None:
        """Begin with nothing known.

        Args:
            images_elsewhere: images go to another service than questions.
        """
        self._images_elsewhere = images_elsewhere
        self.service = self._images = Contact()
        self.retries = 0
        self.follows_feed = False
        self.pushed_at: float | None = None

    @property
    def images(self) -> Contact:
        """What is known of where images are uploaded to; the service itself, where it is that."""
        return self._images if self._images_elsewhere else self.service

    @contextmanager
    def recorded(self, *, sends: bool = False, image: bool = False) -> Iterator[None]:
        """Record what becomes of a call.

        Args:
            sends: it sends a question, or its image: a call that every service has.
            image: it is sent to where images go.
        """
        images = image and self._images_elsewhere
        try:
            yield
        except ClientError as error:
            self.retries += sends and not error.final
            self._record(error, sends, images)
            raise
        self._record(None, sends, images)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Record what becomes of a call of the change feed."""
        try:
            with self.recorded():
                yield
        except ClientError:
            self.follows_feed = False
            raise
        self.follows_feed = True

    def pushed(self) -> None:
        """Record that the service has pushed something."""
        self.pushed_at = time.monotonic()

    def _record(self, error: ClientError | None, known_call: bool, images: bool) -> None:
        now = time.monotonic()
        if images:
            self._images = self._images.after(error, now, known_call)
        else:
            self.service = self.service.after(error, now, known_call)
