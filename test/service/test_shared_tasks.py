# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Tasks of which one process at a time has each, and writes that meet in the database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from postgres_server import PostgresServer
from psycopg import sql
from service_harness import DEADLINE_S
from sqlalchemy import update
from test_shared_work import postgres, url

from spark_ros.service.storage.schema import meta
from spark_ros.service.storage.store import Store, Transaction

__all__ = ['postgres', 'url']

pytestmark = pytest.mark.slow('runs two stores on PostgreSQL')

END_LOCKED = sql.SQL(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
)


class Alone:
    """A task of two processes, each with a store, that must not run in both at a time."""

    def __init__(self, url: str) -> None:
        self.running: list[str] = []
        self.ended: list[str] = []
        self.most = 0
        self._changed = threading.Condition()
        self._url = url

    def process(self, name: str) -> Callable[[], None]:
        """Start a process, and return what ends it."""
        store, loop = Store(self._url), asyncio.new_event_loop()

        async def run() -> None:
            locks = store.advisory_locks()
            await asyncio.gather(locks.keep(), locks.run('task', lambda: self._work(name)))

        main = loop.create_task(run())

        def turn() -> None:
            with pytest.raises(asyncio.CancelledError):
                loop.run_until_complete(main)
            loop.close()
            store.close()

        thread = threading.Thread(target=turn, daemon=True)
        thread.start()

        def end() -> None:
            loop.call_soon_threadsafe(main.cancel)
            thread.join(DEADLINE_S)

        return end

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE_S), (self.running, self.ended)

    async def _work(self, name: str) -> None:
        with self._changed:
            self.running.append(name)
            self.most = max(self.most, len(self.running))
            self._changed.notify_all()
        try:
            await asyncio.Event().wait()
        finally:
            with self._changed:
                self.running.remove(name)
                self.ended.append(name)
                self._changed.notify_all()


def test_a_task_runs_in_one_process_and_moves_when_that_ends(url: str) -> None:
    alone = Alone(url)
    end_one = alone.process('one')
    alone.wait_for(lambda: alone.running == ['one'])
    end_two = alone.process('two')
    end_one()
    alone.wait_for(lambda: alone.running == ['two'])
    end_two()
    assert alone.running == []
    assert alone.most == 1


def test_a_task_stops_when_its_connection_is_lost(url: str, postgres: PostgresServer) -> None:
    alone = Alone(url)
    ends = [alone.process('one'), alone.process('two')]
    alone.wait_for(lambda: len(alone.running) == 1)
    postgres.execute(END_LOCKED)
    alone.wait_for(lambda: len(alone.ended) == 1)
    alone.wait_for(lambda: len(alone.running) == 1)
    for end in ends:
        end()


def test_batches_that_lock_the_same_rows_in_another_order_both_succeed(url: str) -> None:
    names = ('epoch', 'url_secret')
    both_locked = threading.Barrier(2)
    stores = [Store(url) for _ in names]

    async def write_both(store: Store, first: str, second: str) -> None:
        begun, queued = threading.Event(), threading.Event()

        def hold_up(transaction: Transaction) -> None:
            begun.set()
            assert queued.wait(DEADLINE_S)

        def change(transaction: Transaction, name: str) -> None:
            add = update(meta).where(meta.c.name == name).values(value=meta.c.value + '+')
            transaction.connection.execute(add)
            if name == first and not both_locked.broken:
                # The second time each write is on its own.
                with suppress(threading.BrokenBarrierError):
                    both_locked.wait(DEADLINE_S)
                    both_locked.abort()

        held_up = asyncio.create_task(store.write(hold_up))
        await asyncio.to_thread(begun.wait, DEADLINE_S)
        writes = [asyncio.create_task(store.write(change, name)) for name in (first, second)]
        # Now both are queued, and will be one batch.
        await asyncio.sleep(0)
        queued.set()
        await asyncio.gather(held_up, *writes)

    with ThreadPoolExecutor(2) as threads:
        done = [
            threads.submit(asyncio.run, write_both(store, *order))
            for store, order in zip(stores, (names, names[::-1]), strict=True)
        ]
        for each in done:
            each.result(DEADLINE_S)
    assert [stores[0].value(name).count('+') for name in names] == [2, 2]
    for store in stores:
        store.close()
