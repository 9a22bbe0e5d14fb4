# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of state changes, for the feed and the webhooks, in an order that nobody can overtake.

See `change_order`; positions are never used twice. The log is kept some days; the newest position
that was deleted is stored, so that a client that comes back later learns that changes are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from spark_ros.service.events import Change
from spark_ros.service.storage import outbox
from spark_ros.service.storage.change_order import Position, Xmin
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import changes, jobs, meta, questions
from spark_ros.service.storage.store import Transaction

PAGE_LENGTH = 100
# The largest page, in characters of requests and answers.
PAGE_SIZE = 4 * 1024 * 1024
# How many changes of other processes are read at once.
NEWS_LENGTH = 500

# The columns of a job that decide to whom its changes are announced, and that are announced.
JOB: tuple[Column[Any], ...] = tuple(
    jobs.c[
        'id', 'key_id', 'api', 'robot_id', 'webhook_url', 'token', 'idempotency_key', 'program',
        'created',
    ]
)
# Built once: building a statement takes longer than executing it.
INSERT = Prepared(
    insert(changes).returning(changes.c.number, changes.c.question_id, changes.c.xid)
)
IN_ORDER = (changes.c.xid, changes.c.number)
BACKWARDS = (changes.c.xid.desc(), changes.c.number.desc())
READABLE = changes.c.xid < Xmin()
HELD_BACK = Prepared(select(changes.c.at).where(~READABLE).order_by(*IN_ORDER).limit(1))
SIZE = func.length(jobs.c.request) + func.coalesce(func.length(questions.c.answer), 0)


class _Queries:
    """What is read of the log.

    Args:
        place: the columns that make the order.
    """

    def __init__(self, *place: Column[Any]) -> None:
        between = (_at(place) > _at(place, 'after'), _at(place) <= _at(place, 'until'))
        backwards = [each.desc() for each in place]
        newest = (
            select(each).where(READABLE).order_by(*backwards).limit(1).label(each.name)
            for each in IN_ORDER
        )
        # One statement: each further one would have to wait for the GIL again.
        self.bounds = Prepared(
            select(meta.c.value, *newest, Xmin().label('xmin')).where(meta.c.name == 'forgotten')
        )
        page = (
            select(*IN_ORDER, *changes.c['question_id', 'sequence'], SIZE.label('size'))
            .join(questions, changes.c.question_id == questions.c.id)
            .join(jobs, questions.c.job_id == jobs.c.id)
            .where(changes.c.key_id == bindparam('key_id'), *between)
            .order_by(*place)
            .limit(PAGE_LENGTH + 1)
        )
        self.robot_page = Prepared(page.where(jobs.c.robot_id == bindparam('robot_id')))
        self.key_page = Prepared(page)
        self.news = Prepared(
            select(
                *IN_ORDER,
                *changes.c['question_id', 'key_id', 'state', 'sequence', 'at'],
                *jobs.c[
                    'api', 'robot_id', 'webhook_url', 'created', 'token', 'idempotency_key',
                    'program',
                ],
            )
            .join(questions, changes.c.question_id == questions.c.id)
            .join(jobs, questions.c.job_id == jobs.c.id)
            .where(*between)
            .order_by(*place)
            .limit(NEWS_LENGTH)
        )  # fmt: skip


def _at(place: Sequence[Column[Any]], name: str = '') -> ColumnElement[Any]:
    if not name:
        return tuple_(*place)
    return tuple_(*(bindparam(f'{name}_{each.name}', type_=each.type) for each in place))


QUERIES = {'sqlite': _Queries(changes.c.number), 'postgresql': _Queries(*IN_ORDER)}


@dataclass(frozen=True)
class ChangePage:
    """A part of the log.

    Attributes:
        sequences: of the newest changes of questions in this part, by the question's id, in order.
        until: the position that this part ends with.
        more: whether the log goes on.
    """

    sequences: Mapping[int, int]
    until: Position
    more: bool

    @property
    def question_ids(self) -> tuple[int, ...]:
        """Each once, in the order of their newest changes in this part."""
        return tuple(self.sequences)


@dataclass(frozen=True)
class News:
    """A part of the log, of all keys.

    Attributes:
        changes: in order, as they were announced where they were made, without flags.
        until: the position that this part ends with.
        more: whether the log goes on.
        missing: whether changes before this part were deleted.
        held_back: whether there are changes that cannot be read yet.
    """

    changes: Sequence[Change]
    until: Position
    more: bool
    missing: bool
    held_back: bool


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
    for number, question_id, xid in sorted(made):
        if pushed:
            outbox.put(transaction, question_id, job.key_id, job.webhook_url, sequence, now)
        transaction.changes.append(
            Change(
                Position(xid, number), question_id, job.key_id, state, job.robot_id, pushed,
                sequence, now, job.created, job.token, job.idempotency_key, job.program,
                tuple(flags),
            )
        )


