# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of state changes, in the order of commits: what the feed gives and webhooks push.

Numbers grow and are never used twice. The log is kept some days; what is forgotten leaves its
newest number behind, so that whoever comes back later learns that something is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from spark_ros.service.events import Change
from spark_ros.service.storage import outbox
from spark_ros.service.storage.schema import changes, jobs, meta, questions
from spark_ros.service.storage.store import ROW_BY_ROW, Transaction

PAGE_LENGTH = 100
# Of what was asked and answered, in characters: one page never takes long to write or to read.
PAGE_SIZE = 4 * 1024 * 1024

# Made once: building a statement costs more than carrying it out.
INSERT = insert(changes).returning(changes.c.number, changes.c.question_id)
ROUTE = select(jobs.c.key_id, jobs.c.api, jobs.c.robot_id, jobs.c.webhook_url).where(
    jobs.c.id == bindparam('job_id')
)
NEWEST = select(func.max(changes.c.number))
FORGOTTEN = select(meta.c.value).where(meta.c.name == 'forgotten')
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
class Route:
    """Who hears of a question's changes."""

    key_id: int
    api: str
    robot_id: str | None
    webhook_url: str | None


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


def note_changes(
    transaction: Transaction,
    question_ids: Sequence[int],
    route: Route,
    sequence: int,
    state: str,
    now: float,
) -> None:
    """Record that questions of a job have a new state, and tell so once it is committed."""
    made = transaction.connection.execute(
        INSERT,
        [
            {
                'question_id': question_id,
                'key_id': route.key_id,
                'sequence': sequence,
                'state': state,
                'at': now,
            }
            for question_id in question_ids
        ],
    )
    pushed = bool(route.webhook_url) and outbox.is_pushed(route.api, state)
    for number, question_id in sorted(made.all()):
        if route.webhook_url and pushed:
            outbox.put(transaction, question_id, route.key_id, route.webhook_url, sequence, now)
        transaction.changes.append(
            Change(number, question_id, route.key_id, state, route.robot_id, pushed)
        )


def route_of(connection: Connection, job_id: int) -> Route:
    """Return who hears of the changes of a job's questions."""
    return Route(*connection.execute(ROUTE, {'job_id': job_id}).one())


def newest(connection: Connection) -> int:
    """Return the number of the newest change of all keys, forgotten ones included."""
    return max(connection.execute(NEWEST).scalar() or 0, forgotten(connection))


def forgotten(connection: Connection) -> int:
    """Return the newest number of the changes that were forgotten, or 0."""
    return int(connection.execute(FORGOTTEN).scalar_one())


def read_page(connection: Connection, key_id: int, robot_id: str | None, after: int) -> ChangePage:
    """Return what changed of a key's questions, or of one robot's, after a number."""
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


def forget(transaction: Transaction, before: float) -> None:
    """Forget the changes up to a time in Unix seconds."""
    connection = transaction.connection
    old = changes.c.at <= before
    last = connection.execute(select(func.max(changes.c.number)).where(old)).scalar()
    if last is None:
        return
    connection.execute(
        update(meta)
        .where(meta.c.name == 'forgotten')
        .values(value=str(max(last, forgotten(connection))))
    )
    connection.execute(delete(changes).where(old))
