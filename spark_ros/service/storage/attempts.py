# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which process makes the next attempt of a webhook or a fetch.

On PostgreSQL a process takes a row before each attempt, for as long as the attempt may last, so
that no two make one at the same time. What a process had taken that died is free again after
that. The times of `taken` are by the database's clock. On SQLite there is one process, and it
takes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Row,
    Select,
    Table,
    cast,
    extract,
    func,
    or_,
    select,
    update,
)

from spark_ros.service.storage.store import Transaction

DATABASE_CLOCK: ColumnElement[float] = cast(extract('epoch', func.clock_timestamp()), Float)


def is_free(table: Table) -> ColumnElement[bool]:
    """Return what holds of the rows that no process has taken."""
    return or_(table.c.taken.is_(None), table.c.taken <= DATABASE_CLOCK)


def unlocked(query: Select[Any]) -> Select[Any]:
    """Return a query that locks its rows and leaves out those that others have locked.

    Nobody waits for it, so no two processes wait for each other. On SQLite it is the same query.
    """
    return query.with_for_update(skip_locked=True, key_share=True)


def take(transaction: Transaction, table: Table, id: int, seconds: float) -> Row[Any] | None:
    """Take a row for some time; return it, or None where another process has it, or it is gone."""
    [key] = table.primary_key
    free = select(key).where(key == id, table.c.due.is_not(None), is_free(table))
    return transaction.connection.execute(
        update(table)
        .where(key == unlocked(free).scalar_subquery())
        .values(taken=DATABASE_CLOCK + seconds)
        .returning(*table.c)
    ).first()


def give_back(transaction: Transaction, table: Table, taken: Mapping[int, float]) -> None:
    """Let other processes take rows before the time for which they were taken is over.

    Args:
        taken: `taken` of the rows, by their ids; rows that were taken again stay as they are.
    """
    [key] = table.primary_key
    for id in sorted(taken):
        transaction.connection.execute(
            update(table).where(key == id, table.c.taken == taken[id]).values(taken=None)
        )
