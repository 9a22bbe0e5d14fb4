# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Known answers: questions whose answer is right, with which operators are checked."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from spark_ros.service.storage.leases import FLAGGED
from spark_ros.service.storage.schema import checks, jobs, programs, questions
from spark_ros.service.storage.store import Transaction


class NoTruth(RuntimeError):
    """A question whose answer cannot be known; the message says why."""


def add(transaction: Transaction, token: str, now: float) -> float:
    """Say that the answer to a question is right, and return its program's share of such.

    Raises:
        NoTruth: there is no such question, or nobody has answered it.
    """
    query = (
        select(*questions.c['answered_by', 'flags'], programs.c.known_answers_share)
        .join(jobs, questions.c.job_id == jobs.c.id)
        .outerjoin(programs, jobs.c.program == programs.c.name)
        .where(jobs.c.token == token)
    )
    found = transaction.connection.execute(query).all()
    if not found:
        raise NoTruth(f'there is no question {token!r}')
    for row in found:
        if row.answered_by is None or FLAGGED in json.loads(row.flags):
            raise NoTruth(f'nobody has answered {token}: only an answer can be right')
    transaction.connection.execute(
        update(jobs).where(jobs.c.token == token).values(known=now)
    )
    return float(found[0].known_answers_share or 0.0)


def remove(transaction: Transaction, token: str) -> None:
    """Say nothing of the answer to a question any more.

    Raises:
        NoTruth: it is not among the known ones.
    """
    known = update(jobs).where(jobs.c.token == token, jobs.c.known.is_not(None))
    if transaction.connection.execute(known.values(known=None)).rowcount != 1:
        raise NoTruth(f'{token!r} is no known answer; `truth list` shows them')


def every(connection: Connection) -> list[Row[Any]]:
    """Return the known ones, the oldest first, and how many operators have answered each."""
    answered = and_(
        checks.c.question_id == questions.c.id, checks.c.kind == 'known',
        checks.c.state == 'closed',
    )  # fmt: skip
    query = (
        select(*jobs.c['token', 'program', 'known'], func.count(checks.c.id).label('answered'))
        .join(questions, and_(questions.c.job_id == jobs.c.id, questions.c.position == 0))
        .outerjoin(checks, answered)
        .where(jobs.c.known.is_not(None))
        .group_by(jobs.c.id)
        .order_by(jobs.c.known, jobs.c.id)
    )
    return [*connection.execute(query)]
