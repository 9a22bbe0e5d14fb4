# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who skipped which questions, and why: they go to somebody else.

A skip counts as long as somebody is there who has not skipped the question, and for some minutes
in any case; then it may be this operator's turn again. Whoever wants can still open it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, insert, select

from spark_ros.service.storage.schema import WAITING, checks, jobs, questions, skips
from spark_ros.service.storage.store import Transaction

# For how long a question is not given to who skipped it, even if nobody else is there.
SKIPPED_FOR_S = 600.0
MOST_REASONS = 20


def put(
    transaction: Transaction, question_id: int, operator: str, reason: str, now: float
) -> None:
    """Store that an operator skipped a question."""
    query = select(questions.c.job_id).where(questions.c.id == question_id)
    job_id = transaction.connection.execute(query).scalar_one()
    theirs = (skips.c.job_id == job_id, skips.c.operator == operator)
    transaction.connection.execute(delete(skips).where(*theirs))
    transaction.connection.execute(
        insert(skips).values(job_id=job_id, operator=operator, reason=reason, skipped=now)
    )


def skipped_by(
    connection: Connection, question_ids: Iterable[int], present: Collection[str], now: float
) -> Mapping[int, frozenset[str]]:
    """Return who is not to be given a question next, by the question's id.

    Args:
        present: the operators who are there.
    """
    times: dict[int, dict[str, float]] = defaultdict(dict)
    query = (
        select(questions.c.id, skips.c.operator, skips.c.skipped)
        .join(questions, questions.c.job_id == skips.c.job_id)
        .where(questions.c.id.in_([*question_ids]))
    )
    for row in connection.execute(query):
        times[row.id][row.operator] = row.skipped
    return {
        question_id: frozenset(
            each
            for each, at in by.items()
            if now - at < SKIPPED_FOR_S or not set(present) <= by.keys() | {each}
        )
        for question_id, by in times.items()
    }


def skipped_of(
    connection: Connection, operator: str, present: Collection[str], now: float
) -> list[int]:
    """Return the ids of the questions that are not to be given to an operator next."""
    query = (
        select(questions.c.id)
        .join(skips, questions.c.job_id == skips.c.job_id)
        .where(skips.c.operator == operator, WAITING)
    )
    theirs = connection.execute(query).scalars().all()
    found = skipped_by(connection, theirs, present, now)
    return [each for each, operators in found.items() if operator in operators]


def of_job(connection: Connection, job_id: int) -> list[Row[Any]]:
    """Return who skipped the questions of a job, when, and why; the last one first."""
    query = select(skips).where(skips.c.job_id == job_id).order_by(skips.c.skipped.desc())
    return [*connection.execute(query)]


def reasons_since(connection: Connection, since: float) -> list[Row[Any]]:
    """Count the skips since a time, by program and reason, those that came most often first.

    Skips of checks are not counted: they say nothing of a question that waits.
    """
    of_check = (
        exists()
        .where(
            questions.c.job_id == skips.c.job_id, checks.c.question_id == questions.c.id,
            checks.c.created <= skips.c.skipped,
        )
        .correlate(skips)
    )  # fmt: skip
    number = func.count().label('count')
    query = (
        select(jobs.c.program, skips.c.reason, number)
        .join(jobs, skips.c.job_id == jobs.c.id)
        .where(skips.c.skipped > since, ~of_check)
        .group_by(jobs.c.program, skips.c.reason)
        .order_by(number.desc(), jobs.c.program, skips.c.reason)
        .limit(MOST_REASONS)
    )
    return [*connection.execute(query)]
