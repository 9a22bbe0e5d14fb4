# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The change bus: who waits for a question to change hears of it, in the order of commits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

BACKLOG = 1000


@dataclass(frozen=True)
class Change:
    """One committed state change.

    Attributes:
        number: grows in commit order; a row of the `changes` table.
        question_id: which question.
        key_id: whose it is.
        state: what it is now.
    """

    number: int
    question_id: int
    key_id: int
    state: str


class Subscription:
    """The changes that one waiter has not taken yet."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue(BACKLOG)
        self.closed = False

    async def next(self) -> Change | None:
        """Wait for the next change; None means: look at everything again, or `closed`."""
        return await self._queue.get()

    def drain(self) -> None:
        """Forget the changes that already came."""
        while not self._queue.empty():
            self._queue.get_nowait()

    def offer(self, change: Change | None) -> None:
        """Hand over a change; a waiter that fell far behind starts over instead."""
        try:
            self._queue.put_nowait(change)
        except asyncio.QueueFull:
            self.drain()
            self._queue.put_nowait(None)


class ChangeBus:
    """Carries changes from the store's writer thread to waiters in the event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subscriptions: set[Subscription] = set()
        self._by_question: dict[int, set[Subscription]] = {}
        self._closed = False

    def open(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def publish(self, changes: Iterable[Change]) -> None:
        """Announce committed changes; callable from any thread."""
        batch = tuple(changes)
        if batch and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._offer, batch)

    def close(self) -> None:
        """End all waiting; call in the event loop."""
        self._closed = True
        for subscription in self._everybody():
            subscription.closed = True
            subscription.offer(None)

    @contextmanager
    def subscribe(self, question_id: int | None = None) -> Iterator[Subscription]:
        """Hear of every change from now on, or of those of one question.

        Hundreds may wait at once, each for its own question: a change wakes only those whose
        it is.
        """
        subscription = Subscription()
        subscription.closed = self._closed
        if question_id is None:
            group = self._subscriptions
        else:
            group = self._by_question.setdefault(question_id, set())
        group.add(subscription)
        try:
            yield subscription
        finally:
            group.discard(subscription)
            if question_id is not None and not group:
                self._by_question.pop(question_id, None)

    def _offer(self, batch: tuple[Change, ...]) -> None:
        for change in batch:
            for subscription in self._subscriptions:
                subscription.offer(change)
            for subscription in self._by_question.get(change.question_id, ()):
                subscription.offer(change)

    def _everybody(self) -> list[Subscription]:
        return [*self._subscriptions, *chain.from_iterable(self._by_question.values())]