def bounds(connection: Connection) -> tuple[Position, Position]:
    """Return the newest position of the changes that were deleted, and of all that can be read."""
    row = QUERIES[connection.dialect.name].bounds.first(connection, {})
    deleted, newest = _position(row.value), Position(row.xid or 0, row.number or 0)
    if deleted.xid < row.xmin:
        return deleted, max(newest, deleted)
    # Changes before it may still be committed. Until then, nobody is told of a position after
    # them, and who has not read all that there is may have missed some.
    return min(deleted, newest), newest


def held_back_since(connection: Connection) -> float | None:
    """Return when the first change was made that cannot be read yet, in Unix seconds."""
    if connection.dialect.name == 'sqlite':
        return None
    row = HELD_BACK.first(connection, {})
    return None if row is None else float(row.at)


def read_news(connection: Connection, after: Position) -> News:
    """Return the changes after a position, of all keys, up to `NEWS_LENGTH`."""
    deleted, end = bounds(connection)
    rows = QUERIES[connection.dialect.name].news.all(connection, _between(after, end))
    more = len(rows) == NEWS_LENGTH
    return News(
        [
            Change(
                Position(row.xid, row.number), row.question_id, row.key_id, row.state,
                row.robot_id, bool(row.webhook_url) and outbox.is_pushed(row.api, row.state),
                row.sequence, row.at, row.created, row.token, row.idempotency_key, row.program,
            )
            for row in rows
        ],
        Position(rows[-1].xid, rows[-1].number) if more else max(end, after),
        more,
        after < deleted,
        held_back_since(connection) is not None,
    )  # fmt: skip


def read_page(
    connection: Connection, key_id: int, robot_id: str | None, after: Position, end: Position
) -> ChangePage:
    """Return which questions of a key changed, up to a full page.

    Args:
        robot_id: only questions of this robot; None for all of the key.
        after: the position of the last change that the caller has seen.
        end: the newest position, read before: what was committed since belongs to the next page.
    """
    wanted: dict[str, int | str] = {'key_id': key_id, **_between(after, end)}
    query = QUERIES[connection.dialect.name].key_page
    if robot_id is not None:
        query = QUERIES[connection.dialect.name].robot_page
        wanted['robot_id'] = robot_id
    order: dict[int, int] = {}
    size, taken = 0, after
    # A row at a time: its size is not known before its request and answer are read.
    with closing(query.rows(connection, wanted)) as rows:
        for count, row in enumerate(rows):
            if row.question_id not in order:
                size += row.size
            if count == PAGE_LENGTH or (order and size > PAGE_SIZE):
                return ChangePage(order, taken, True)
            order.pop(row.question_id, None)
            order[row.question_id] = row.sequence
            taken = Position(row.xid, row.number)
    return ChangePage(order, max(end, after), False)


def delete_until(transaction: Transaction, before: float) -> None:
    """Delete the changes up to a time in Unix seconds, but remember the position of the last."""
    _delete(transaction, changes.c.at <= before)


def delete_of(transaction: Transaction, question_ids: Sequence[int]) -> None:
    """Delete the changes of questions, but remember the position of the last.

    A client whose cursor is older than that learns that changes are missing.
    """
    _delete(transaction, changes.c.question_id.in_(question_ids))


def _delete(transaction: Transaction, which: ColumnElement[bool]) -> None:
    connection = transaction.connection
    last = connection.execute(
        select(*IN_ORDER).where(which).order_by(*BACKWARDS).limit(1)
    ).first()
    if last is None:
        return
    xid, number = max(Position(*last), forgotten_until(connection))
    connection.execute(
        update(meta).where(meta.c.name == 'forgotten').values(value=f'{xid} {number}')
    )
    connection.execute(delete(changes).where(which, tuple_(*IN_ORDER) <= tuple_(*last)))


def forgotten_until(connection: Connection) -> Position:
    """Return the newest position of the deleted changes, and lock it until the commit."""
    query = select(meta.c.value).where(meta.c.name == 'forgotten').with_for_update()
    return _position(connection.execute(query).scalar_one())


def _between(after: Position, until: Position) -> dict[str, int]:
    return {
        'after_xid': after.xid, 'after_number': after.number,
        'until_xid': until.xid, 'until_number': until.number,
    }  # fmt: skip


@lru_cache(maxsize=16)
def _position(written: str) -> Position:
    return Position(*map(int, written.split()))
