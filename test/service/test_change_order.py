# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""On PostgreSQL, no reader of the change log overtakes a change that commits later."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from postgres_server import PostgresServer
from sqlalchemy import Connection, event, select, text

from spark_ros.service.storage import change_log, keys, schema
from spark_ros.service.storage.change_order import Position
from spark_ros.service.storage.jobs import NewJob, NewQuestion, OpenLimit, create
from spark_ros.service.storage.moved_database import order_anew
from spark_ros.service.storage.store import Store, Transaction

DEADLINE_S = 60.0
CHANGES = int(os.environ.get('SPARK_TEST_CHANGES', '20000'))
WRITERS, READERS, QUESTIONS = 4, 3, 5
KEY = 1
START = Position()
LIMIT = OpenLimit(10**9)


@pytest.fixture
def open_store(postgres: tuple[PostgresServer, str]) -> Iterator[Callable[[], Store]]:
    """Open stores of one database with a key, each as a process of its own would."""
    server, template = postgres
    url = server.url(server.create(template))
    with ExitStack() as opened:

        def open_one() -> Store:
            store = Store(url)
            opened.callback(store.close)
            return store

        open_one().write_now(keys.create, 'robot', time.time())
        yield open_one


def ask(transaction: Transaction, questions: int = 1) -> list[int]:
    """Ask, and return the ids of the questions."""
    job = NewJob(
        'spark', 'boxes', 'a job', None, None, None, '{}', '{}',
        [NewQuestion('http://192.0.2.1/1.jpg')] * questions,
    )  # fmt: skip
    create(transaction, KEY, job, time.time(), LIMIT)
    return [each.question_id for each in transaction.changes]


@contextmanager
def uncommitted(store: Store) -> Iterator[list[int]]:
    """Ask in a transaction that commits at the end of the block."""
    asked: list[int] = []
    begun, commit = threading.Event(), threading.Event()

    def work(transaction: Transaction) -> None:
        asked.extend(ask(transaction))
        begun.set()
        assert commit.wait(DEADLINE_S)

    with ThreadPoolExecutor(1) as thread:
        written = thread.submit(store.write_now, work)
        try:
            assert begun.wait(DEADLINE_S)
            yield asked
        finally:
            commit.set()
            written.result(DEADLINE_S)


def page(store: Store, after: Position) -> change_log.ChangePage:
    """Read what the feed reads."""

    def read(connection: Connection) -> change_log.ChangePage:
        deleted, newest = change_log.bounds(connection)
        assert deleted <= after <= newest
        return change_log.read_page(connection, KEY, None, after, newest)

    return store.read_now(read)


def delete_of(store: Store, ids: Sequence[int]) -> None:
    store.write_now(change_log.delete_of, ids)


def bounds(store: Store) -> tuple[Position, Position]:
    return store.read_now(change_log.bounds)


def test_a_change_that_commits_later_is_not_overtaken(open_store: Callable[[], Store]) -> None:
    slow, quick, reader = open_store(), open_store(), open_store()
    with uncommitted(slow) as first:
        second = quick.write_now(ask)
        held = page(reader, START)
    assert (held.question_ids, held.until) == ((), START)
    assert page(reader, held.until).question_ids == (*first, *second)


def test_what_is_rolled_back_holds_nobody_back_for_long(open_store: Callable[[], Store]) -> None:
    store, reader = open_store(), open_store()

    def fail(transaction: Transaction) -> None:
        ask(transaction)
        raise ValueError

    with pytest.raises(ValueError):
        store.write_now(fail)
    asked = store.write_now(ask)
    assert page(reader, START).question_ids == (*asked,)


def test_who_only_reads_holds_nobody_back(open_store: Callable[[], Store]) -> None:
    store, reader = open_store(), open_store()

    def read(connection: Connection) -> None:
        assert connection.execute(select(schema.changes)).all() == []
        asked = store.write_now(ask)
        assert page(reader, START).question_ids == (*asked,)
        # A read is of one moment.
        assert connection.execute(select(schema.changes)).all() == []

    store.read_now(read)


def test_a_writer_on_another_database_of_the_server_holds_readers_back(
    postgres: tuple[PostgresServer, str], open_store: Callable[[], Store]
) -> None:
    server, _ = postgres
    store, reader = open_store(), open_store()
    begun = time.time()
    with psycopg.connect(host=str(server.folder), user='postgres', dbname='postgres') as other:
        other.execute('SELECT pg_current_xact_id()')
        asked = store.write_now(ask)
        assert page(reader, START).question_ids == ()
        since = reader.read_now(change_log.held_back_since)
        assert since is not None and begun <= since <= time.time()
    assert page(reader, START).question_ids == (*asked,)
    assert reader.read_now(change_log.held_back_since) is None


