# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The outbox: webhooks to send, written in the transaction of the change they report.

A question has one row at most, for its newest state: a change that comes while an earlier one
still waits takes its place and starts the attempts anew. So a push always carries the newest
state, and a late retry never overtakes a newer one. What another process is sending is not
overtaken either: the row stays taken (see `attempts`) when its state is replaced. A row that was
delivered is deleted; one that was given up stays, with the last error, until it is too old.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from spark_ros.service.storage import attempts
from spark_ros.service.storage.schema import deliveries
from spark_ros.service.storage.store import Transaction

MAX_ERROR = 500


def is_pushed(api: str, state: str) -> bool:
    """Whether a webhook is sent for this state: for SparkAI always, for Heat only at the end."""
    return api == 'spark' or state in ('closed', 'aborted')


def put(
    transaction: Transaction, question_id: int, key_id: int, url: str, sequence: int, now: float
) -> None:
    """Queue a webhook for a question's new state, in place of one that still waits.

    Args:
        url: where the webhook goes.
        sequence: of the question's state.
    """
    connection = transaction.connection
    new: dict[str, Any] = {
        'sequence': sequence, 'changed': now, 'attempts': 0, 'due': now, 'error': None,
    }  # fmt: skip
    replaced = connection.execute(
        update(deliveries).where(deliveries.c.question_id == question_id).values(new)
    )
    if replaced.rowcount == 0:
        new.update(question_id=question_id, key_id=key_id, host=host_of(url))
        connection.execute(insert(deliveries).values(new))


def host_of(url: str) -> str:
    """Return the receiver of a URL as host:port, in lower case."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == 'https' else 80)
    return f'{parts.hostname or ""}:{port}'


def due(
    connection: Connection,
    query: Select[Any],
    table: Table,
    now: float,
    limit: int,
    *left_out: tuple[ColumnElement[Any], Collection[Any]],
) -> list[Row[Any]]:
    """Return the rows of a query that are due, those that have been due for longest first.

    Args:
        table: of the query; says when a row is due.
        now: Unix seconds.
        limit: how many rows at most.
        left_out: columns, and values that the rows must not have there.
    """
    query = query.where(table.c.due <= now)
    if connection.dialect.name != 'sqlite':
        query = query.where(attempts.is_free(table))
    for each, values in left_out:
        if values:
            query = query.where(each.not_in(values))
    return list(connection.execute(query.order_by(table.c.due).limit(limit)))


def next_due(connection: Connection, now: float) -> float | None:
    """Return the time of the next attempt, in Unix seconds."""
    later = select(func.min(deliveries.c.due)).where(deliveries.c.due > now)
    moment: float | None = connection.execute(later).scalar()
    return moment


def find(connection: Connection, question_id: int) -> Row[Any] | None:
    """Return the webhook of a question that waits to be sent."""
    query = select(deliveries).where(deliveries.c.question_id == question_id)
    return connection.execute(query).first()


def attempted(
    transaction: Transaction,
    row: Row[Any],
    error: str | None,
    now: float,
    schedule_s: Sequence[float],
) -> None:
    """Delete what was delivered; else plan the next attempt, or give up after the last.

    Args:
        row: what was attempted; a newer state in its place is left alone.
        error: what went wrong; None if it was delivered.
        schedule_s: when the attempts are, in seconds after the change. One that is past already
            (the service was down) keeps its distance to the one before.
    """
    if row.taken is not None:
        attempts.give_back(transaction, deliveries, {row.question_id: row.taken})
    same = (deliveries.c.question_id == row.question_id, deliveries.c.sequence == row.sequence)
    if error is None:
        transaction.connection.execute(delete(deliveries).where(*same))
        return
    made = row.attempts + 1
    when: float | None = None
    if made < len(schedule_s):
        when = row.changed + schedule_s[made]
        if when <= now:
            when = now + schedule_s[made] - schedule_s[made - 1]
    transaction.connection.execute(
        update(deliveries).where(*same).values(attempts=made, due=when, error=error[:MAX_ERROR])
    )


def delete_until(transaction: Transaction, before: float) -> None:
    """Delete what was not delivered of changes up to a time in Unix seconds."""
    transaction.connection.execute(delete(deliveries).where(deliveries.c.changed <= before))


def delete_of(transaction: Transaction, question_ids: Sequence[int]) -> None:
    """Delete what was not delivered of questions."""
    transaction.connection.execute(
        delete(deliveries).where(deliveries.c.question_id.in_(question_ids))
    )
