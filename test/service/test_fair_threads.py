# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The thread for slow work: one piece at a time, by turns, and none is forgotten."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from spark_ros.service.fair_threads import FairThreadPool

DEADLINE_S = 30.0


class Pieces:
    """Work that is noted when it runs; the first piece runs until it is let go."""

    def __init__(self) -> None:
        self.thread = FairThreadPool('test')
        self.ran: list[str] = []
        self.threads: set[int] = set()
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def start(self, caller: str, name: str) -> asyncio.Task[Any]:
        return asyncio.create_task(self.thread.run(caller, self._work, name))

    async def block(self) -> asyncio.Task[Any]:
        """Keep the thread busy, and return when it is."""
        first = self.start('first', 'first')
        await asyncio.to_thread(self.begun.wait, DEADLINE_S)
        return first

    def _work(self, name: str) -> str:
        self.begun.set()
        assert self.go_on.wait(DEADLINE_S)
        self.ran.append(name)
        self.threads.add(threading.get_ident())
        if name == 'bad':
            raise ValueError(name)
        return name


async def a_moment() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_callers_take_turns_in_one_thread() -> None:
    async def run() -> None:
        pieces = Pieces()
        tasks = [await pieces.block()]
        tasks += [pieces.start('greedy', f'greedy {at}') for at in range(3)]
        tasks += [pieces.start('b', 'b'), pieces.start('c', 'c')]
        await a_moment()
        pieces.go_on.set()
        assert await asyncio.gather(*tasks) == [
            'first', 'greedy 0', 'greedy 1', 'greedy 2', 'b', 'c',
        ]  # fmt: skip
        assert pieces.ran == ['first', 'greedy 0', 'b', 'c', 'greedy 1', 'greedy 2']
        assert len(pieces.threads) == 1
        pieces.thread.close()

    asyncio.run(run())


def test_who_gives_up_does_not_hold_up_the_others() -> None:
    async def run() -> None:
        pieces = Pieces()
        first = await pieces.block()
        gone, stays = pieces.start('a', 'gone'), pieces.start('b', 'stays')
        await a_moment()
        gone.cancel()
        first.cancel()
        next_of_first = pieces.start('first', 'next')
        await a_moment()
        # What was begun goes on in its thread, and the next of its caller waits for it.
        assert gone.cancelled() and not first.done() and not stays.done()
        pieces.go_on.set()
        assert await stays == 'stays'
        assert first.cancelled() and await next_of_first == 'next'
        assert 'gone' not in pieces.ran
        assert await pieces.start('a', 'later') == 'later'
        pieces.thread.close()

    asyncio.run(run())


def test_who_gives_up_when_their_turn_has_come_passes_it_on() -> None:
    async def run() -> None:
        pieces = Pieces()
        pieces.go_on.set()
        one, two, three = (pieces.start('a', name) for name in ('one', 'two', 'three'))
        one.add_done_callback(lambda _: two.cancel())
        assert await one == 'one'
        assert await three == 'three'
        with pytest.raises(asyncio.CancelledError):
            await two
        pieces.thread.close()

    asyncio.run(run())


def test_an_error_is_the_callers_alone() -> None:
    async def run() -> None:
        pieces = Pieces()
        pieces.go_on.set()
        bad, good = pieces.start('a', 'bad'), pieces.start('a', 'good')
        with pytest.raises(ValueError, match='bad'):
            await bad
        assert await good == 'good'
        pieces.thread.close()

    asyncio.run(run())
