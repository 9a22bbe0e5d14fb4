# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The change bus: who waits for a question to change hears of it, in the order of commits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

BACKLOG = 1000
K = TypeVar('K')


@dataclass(frozen=True)
class Change:
    """One committed state change.

    Attributes:
        number: grows in commit order; a row of the `changes` table.
        question_id: which question.
        key_id: whose it is.
        state: what it is now.
        robot_id: which robot of theirs asked, where it said so.
        pushed: whether it goes to a webhook.
    """

    number: int
    question_id: int
    key_id: int
    state: str
    robot_id: str | None = None
    pushed: bool = False


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
        self._by_robot: dict[tuple[int, str | None], set[Subscription]] = {}
        self._closed = False

    def open(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def publish(self, changes: Iterable[Change]) -> None:
        """Announce committed changes; callable from any thread."""
        batch = tuple(changes)
        if batch and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._offer, batch)

    def look_again(self) -> None:
        """Have whoever follows every change look at everything again; callable in any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._offer_nothing)

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
        if question_id is not None:
            with self._listening(self._by_question, question_id) as subscription:
                yield subscription
            return
        subscription = self._new()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def subscribe_robot(
        self, key_id: int, robot_id: str | None
    ) -> AbstractContextManager[Subscription]:
        """Hear of the changes of one key's questions, or of those that one robot asked."""
        return self._listening(self._by_robot, (key_id, robot_id))

    @contextmanager
    def _listening(self, groups: dict[K, set[Subscription]], name: K) -> Iterator[Subscription]:
        subscription = self._new()
        group = groups.setdefault(name, set())
        group.add(subscription)
        try:
            yield subscription
        finally:
            group.discard(subscription)
            if not group:
                groups.pop(name, None)

    def _new(self) -> Subscription:
        subscription = Subscription()
        subscription.closed = self._closed
        return subscription

    def _offer(self, batch: tuple[Change, ...]) -> None:
        for change in batch:
            for subscription in self._concerned(change):
                subscription.offer(change)

    def _offer_nothing(self) -> None:
        for subscription in self._subscriptions:
            subscription.offer(None)

    def _concerned(self, change: Change) -> Iterator[Subscription]:
        yield from self._subscriptions
        yield from self._by_question.get(change.question_id, ())
        for robot_id in {None, change.robot_id}:
            yield from self._by_robot.get((change.key_id, robot_id), ())

    def _everybody(self) -> list[Subscription]:
        groups = (*self._by_question.values(), *self._by_robot.values())
        return [*self._subscriptions, *chain.from_iterable(groups)]
