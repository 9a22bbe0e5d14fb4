# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The queue as consoles see it: read once after changes for all; each is sent what is new to it.

Hundreds of consoles that each read two hundred lines after each change would stop the service.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from anyio import move_on_after
from sqlalchemy import Connection

from spark_ros.service.context import Context
from spark_ros.service.events import Subscription
from spark_ros.service.operators import view
from spark_ros.service.storage import next_check, skips, waiting
from spark_ros.service.storage.schema import NEVER
from spark_ros.service.web.replies import json_array, json_object, to_json

QUEUE_LENGTH = 200
# How often the queue is sent at most, in seconds; where some operators must not answer some
# questions, consoles are told to read it themselves, which is more work.
EVERY_S, READ_AGAIN_EVERY_S = 0.25, 1.0


@dataclass(frozen=True)
class Snapshot:
    """The first lines of the queue at one moment.

    Attributes:
        lines: what each line says, as JSON, by the question's id, in the order of the queue.
        marks: by the question's id, what differs when the line says something else.
        owners: who works on a question, by its id.
        held: who answered a question, by its id, whose answer is held back: only they see it.
        skipped: who is not to be given a question next, by its id.
        waiting: how many questions wait for everybody, listed or not.
        more_waiting: how many of `held` there are, listed or not, by their operators.
        excludes: whether operators who are there must not answer some of them.
        seconds: another value when other second opinions are to be given while nothing is open.
        taken_at: the event loop's time.
        number: of the read, counted from 1.
        access: grows when somebody's session may have been ended.
    """

    lines: dict[int, bytes]
    marks: dict[int, tuple[Any, ...]]
    owners: dict[int, str]
    held: dict[int, str]
    skipped: Mapping[int, frozenset[str]]
    waiting: int
    more_waiting: Mapping[str, int]
    excludes: bool
    seconds: tuple[int, int]
    taken_at: float
    number: int
    access: int

    def seen_by(self, operator: str) -> list[tuple[int, tuple[Any, ...]]]:
        """Return the ids and marks of the lines that an operator sees, in order."""
        seen = (
            (id, mark) for id, mark in self.marks.items()
            if self.held.get(id, operator) == operator
        )  # fmt: skip
        return [*islice(seen, QUEUE_LENGTH)]


@dataclass
class LiveQueue:
    """Keeps a snapshot while anybody follows it.

    Attributes:
        reads: how many reads have begun.
        closed: whether the service stops; nothing more comes.
    """

    reads: int = 0
    _snapshot: Snapshot | None = None
    _published: asyncio.Event = field(default_factory=asyncio.Event)
    _followed: asyncio.Event = field(default_factory=asyncio.Event)
    _followers: int = 0
    _access: int = 0
    _changes: Subscription | None = None
    closed: bool = False

    async def run(self, service: Context) -> None:
        """Read the queue after changes, `EVERY_S` apart at least, until the service stops."""
        with service.bus.subscribe() as changes:
            self._changes = changes
            while not changes.closed:
                if not self._followers:
                    self._snapshot = None
                    await self._followed.wait()
                    # What has come until here is no reason to read a second time.
                    self._access += None in changes.drain()
                self.reads += 1
                self._publish(await _read(service, self.reads, self._access))
                await asyncio.sleep(EVERY_S)
                if not changes.closed:
                    self._access += None in (await changes.next(), *changes.drain())
        self.closed = True
        self._publish(None)
        # Until it is cancelled: a task that ends would be started again.
        await asyncio.Event().wait()

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Keep the snapshot up to date while the block runs."""
        self._followers += 1
        self._followed.set()
        if self._changes is not None:
            # Questions may exclude who has just come.
            self._changes.offer(None)
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers:
                self._followed.clear()

    async def next(self, after: int, seconds: float) -> Snapshot | None:
        """Wait for a snapshot of a later read; None when the time is up."""
        with move_on_after(seconds):
            while not self.closed and (self._snapshot is None or self._snapshot.number <= after):
                await self._published.wait()
            return self._snapshot
        return None

    def _publish(self, snapshot: Snapshot | None) -> None:
        self._snapshot = snapshot
        self._published.set()
        self._published = asyncio.Event()


async def messages(
    queue: LiveQueue, operator: str, patience_s: float
) -> AsyncIterator[tuple[bytes | None, int]]:
    """Yield what an operator's console is told: JSON, or None after some silence.

    Each comes with a number that grows when somebody's session may have been ended. The first
    message has all lines, the later ones those that are new or changed: `{"order": [id, …],
    "lines": […], "waiting": n, "elapsed_s": s}`, where the times of the lines were true
    `elapsed_s` ago. `{}` means: read the queue.
    """
    loop, sent = asyncio.get_running_loop(), dict[int, tuple[Any, ...]]()
    seen: Snapshot | None = None
    with queue.followed():
        # What was read before this console came may be older than what it has read itself.
        after = queue.reads
        while not queue.closed:
            found = await queue.next(seen.number if seen else after, patience_s)
            if found is None:
                yield None, seen.access if seen else 0
                continue
            before, seen = seen, found
            if found.excludes or (before and before.seconds != found.seconds):
                sent.clear()
                yield b'{}', found.access
                await asyncio.sleep(READ_AGAIN_EVERY_S - EVERY_S)
                continue
            now_sent = {
                id: (mark, found.owners.get(id) == operator, operator in found.skipped.get(id, ()))
                for id, mark in found.seen_by(operator)
            }
            lines = [
                json_object({'mine': mine, 'skipped': skipped}, found.lines[id])
                for id, (mark, mine, skipped) in now_sent.items()
                if sent.get(id) != (mark, mine, skipped)
            ]
            sent = now_sent
            fields = {
                'order': [*now_sent],
                'waiting': found.waiting + found.more_waiting.get(operator, 0),
                'elapsed_s': round(loop.time() - found.taken_at, 3),
            }  # fmt: skip
            yield json_object(fields, b'{"lines":%b}' % json_array(lines)), found.access


async def _read(service: Context, number: int, access: int) -> Snapshot:
    taken_at = asyncio.get_running_loop().time()
    there, now = service.presence.operators, service.clock()
    present = [service.crunchers.pseudonym(each) for each in there]

    def read(connection: Connection) -> Snapshot:
        held = waiting.count_held(connection)
        # So that what only others see leaves nobody a shorter list.
        length = QUEUE_LENGTH + min(held.total(), QUEUE_LENGTH)
        rows = waiting.lines(connection, length, None, None)
        lines = view.queue_lines(service, connection, rows, None, now)
        return Snapshot(
            lines={line['id']: _without_owner(line) for line in lines},
            marks={
                line['id']: (row.sequence, line['image'], line['thumbnail'])
                for row, line in zip(rows, lines, strict=True)
            },
            held={row.id: row.lease_owner for row in rows if row.lease_until == NEVER},
            owners={row.id: owner for row in rows if (owner := view.working_on(row))},
            skipped=skips.skipped_by(connection, [row.id for row in rows], there, now),
            waiting=waiting.count(connection, None) - held.total(),
            more_waiting=held,
            excludes=waiting.some_exclude(connection, present),
            seconds=(0, 0) if any(row.state == 'open' for row in rows)
            else next_check.open_seconds(connection),
            taken_at=taken_at,
            number=number,
            access=access,
        )

    return await service.store.read(read)


def _without_owner(line: dict[str, Any]) -> bytes:
    return to_json({name: value for name, value in line.items() if name != 'mine'})
