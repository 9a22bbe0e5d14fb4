# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Writes that are committed together: one that fails is undone, and no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from service_harness import settings_of
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import meta
from spark_ros.service.storage.store import Store, Transaction

DEADLINE_S = 20.0
pytestmark = pytest.mark.postgresql('each database undoes and fails in its own way')


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    with closing(Store(settings_of(data).database)) as opened:
        yield opened


def put(name: str, error: Exception | None = None) -> Callable[[Transaction], str]:
    """Return a write that adds a row, and then fails if it is to."""

    def write(transaction: Transaction) -> str:
        transaction.connection.execute(insert(meta).values(name=name, value=''))
        if error is not None:
            raise error
        return name

    return write


def refuse(transaction: Transaction) -> None:
    raise ApiError(409, 'not now')


async def together(store: Store, *writes: Callable[[Transaction], Any]) -> list[Any]:
    """Have writes committed together, and return their results and errors."""
    working, go_on = threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        working.set()
        assert go_on.wait(DEADLINE_S)

    first = asyncio.create_task(store.write(hold))
    assert await asyncio.to_thread(working.wait, DEADLINE_S)
    waiting = asyncio.gather(*map(store.write, writes), return_exceptions=True)
    # Until all of them have been handed over.
    await asyncio.sleep(0)
    go_on.set()
    await first
    return await asyncio.wait_for(waiting, DEADLINE_S)


def names(connection: Connection) -> set[str]:
    return {name for name in connection.execute(select(meta.c.name)).scalars() if len(name) == 1}


@pytest.mark.parametrize(
    'fails', [refuse, put('x', ApiError(409, 'no')), put('a')], ids=['at once', 'late', 'storing']
)
def test_one_that_fails_is_undone_alone(
    store: Store, fails: Callable[[Transaction], Any]
) -> None:
    said = asyncio.run(together(store, put('a'), fails, put('b')))
    assert said[0] == 'a' and said[2] == 'b' and isinstance(said[1], Exception)
    assert store.read_now(names) == {'a', 'b'}


def test_a_prepared_statement_fails_as_any_other(store: Store) -> None:
    statement, row = Prepared(insert(meta)), {'name': 'a', 'value': ''}

    def twice(transaction: Transaction) -> None:
        for _ in range(2):
            statement.all(transaction.connection, row)

    with pytest.raises(IntegrityError):
        store.write_now(twice)


def test_all_that_fail_learn_why(store: Store) -> None:
    errors = [ValueError('one'), ApiError(400, 'two')]
    said = asyncio.run(together(store, *(put(str(n), each) for n, each in enumerate(errors))))
    assert said == errors
    assert store.read_now(names) == set()
