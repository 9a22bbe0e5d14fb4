# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of state changes, in the order of commits, for the feed and the webhooks.

Numbers grow and are never used twice. The log is kept some days; the newest number that was
deleted is stored, so that a client that comes back later learns that changes are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from spark_ros.service.events import Change
from spark_ros.service.storage import outbox
from spark_ros.service.storage.schema import changes, jobs, meta, questions
from spark_ros.service.storage.store import ROW_BY_ROW, Transaction

PAGE_LENGTH = 100
# The largest page, in characters of requests and answers.
PAGE_SIZE = 4 * 1024 * 1024

# The columns of a job that decide to whom its changes are announced.
JOB: tuple[Column[Any], ...] = tuple(
    jobs.c['id', 'key_id', 'api', 'robot_id', 'webhook_url']
)
# Built once: building a statement takes longer than executing it.
INSERT = insert(changes).returning(changes.c.number, changes.c.question_id)
NEWEST = select(func.max(changes.c.number))
NEWEST_DELETED = select(meta.c.value).where(meta.c.name == 'forgotten')
SIZE = func.length(jobs.c.request) + func.coalesce(func.length(questions.c.answer), 0)
PAGE = (
    select(changes.c.number, changes.c.question_id, SIZE.label('size'))
    .join(questions, changes.c.question_id == questions.c.id)
    .join(jobs, questions.c.job_id == jobs.c.id)
    .where(
        changes.c.key_id == bindparam('key_id'),
        changes.c.number > bindparam('after'),
        changes.c.number <= bindparam('until'),
    )
    .order_by(changes.c.number)
    .limit(PAGE_LENGTH + 1)
)
ROBOT_PAGE = PAGE.where(jobs.c.robot_id == bindparam('robot_id'))


@dataclass(frozen=True)
class ChangePage:
    """A part of the log.

    Attributes:
        question_ids: each once, in the order of their newest changes in this part.
        until: the number that this part ends with.
        more: whether the log goes on.
    """

    question_ids: tuple[int, ...]
    until: int
    more: bool


def append_changes(
    transaction: Transaction,
    question_ids: Sequence[int],
    job: Row[Any],
    sequence: int,
    state: str,
    now: float,
) -> None:
    """Record that questions of a job have a new state; on commit it is announced.

    Args:
        job: with the columns of `JOB`.
        sequence: of the questions, after the change.
    """
    made = transaction.connection.execute(INSERT, [
        {'question_id': id, 'key_id': job.key_id, 'sequence': sequence, 'state': state, 'at': now}
        for id in question_ids
    ])
    pushed = bool(job.webhook_url) and outbox.is_pushed(job.api, state)
    for number, question_id in sorted(made.all()):
        if pushed:
            outbox.put(transaction, question_id, job.key_id, job.webhook_url, sequence, now)
        transaction.changes.append(
            Change(number, question_id, job.key_id, state, job.robot_id, pushed)
        )


def newest(connection: Connection) -> int:
    """Return the number of the newest change of all keys, deleted ones included."""
    return max(connection.execute(NEWEST).scalar() or 0, newest_deleted(connection))


def newest_deleted(connection: Connection) -> int:
    """Return the newest number of the changes that were deleted, or 0."""
    return int(connection.execute(NEWEST_DELETED).scalar_one())


def read_page(connection: Connection, key_id: int, robot_id: str | None, after: int) -> ChangePage:
    """Return which questions of a key changed, up to a full page.

    Args:
        robot_id: only questions of this robot; None for all of the key.
        after: the number of the last change that the caller has seen.
    """
    # Read first: what is committed between the two reads belongs to the next page.
    end = newest(connection)
    wanted: dict[str, int | str] = {'key_id': key_id, 'after': after, 'until': end}
    query = PAGE
    if robot_id is not None:
        query, wanted = ROBOT_PAGE, {**wanted, 'robot_id': robot_id}
    order: dict[int, int] = {}
    size, taken = 0, after
    with connection.execute(query, wanted, execution_options=ROW_BY_ROW) as rows:
        for count, row in enumerate(rows):
            if row.question_id not in order:
                size += row.size
            if count == PAGE_LENGTH or (order and size > PAGE_SIZE):
                return ChangePage(tuple(order), taken, True)
            order.pop(row.question_id, None)
            order[row.question_id] = taken = row.number
    return ChangePage(tuple(order), max(end, after), False)


def delete_until(transaction: Transaction, before: float) -> None:
    """Delete the changes up to a time in Unix seconds, but remember the number of the last."""
    _delete(transaction, changes.c.at <= before)


def delete_of(transaction: Transaction, question_ids: Sequence[int]) -> None:
    """Delete the changes of questions, but remember the number of the last.

    A client whose cursor is older than that learns that changes are missing.
    """
    _delete(transaction, changes.c.question_id.in_(question_ids))


def _delete(transaction: Transaction, which: ColumnElement[bool]) -> None:
    connection = transaction.connection
    last = connection.execute(select(func.max(changes.c.number)).where(which)).scalar()
    if last is None:
        return
    connection.execute(
        update(meta)
        .where(meta.c.name == 'forgotten')
        .values(value=str(max(last, newest_deleted(connection))))
    )
    connection.execute(delete(changes).where(which))
