# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How long questions waited and were worked on, and how many waited, from the log of changes.

The log has the time of every state of a question. It is kept for some days, and only its newest
part is read, so that the work is bounded however much was asked. So it is of checks and skips.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    case,
    cast,
    func,
    select,
)

from spark_ros.service.storage.checks import FIRST, KNOWN
from spark_ros.service.storage.jobs import count_waiting
from spark_ros.service.storage.schema import changes, checks, jobs, questions, skips

MOST_CHANGES = 200_000
MOST_ANSWERED = 20_000
MOST_CHECKS = 20_000
FLAGGED = '"flagged"'


@dataclass(frozen=True)
class Answered:
    """A question that an operator answered, or flagged; that of several images is one.

    Attributes:
        operator: who.
        at: when, in Unix seconds.
        waiting_s: from the question to the claim that led to its answer.
        working_s: from that claim to the answer.
    """

    program: str | None
    operator: str
    flagged: bool
    at: float
    waiting_s: float
    working_s: float


@dataclass(frozen=True)
class Checked:
    """A question, of one or several images, that was answered already, and again by another.

    Attributes:
        kind: `second`, or `known` where the first answer is known to be right.
        first, operator: who answered it first, and who again.
        agreement: of the two, in [0, 1]; 0 where just one of them flagged it.
    """

    kind: str
    program: str | None
    first: str
    operator: str
    agreement: float


@dataclass(frozen=True)
class Past:
    """What happened since a time.

    Attributes:
        answered: the newest answers first; at most `MOST_ANSWERED`.
        waiting: how many questions had no answer at the beginning of each hour since then, and
            have none now: Unix seconds and number.
        since: what is left out is older than this, in Unix seconds.
    """

    answered: Sequence[Answered]
    waiting: Sequence[tuple[float, int]]
    since: float


def read(connection: Connection, since: float, now: float, bucket_s: int) -> Past:
    """Read what happened.

    Args:
        since, now: in Unix seconds.
        bucket_s: how far apart the numbers of waiting questions are, in seconds.
    """
    first, begin = _begin(connection, since)
    answered = _answered(connection, first)
    if len(answered) == MOST_ANSWERED:
        begin = max(begin, answered[-1].at)
    waiting = [*_waiting(connection, first, max(begin, since), now, bucket_s)]
    return Past(answered, waiting[::-1], begin)


def _begin(connection: Connection, since: float) -> tuple[int, float]:
    """Return the first number of the log to read, and since when all changes are read."""
    newest = connection.execute(select(func.max(changes.c.number))).scalar() or 0
    # By the index of times.
    oldest = connection.execute(
        select(changes.c.number).where(changes.c.at > since).order_by(changes.c.at).limit(1)
    ).scalar()
    first = newest + 1 if oldest is None else oldest
    if first > newest - MOST_CHANGES:
        return first, since
    first = newest - MOST_CHANGES + 1
    query = select(changes.c.at).where(changes.c.number >= first)
    at: float = connection.execute(query.order_by(changes.c.number).limit(1)).scalar_one()
    return first, at


def _answered(connection: Connection, first: int) -> list[Answered]:
    def before(column: Column[Any]) -> ColumnElement[Any]:
        return func.lag(column).over(
            partition_by=changes.c.question_id, order_by=changes.c.sequence
        )

    steps = (
        select(
            changes.c.question_id,
            changes.c.state,
            changes.c.at,
            before(changes.c.state).label('before'),
            before(changes.c.at).label('claimed'),
        )
        .where(changes.c.number >= first)
        .subquery()
    )
    rows = connection.execute(
        select(
            jobs.c.program, questions.c.answered_by,
            questions.c.flags.contains(FLAGGED).label('flagged'), steps.c.at, steps.c.claimed,
            questions.c.created,
        )
        .join(questions, steps.c.question_id == questions.c.id)
        .join(jobs, questions.c.job_id == jobs.c.id)
        .where(
            steps.c.state == 'closed',
            steps.c.before == 'assigned',
            # All images have one answer.
            questions.c.position == 0,
            questions.c.answered_by.is_not(None),
        )
        .order_by(steps.c.at.desc())
        .limit(MOST_ANSWERED)
    )  # fmt: skip
    return [
        Answered(
            row.program, row.answered_by, bool(row.flagged), row.at,
            max(0.0, row.claimed - row.created), max(0.0, row.at - row.claimed),
        )
        for row in rows
    ]  # fmt: skip


def closed_checks(connection: Connection, since: float) -> list[Checked]:
    """Return the answers to checks since a time that were compared with the first one.

    Only the newest `MOST_CHECKS` checks are looked at.
    """
    newest = select(func.coalesce(func.max(checks.c.id), 0) - MOST_CHECKS).scalar_subquery()
    rows = connection.execute(
        select(
            checks.c.kind, jobs.c.program, FIRST.label('first'), checks.c.operator,
            questions.c.flags.contains(FLAGGED).label('first_flagged'),
            checks.c.flags.contains(FLAGGED).label('flagged'), checks.c.agreement,
        )
        .join(questions, checks.c.question_id == questions.c.id)
        .join(jobs, questions.c.job_id == jobs.c.id)
        .where(
            checks.c.id > newest, checks.c.state == 'closed', checks.c.answered > since,
            # All images have one agreement.
            questions.c.position == 0,
            # What turned out to be wrong is not known any more.
            (checks.c.kind != KNOWN) | jobs.c.known.is_not(None),
        )
    )  # fmt: skip
    found = []
    for row in rows:
        agreement = row.agreement
        if row.flagged or row.first_flagged:
            agreement = float(bool(row.flagged) == bool(row.first_flagged))
        if agreement is not None and row.first is not None:
            found.append(Checked(row.kind, row.program, row.first, row.operator, agreement))
    return found


def skipped(connection: Connection, since: float) -> list[tuple[str, str | None, int]]:
    """Count the skips since a time, by operator and program."""
    query = (
        select(skips.c.operator, jobs.c.program, func.count())
        .join(jobs, skips.c.job_id == jobs.c.id)
        .where(skips.c.skipped > since)
        .group_by(skips.c.operator, jobs.c.program)
    )
    return [(operator, program, count) for operator, program, count in connection.execute(query)]


def _waiting(
    connection: Connection, first: int, begin: float, now: float, bucket_s: int
) -> Iterator[tuple[float, int]]:
    """Yield the numbers from now backwards: without what came since, with what ended since."""
    # SQLite cuts the fraction off, PostgreSQL rounds.
    second = cast(changes.c.at, BigInteger)
    bucket = (second - case((second > changes.c.at, 1), else_=0)) // bucket_s
    counted: Counter[int] = Counter()
    for which, sign in (
        ((changes.c.state == 'open') & (changes.c.sequence == 1), 1),
        (changes.c.state.in_(('closed', 'aborted')), -1),
    ):
        rows = connection.execute(
            select(bucket, func.count())
            .where(changes.c.number >= first, which)
            .group_by(bucket)
        )
        for at, count in rows:
            counted[at] += sign * count
    waiting = count_waiting(connection)
    yield now, waiting
    for at in range(int(now // bucket_s), int(begin // bucket_s), -1):
        waiting -= counted[at]
        yield float(at * bucket_s), max(0, waiting)