def test_a_position_is_above_no_deleted_change_that_others_may_precede(
    open_store: Callable[[], Store],
) -> None:
    slow, quick, reader = open_store(), open_store(), open_store()
    before = page(reader, START).until
    with uncommitted(slow):
        gone = quick.write_now(ask)
        delete_of(quick, gone)
        _, newest = bounds(reader)
        assert newest == before
    deleted, newest = bounds(reader)
    # Who was at `before` has missed a change, and learns it.
    assert before < deleted <= newest


def test_of_deletions_at_once_the_newest_is_remembered(open_store: Callable[[], Store]) -> None:
    one, other = open_store(), open_store()
    [old], [new] = one.write_now(ask), one.write_now(ask)
    newest = bounds(one)[1]
    deleting, commit = threading.Event(), threading.Event()

    def delete_new(transaction: Transaction) -> None:
        change_log.delete_of(transaction, [new])
        deleting.set()
        assert commit.wait(DEADLINE_S)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(one.write_now, delete_new)
        assert deleting.wait(DEADLINE_S)
        second = threads.submit(delete_of, other, [old])
        wait_until(lambda: waits_for_a_lock(one))
        commit.set()
        first.result(DEADLINE_S)
        second.result(DEADLINE_S)
    assert bounds(one) == (newest, newest)


def test_after_a_move_to_another_server_new_changes_follow_the_old_ones(
    open_store: Callable[[], Store],
) -> None:
    store = open_store()
    old = store.write_now(ask)
    epoch = store.value('epoch')
    store.write_now(order_anew)
    assert store.value('epoch') == epoch
    # As a dump of a server that has seen more transactions.
    store.write_now(
        lambda transaction: transaction.connection.execute(
            schema.changes.update().values(xid=2**40)
        )
    )
    assert page(store, START).question_ids == ()
    store.write_now(order_anew)
    assert store.value('epoch') != epoch
    assert page(store, START).question_ids == (*old,)
    new = store.write_now(ask)
    assert page(store, START).question_ids == (*old, *new)


def test_what_others_change_meanwhile_is_no_move(open_store: Callable[[], Store]) -> None:
    """A process may start while others work."""
    store, other = open_store(), open_store()
    epoch = store.value('epoch')

    def change(*statement: object) -> None:
        other.write_now(ask)

    event.listen(store._engine, 'before_cursor_execute', change)
    store.write_now(order_anew)
    event.remove(store._engine, 'before_cursor_execute', change)
    assert store.value('epoch') == epoch
    assert len(page(store, START).question_ids) > 1


@pytest.mark.slow('writes 20,000 changes; as many as SPARK_TEST_CHANGES says')
@pytest.mark.timeout(600)
def test_many_writers_and_readers(open_store: Callable[[], Store]) -> None:
    writers = [open_store() for _ in range(WRITERS)]
    readers = [open_store() for _ in range(READERS)]
    done = threading.Event()

    def write(store: Store) -> list[int]:
        asked: list[int] = []
        for _ in range(CHANGES // WRITERS // QUESTIONS):
            # One in ten takes longer, so that others overtake it.
            asked += store.write_now(ask_slowly if secrets.randbelow(10) == 0 else ask, QUESTIONS)
        return asked

    def follow(store: Store) -> list[int]:
        seen: list[int] = []
        until = START
        while True:
            last = done.is_set()
            found = page(store, until)
            assert found.until >= until
            seen += found.question_ids
            until = found.until
            if last and not found.more and not found.question_ids:
                return seen

    with ThreadPoolExecutor(WRITERS + READERS) as threads:
        following = [threads.submit(follow, store) for store in readers]
        writing = [threads.submit(write, store) for store in writers]
        try:
            asked = [id for each in writing for id in each.result()]
        finally:
            done.set()
        seen = [each.result() for each in following]
    rows = readers[0].read_now(
        lambda connection: connection.execute(
            select(schema.changes.c.question_id).order_by(
                schema.changes.c.xid, schema.changes.c.number
            )
        ).scalars().all()
    )
    assert sorted(rows) == sorted(asked) and len(rows) >= CHANGES - WRITERS * QUESTIONS
    for each in seen:
        assert each == rows


def ask_slowly(transaction: Transaction, questions: int) -> list[int]:
    asked = ask(transaction, questions)
    transaction.connection.execute(text('SELECT pg_sleep(0.02)'))
    return asked


def waits_for_a_lock(store: Store) -> bool:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return bool(store.read_now(lambda connection: connection.execute(query).scalar_one()))


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
