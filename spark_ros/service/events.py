# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The change bus: announces committed state changes to subscribers, in the order of commits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from anyio import move_on_after

from spark_ros.service.recent_changes import RecentChanges
from spark_ros.service.storage.change_order import Position

BACKLOG = 1000


@dataclass(frozen=True)
class Change:
    """One committed state change.

    Attributes:
        position: of its row in the `changes` table.
        question_id: which question.
        key_id: whose it is.
        state: what it is now.
        robot_id: which robot of theirs asked, where it said so.
        pushed: whether it goes to a webhook.
        sequence: of the question, after the change.
        at: when it was, in Unix seconds.
        asked_at: when the question was asked.
        token: of the question's job.
        idempotency_key: what the caller calls the question, where it said so.
        program: whose standing instructions apply.
        flags: of an answer.
        fetches: whether files are to be fetched for it.
    """

    position: Position
    question_id: int
    key_id: int
    state: str
    robot_id: str | None = None
    pushed: bool = False
    sequence: int = 1
    at: float = 0.0
    asked_at: float = 0.0
    token: str = ''
    idempotency_key: str | None = None
    program: str | None = None
    flags: tuple[str, ...] = ()
    fetches: bool = False


class Subscription:
    """A queue of the changes that one subscriber has not taken yet.

    Args:
        matters: which changes are put into it.

    Attributes:
        closed: whether the service stops; nothing more comes.
    """

    def __init__(
        self, closed: bool = False, matters: Callable[[Change], bool] | None = None
    ) -> None:
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue(BACKLOG)
        self._matters = matters
        self.closed = closed

    async def next(self) -> Change | None:
        """Wait for the next change; None means: read everything again, or `closed`."""
        return await self._queue.get()

    async def wait(
        self, seconds: float, matters: Callable[[Change], bool] = lambda change: True
    ) -> bool:
        """Wait for a change that matters, or for None (see `next`).

        Args:
            seconds: how long to wait.
            matters: whether a change ends the wait.

        Returns:
            False when the time is up.
        """
        # Not asyncio.wait_for, which up to Python 3.11 loses a cancellation at times.
        with move_on_after(seconds):
            while (change := await self.next()) is not None and not matters(change):
                pass
            return True
        return False

    def drain(self) -> list[Change | None]:
        """Return and forget the changes that already came."""
        came = []
        while not self._queue.empty():
            came.append(self._queue.get_nowait())
        return came

    def offer(self, change: Change | None) -> None:
        """Add a change; a subscriber that fell far behind gets None in place of all of them."""
        if change is not None and self._matters is not None and not self._matters(change):
            return
        try:
            self._queue.put_nowait(change)
        except asyncio.QueueFull:
            self.drain()
            self._queue.put_nowait(None)


class ChangeBus:
    """Carries changes from the store's writer thread to subscribers in the event loop.

    Hundreds may wait at once, each for its own question: a change wakes only the subscribers of
    its topics. These are None (all changes), a question's id, and a key's id with a robot's or
    with None (all of the key's).

    Args:
        observe: called in the event loop with each change, and whether this process made it,
            before the subscribers learn of it; it misses none, and must return at once.

    Attributes:
        recent: which robots' questions changed lately.
    """

    def __init__(self, observe: Callable[[Change, bool], None] | None = None) -> None:
        self.recent = RecentChanges()
        self._observe = observe
        self._loop: asyncio.AbstractEventLoop | None = None
        self._topics: dict[Hashable, set[Subscription]] = {}
        self._closed = False

    def open(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def publish(self, changes: Iterable[Change]) -> None:
        """Announce committed changes of this process; callable from any thread."""
        if batch := tuple(changes):
            self._call(self._offer, batch)

    def read_again(self) -> None:
        """Make all subscribers of all changes read everything again; callable from any thread."""
        self._call(self._offer_to, None, None)

    def relay(self, change: Change) -> None:
        """Announce a committed change of another process; call in the event loop."""
        self._announce(change, False)
        self._note(change)

    def readable(self, change: Change) -> None:
        """Tell the feeds that a change that was announced can be read; call in the event loop."""
        self._note(change)
        self._tell_feeds(change)

    def wake_all(self) -> None:
        """Make all subscribers read everything again; call in the event loop."""
        for topic in self._topics:
            self._offer_to(topic, None)

    def close(self) -> None:
        """End all waiting; call in the event loop."""
        self._closed = True
        for subscriptions in self._topics.values():
            for subscription in subscriptions:
                subscription.closed = True
        self.wake_all()

    def subscribe(
        self,
        question_id: int | None = None,
        matters: Callable[[Change], bool] | None = None,
    ) -> AbstractContextManager[Subscription]:
        """Subscribe to the changes of one question, or to all of them, as far as they matter."""
        return self._subscribe(question_id, matters)

    def subscribe_robot(
        self, key_id: int, robot_id: str | None
    ) -> AbstractContextManager[Subscription]:
        """Subscribe to the changes of one key's questions, or of one robot's."""
        return self._subscribe((key_id, robot_id))

    @contextmanager
    def _subscribe(
        self, topic: Hashable, matters: Callable[[Change], bool] | None = None
    ) -> Iterator[Subscription]:
        subscription = Subscription(self._closed, matters)
        subscriptions = self._topics.setdefault(topic, set())
        subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            subscriptions.discard(subscription)
            if not subscriptions:
                self._topics.pop(topic, None)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _offer(self, batch: tuple[Change, ...]) -> None:
        for change in batch:
            self._announce(change, True)
            # On a shared database it can be read when the log of changes says so.
            if not change.position.xid:
                self._note(change)

    def _announce(self, change: Change, made_here: bool) -> None:
        if self._observe is not None:
            self._observe(change, made_here)
        self._tell_feeds(change)
        self._offer_to(change.question_id, change)
        self._offer_to(None, change)

    def _tell_feeds(self, change: Change) -> None:
        for robot_id in {None, change.robot_id}:
            self._offer_to((change.key_id, robot_id), change)

    def _note(self, change: Change) -> None:
        self.recent.note(change.position, change.key_id, change.robot_id)

    def _offer_to(self, topic: Hashable, change: Change | None) -> None:
        for subscription in self._topics.get(topic, ()):
            subscription.offer(change)
