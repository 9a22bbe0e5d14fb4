# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Answers that are not sent yet, so that operators can take them back for some seconds.

The question stays assigned to its operator; its lease does not end. The answer is stored with the
time at which it closes the question, so that it is sent whatever becomes of the console and of
this process. Of several processes, the one that deletes the row closes the question. A question
that ends meanwhile, withdrawn or past its deadline, stays so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select

from spark_ros.service.errors import ApiError
from spark_ros.service.storage import leases, sessions
from spark_ros.service.storage.attempts import unlocked
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import held_answers, jobs, programs, questions
from spark_ros.service.storage.store import Transaction

# How long before the deadline an answer is sent at the latest.
MARGIN_S = 1.0
BATCH = 200
DUE = held_answers.c.due <= bindparam('at')
ALL_DUE = unlocked(select(held_answers.c.question_id).where(DUE).limit(BATCH))
GRACE = Prepared(
    select(programs.c.grace_s, questions.c.deadline)
    .join(jobs, questions.c.job_id == jobs.c.id)
    .join(programs, jobs.c.program == programs.c.name)
    .where(questions.c.id == bindparam('question'))
)


def close_or_hold(
    transaction: Transaction,
    answers: Mapping[int, str],
    owner: str,
    now: float,
    *,
    flags: Sequence[str] = (),
    feedback: str | None = None,
) -> float:
    """Close the images of a question, at once or after the grace of its program.

    Args:
        answers: by the ids of the images.
        owner, flags, feedback: as of `leases.close`.

    Returns:
        For how many seconds the answer can be taken back; 0 where the question is closed.

    Raises:
        ApiError: as `leases.close`.
    """
    # A script has no second thoughts.
    by_person = owner != sessions.SCRIPTED
    seconds = _grace_s(transaction.connection, min(answers), now) if by_person else 0.0
    for question_id, answer in answers.items():
        if seconds > 0:
            _hold(
                transaction, question_id, owner, now + seconds,
                answer=answer, flags=flags, feedback=feedback,
            )  # fmt: skip
        else:
            leases.close(
                transaction, question_id, owner, now,
                answer=answer, flags=flags, feedback=feedback,
            )  # fmt: skip
    return max(0.0, seconds)


def undo(
    transaction: Transaction, question_id: int, owner: str, now: float, lease_s: float
) -> None:
    """Take an operator's answer back, with those to the other images of the same request.

    Raises:
        ApiError: 404 unknown, 409 when it is sent, or the question has ended.
    """
    this = select(questions.c.job_id).where(questions.c.id == question_id).scalar_subquery()
    of_job = select(questions.c.id).where(questions.c.job_id == this)
    query = delete(held_answers).where(
        held_answers.c.question_id.in_(of_job), held_answers.c.operator == owner
    )
    taken = transaction.connection.execute(query.returning(held_answers.c.question_id))
    found = taken.scalars().all()
    if question_id not in found:
        raise ApiError(409, 'the answer is sent: it cannot be taken back any more')
    for each in sorted(found):
        leases.undo_answer(transaction, each, owner, now, lease_s)


def send_due(transaction: Transaction, now: float) -> int:
    """Close questions with the answers whose time has come, and return how many there were."""
    found = transaction.connection.execute(ALL_DUE, {'at': now}).scalars().all()
    for question_id in found:
        # Taken back and given anew in the meantime, it is another answer, and due later.
        query = delete(held_answers).where(held_answers.c.question_id == question_id, DUE)
        held = transaction.connection.execute(
            query.returning(*held_answers.c), {'at': now}
        ).first()
        if held is not None:
            _send(transaction, held, now)
    return len(found)


def of_operator(connection: Connection, operator: str) -> Sequence[Row[Any, Any]]:
    """Return the answers that an operator can take back: first images, and when each is sent."""
    due = func.min(held_answers.c.due).label('due')
    query = (
        select(func.min(questions.c.id).label('question_id'), due)
        .join(questions, held_answers.c.question_id == questions.c.id)
        .where(held_answers.c.operator == operator, questions.c.state == 'assigned')
        .group_by(questions.c.job_id)
        .order_by(due)
    )
    return connection.execute(query).all()


def _grace_s(connection: Connection, question_id: int, now: float) -> float:
    row = GRACE.first(connection, {'question': question_id})
    if row is None or not row.grace_s:
        return 0.0
    return min(float(row.grace_s), float(row.deadline) - now - MARGIN_S)


def _send(transaction: Transaction, held: Row[Any], now: float) -> None:
    try:
        leases.close(
            transaction, held.question_id, held.operator, now, answer=held.answer,
            flags=json.loads(held.flags), feedback=held.feedback, held=True,
        )  # fmt: skip
    except ApiError:
        # It was withdrawn, or nobody waits for it any more.
        return


def _hold(
    transaction: Transaction, question_id: int, owner: str, due: float, *,
    answer: str, flags: Sequence[str], feedback: str | None,
) -> None:  # fmt: skip
    leases.hold_answer(transaction, question_id, owner)
    transaction.connection.execute(
        insert(held_answers).values(
            question_id=question_id,
            operator=owner,
            due=due,
            answer=answer,
            flags=json.dumps(list(flags)),
            feedback=feedback,
        )
    )
