# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Mistakes that operators found in their own answers later: notes, beside answers that stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.schema import corrections, jobs, questions
from spark_ros.service.storage.store import Transaction


def add(transaction: Transaction, question_id: int, operator: str, note: str, now: float) -> None:
    """Note what was wrong in an operator's answer.

    Raises:
        ApiError: 404 when this operator has not answered such a question.
    """
    theirs = (questions.c.id == question_id, questions.c.answered_by == operator)
    found = transaction.connection.execute(select(questions.c.id).where(*theirs))
    if found.first() is None:
        raise ApiError(404, 'you have not answered such a question')
    transaction.connection.execute(
        insert(corrections).values(question_id=question_id, note=note, noted=now)
    )


def of_questions(
    connection: Connection, question_ids: Iterable[int]
) -> Mapping[int, list[Row[Any]]]:
    """Return the notes on questions, by the question's id, the oldest first."""
    query = select(corrections).where(corrections.c.question_id.in_([*question_ids]))
    by: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query.order_by(corrections.c.id)):
        by[row.question_id].append(row)
    return by


def every(connection: Connection) -> list[Row[Any]]:
    """Return all notes with the questions they are about, the oldest first."""
    query = (
        select(
            *corrections.c['note', 'noted'], *questions.c['position', 'closed'],
            *jobs.c['token', 'api', 'program'],
        )
        .join(questions, corrections.c.question_id == questions.c.id)
        .join(jobs, questions.c.job_id == jobs.c.id)
        .order_by(corrections.c.id)
    )  # fmt: skip
    return [*connection.execute(query)]
