# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of state changes, in the order of commits, for the feed and the webhooks.

Numbers grow and are never used twice. The log is kept some days; the newest number that was
deleted is stored, so that a client that comes back later learns that changes are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, bindparam, delete, func, insert, select, update

from spark_ros.service.events import Change
from spark_ros.service.storage import outbox
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import changes, jobs, meta, questions
from spark_ros.service.storage.store import Transaction

PAGE_LENGTH = 100
# The largest page, in characters of requests and answers.
PAGE_SIZE = 4 * 1024 * 1024

# The columns of a job that decide to whom its changes are announced, and that are announced.
JOB: tuple[Column[Any], ...] = tuple(
    jobs.c[
        'id', 'key_id', 'api', 'robot_id', 'webhook_url', 'token', 'idempotency_key', 'program',
        'created',
    ]
)
# Built once: building a statement takes longer than executing it.
INSERT = Prepared(insert(changes).returning(changes.c.number, changes.c.question_id))
NEWEST = select(func.max(changes.c.number)).scalar_subquery()
# One statement: each further one would have to wait for the GIL again.
BOUNDS = Prepared(
    select(NEWEST.label('newest'), meta.c.value).where(meta.c.name == 'forgotten')
)
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
ROBOT_PAGE = Prepared(PAGE.where(jobs.c.robot_id == bindparam('robot_id')))
KEY_PAGE = Prepared(PAGE)


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
    job: Any,
    sequence: int,
    state: str,
    now: float,
    flags: Sequence[str] = (),
) -> None:
    """Record that questions of a job have a new state; on commit it is announced.

    Args:
        job: with the columns of `JOB`.
        sequence: of the questions, after the change.
        flags: of an answer.
    """
    made = INSERT.each(transaction.connection, [
        {'question_id': id, 'key_id': job.key_id, 'sequence': sequence, 'state': state, 'at': now}
        for id in question_ids
    ])
    pushed = bool(job.webhook_url) and outbox.is_pushed(job.api, state)
    for number, question_id in sorted(made):
        if pushed:
            outbox.put(transaction, question_id, job.key_id, job.webhook_url, sequence, now)
        transaction.changes.append(
            Change(
                number, question_id, job.key_id, state, job.robot_id, pushed, sequence, now,
                job.created, job.token, job.idempotency_key, job.program, tuple(flags),
            )
        )


def bounds(connection: Connection) -> tuple[int, int]:
    """Return the newest number of the changes that were deleted, and of all; each 0 at first."""
    row = BOUNDS.first(connection, {})
    deleted = int(row.value)
    return deleted, max(row.newest or 0, deleted)


def read_page(
    connection: Connection, key_id: int, robot_id: str | None, after: int, end: int
) -> ChangePage:
    """Return which questions of a key changed, up to a full page.

    Args:
        robot_id: only questions of this robot; None for all of the key.
        after: the number of the last change that the caller has seen.
        end: the newest number, read before: what was committed since belongs to the next page.
    """
    wanted: dict[str, int | str] = {'key_id': key_id, 'after': after, 'until': end}
    query = KEY_PAGE
    if robot_id is not None:
        query, wanted = ROBOT_PAGE, {**wanted, 'robot_id': robot_id}
    order: dict[int, int] = {}
    size, taken = 0, after
    # A row at a time: its size is not known before its request and answer are read.
    with closing(query.rows(connection, wanted)) as rows:
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
    connection = transaction.connection
    old = changes.c.at <= before
    last = connection.execute(select(func.max(changes.c.number)).where(old)).scalar()
    if last is None:
        return
    connection.execute(
        update(meta)
        .where(meta.c.name == 'forgotten')
        .values(value=str(max(last, bounds(connection)[0])))
    )
    connection.execute(delete(changes).where(old))
