# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The processes that share a PostgreSQL database, and which operators are at each."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, insert, select, update

from spark_ros.service.storage.attempts import DATABASE_CLOCK
from spark_ros.service.storage.schema import processes
from spark_ros.service.storage.store import Transaction


def renew(
    transaction: Transaction, id: str, operators: Iterable[str], seconds: float
) -> set[str]:
    """Store who is at a process, for some time, and return who is at the others.

    Args:
        id: of the process.
    """
    connection = transaction.connection
    row = {'operators': ' '.join(operators), 'expires': DATABASE_CLOCK + seconds}
    renewed = connection.execute(update(processes).where(processes.c.id == id).values(row))
    if renewed.rowcount == 0:
        connection.execute(insert(processes).values(id=id, **row))
    others = select(processes.c.operators).where(
        processes.c.id != id, processes.c.expires > DATABASE_CLOCK
    )
    return {each for row in connection.execute(others) for each in row.operators.split()}


def remove(transaction: Transaction, id: str) -> None:
    """Delete a process that ends."""
    transaction.connection.execute(delete(processes).where(processes.c.id == id))


def delete_expired(transaction: Transaction) -> None:
    """Delete the processes that no longer renew their rows."""
    expired = delete(processes).where(processes.c.expires <= DATABASE_CLOCK)
    transaction.connection.execute(expired)
