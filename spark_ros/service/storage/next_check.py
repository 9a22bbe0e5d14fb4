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
from spark_ros.service.storage.schema import WAITING, jobs, programs, questions
from spark_ros.service.storage.schema import checks as table
from spark_ros.service.storage.store import Transaction
from spark_ros.service.storage.waiting import Filter

CANDIDATES = 16
# How many answers since an operator's last known one are counted: a smaller share is none.
MOST_COUNTED = 1000
ANY_OPEN = select(
    exists().where(WAITING, questions.c.state == literal_column("'open'"))
)
# Older ones are left alone: where only one operator is there, nobody could ever give them.
NEWEST = select(table.c.id).where(checks.OPEN).order_by(table.c.id.desc()).limit(1000)
_newest = NEWEST.subquery()
OPEN_SECONDS = select(func.coalesce(func.max(_newest.c.id), 0), func.count(_newest.c.id))


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
            # Who has locked the first image may have them all.
            free = unlocked(select(table.c.id).where(table.c.id == each, checks.OPEN))
            if connection.execute(free).first() is not None:
                ids = [row.id for row in checks.rows(connection, each)]
                checks.assign(transaction, ids, owner, now, lease_s)
                return each
        passed += found
    known = _known_answer(connection, owner, operator, wanted)
    if known is None:
        return None
    of_job = unlocked(select(questions.c.id).where(questions.c.job_id == known))
    ids = [*connection.execute(of_job).scalars()]
    if not ids:
        # It is being deleted.
        return None
    return checks.add(
        transaction, KNOWN, ids, now,
        state='assigned', operator=owner, claimed=now, lease_until=now + lease_s,
    )  # fmt: skip


def is_there(connection: Connection, owner: str, operator: str, wanted: Filter) -> bool:
    """Whether `claim_next` would give an operator a check."""
    return (
        _kept(connection, owner, wanted, ()) is not None
        or bool(_second_opinions(connection, owner, operator, wanted, ()))
        or _known_answer(connection, owner, operator, wanted) is not None
    )


def open_seconds(connection: Connection) -> tuple[int, int]:
    """Return another value whenever there are other second opinions to give."""
    newest, count = connection.execute(OPEN_SECONDS).one()
    return newest, count


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
    query = _firsts(wanted, skipped).where(checks.ASSIGNED, table.c.operator == owner)
    found = connection.execute(query.order_by(table.c.id)).scalars().first()
    return None if found is None else int(found)


def _second_opinions(
    connection: Connection, owner: str, operator: str, wanted: Filter, skipped: Sequence[int]
) -> Sequence[int]:
    query = (
        _firsts(wanted, skipped)
        .where(table.c.id.in_(NEWEST), *checks.may_have(owner, operator))
        # 'assigned' is before 'closed'.
        .order_by(questions.c.state, questions.c.priority.desc(), table.c.id)
        .limit(CANDIDATES)
    )
    return connection.execute(query).scalars().all()


def _known_answer(
    connection: Connection, owner: str, operator: str, wanted: Filter
) -> int | None:
    """Return the id of a job whose answer is known, one of those that are due for an operator."""
    if connection.execute(ANY_OPEN).scalar():
        return None
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
