# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which check an operator gets for whom there is nothing in the queue.

Second opinions come before known answers, and those first whose robot waits for them. Known
answers come only while nobody waits for any answer, and are a share of what an operator answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, exists, func, literal_column, select

from spark_ros.service.storage import checks, waiting
from spark_ros.service.storage.attempts import unlocked
from spark_ros.service.storage.checks import KNOWN
from spark_ros.service.storage.schema import WAITING, jobs, keys, programs, questions
from spark_ros.service.storage.schema import checks as table
from spark_ros.service.storage.store import Transaction
from spark_ros.service.storage.waiting import Filter

CANDIDATES = 16
# How many answers since an operator's last known one are counted: a smaller share is none.
MOST_COUNTED = 1000
ANY_OPEN = select(
    exists().where(WAITING, questions.c.state == literal_column("'open'"))
)
OPEN_SECONDS = select(func.coalesce(func.max(table.c.id), 0), func.count()).where(checks.OPEN)


def claim_next(
    transaction: Transaction,
    owner: str,
    operator: str,
    wanted: Filter,
    skipped: Sequence[int],
    now: float,
    lease_s: float,
) -> int | None:
    """Give an operator a check: what they still have, a second opinion, or a known answer.

    Args:
        owner: the operator.
        operator: their pseudonym.
        wanted: of which questions.
        skipped: ids of checks that they do not want now.

    Returns:
        Its id; None where there is none for them.
    """
    connection = transaction.connection
    kept = _kept(connection, owner, wanted, skipped)
    if kept is not None:
        checks.heartbeat(transaction, kept, owner, now, lease_s)
        return kept
    passed = [*skipped]
    while found := _second_opinions(connection, owner, operator, wanted, passed):
        for each in found:
            if _assign(transaction, each, owner, now, lease_s):
                return each
        passed += found
    if connection.execute(ANY_OPEN).scalar():
        return None
    returned = _returned(connection, owner, operator, wanted, skipped)
    if returned is not None:
        return returned if _assign(transaction, returned, owner, now, lease_s) else None
    known = _known_answer(connection, owner, operator, wanted)
    return None if known is None else _add(transaction, known, owner, now, lease_s)


def is_there(connection: Connection, owner: str, operator: str, wanted: Filter) -> bool:
    """Whether `claim_next` would give an operator a check."""
    if _kept(connection, owner, wanted, ()) is not None:
        return True
    if _second_opinions(connection, owner, operator, wanted, ()):
        return True
    return not connection.execute(ANY_OPEN).scalar() and (
        _returned(connection, owner, operator, wanted, ()) is not None
        or _known_answer(connection, owner, operator, wanted) is not None
    )


def open_seconds(connection: Connection) -> tuple[int, int]:
    """Return another value whenever there are other second opinions to give."""
    newest, count = connection.execute(OPEN_SECONDS).one()
    return newest, count


def _assign(
    transaction: Transaction, check_id: int, owner: str, now: float, lease_s: float
) -> bool:
    """Give an operator a check, unless another process is giving it to somebody else."""
    free = select(table.c.id).where(table.c.id == check_id, checks.OPEN | checks.RETURNED)
    if transaction.connection.execute(unlocked(free)).first() is None:
        return False
    ids = [row.id for row in checks.rows(transaction.connection, check_id)]
    checks.assign(transaction, ids, owner, now, lease_s)
    return True


def _add(
    transaction: Transaction, job_id: int, owner: str, now: float, lease_s: float
) -> int | None:
    """Give an operator a known answer; None if another process is at work with its images."""
    connection = transaction.connection
    of_job = unlocked(select(questions.c.id).where(questions.c.job_id == job_id))
    ids = connection.execute(of_job).scalars().all()
    number = connection.execute(select(jobs.c.images).where(jobs.c.id == job_id)).scalar()
    # Another page of this operator may have got it before the lock.
    had = exists().where(table.c.question_id.in_(ids), table.c.operator == owner)
    if len(ids) != number or connection.execute(select(had)).scalar():
        return None
    return checks.add(
        transaction, KNOWN, ids, now,
        state='assigned', operator=owner, claimed=now, lease_until=now + lease_s,
    )  # fmt: skip


def _firsts(wanted: Filter, skipped: Sequence[int]) -> Select[Any]:
    return (
        select(table.c.id)
        .join(questions, table.c.question_id == questions.c.id)
        .where(
            questions.c.position == 0, table.c.id.not_in([*skipped]), waiting.matching(wanted)
        )
    )


def _kept(
    connection: Connection, owner: str, wanted: Filter, skipped: Sequence[int]
) -> int | None:
    # One that was withdrawn meanwhile ends with its lease.
    query = _firsts(wanted, skipped).where(
        checks.ASSIGNED, table.c.operator == owner, checks.FIRST.is_not(None)
    )
    found = connection.execute(query.order_by(table.c.id)).scalars().first()
    return None if found is None else int(found)


def _second_opinions(
    connection: Connection, owner: str, operator: str, wanted: Filter, skipped: Sequence[int]
) -> Sequence[int]:
    # As in the queue, keys take turns, and who was served longest ago begins.
    turn = func.row_number().over(
        partition_by=(questions.c.state, questions.c.priority, table.c.key_id),
        order_by=table.c.id,
    )
    query = (
        _firsts(wanted, skipped)
        .join(keys, table.c.key_id == keys.c.id)
        .where(checks.OPEN, *checks.may_have(owner, operator))
        # 'assigned' is before 'closed'.
        .order_by(questions.c.state, questions.c.priority.desc(), turn, keys.c.served, table.c.id)
        .limit(CANDIDATES)
    )
    return connection.execute(query).scalars().all()


def _returned(
    connection: Connection, owner: str, operator: str, wanted: Filter, skipped: Sequence[int]
) -> int | None:
    """Return the check with a known answer that an operator has given back, if they have one."""
    query = (
        _firsts(wanted, skipped)
        .join(jobs, questions.c.job_id == jobs.c.id)
        .where(
            checks.RETURNED, table.c.operator == owner, table.c.kind == KNOWN,
            jobs.c.known.is_not(None), *checks.may_see(owner, operator),
        )
        .order_by(table.c.id)
    )  # fmt: skip
    found = connection.execute(query).scalars().first()
    return None if found is None else int(found)


def _known_answer(
    connection: Connection, owner: str, operator: str, wanted: Filter
) -> int | None:
    """Return the id of a job whose answer is known, one of those that are due for an operator."""
    last = select(func.coalesce(func.max(table.c.claimed), 0.0)).where(
        table.c.operator == owner, table.c.kind == KNOWN
    )
    answered = (
        select(questions.c.id)
        .where(
            questions.c.answered_by == owner, questions.c.closed > last.scalar_subquery(),
            questions.c.position == 0,
        )
        .limit(MOST_COUNTED)
    )  # fmt: skip
    count = connection.execute(select(func.count()).select_from(answered.subquery())).scalar_one()
    # A little more, since a tenth of ten may be less than one.
    is_due = programs.c.known_answers_share * (count + 1e-6) >= 1.0
    due = (
        select(jobs.c.id)
        .join(programs, jobs.c.program == programs.c.name)
        .where(jobs.c.known.is_not(None), is_due)
    )
    query = (
        select(questions.c.job_id)
        .where(
            # Apart, so that the database begins with these few.
            questions.c.job_id.in_(due), questions.c.position == 0, waiting.matching(wanted),
            *checks.may_have(owner, operator),
        )
        .order_by(func.random())
        .limit(1)
    )
    found = connection.execute(query).scalar()
    return None if found is None else int(found)
