# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who works on a question: claimed by one operator at a time, for as long as a lease is renewed.

    open ──claim──► assigned ──close──► closed
      ▲                │
      └─release/expire─┘    either ──abort──► aborted

Each arrow is one conditional UPDATE, so that two operators can never hold the same question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.change_log import JOB, append_changes
from spark_ros.service.storage.jobs import OPEN_STATES
from spark_ros.service.storage.schema import jobs, questions
from spark_ros.service.storage.store import Transaction

# The flag of a question that was closed because it cannot be answered.
FLAGGED = 'flagged'
NO_ANSWER = '{}'
# Built once: building a statement takes longer than executing it.
FIND_JOB = select(*JOB).where(jobs.c.id == bindparam('job_id'))
FREE = {'lease_owner': None, 'lease_until': None}


def claim(
    transaction: Transaction, question_id: int, owner: str, now: float, lease_s: float
) -> None:
    """Give a question to an operator, or renew their lease.

    Args:
        owner: the operator.
        lease_s: how long they keep the question without a heartbeat.

    Raises:
        ApiError: 404 unknown, 409 when another has it or it is closed.
    """
    expire(transaction, now, question_id)
    lease = {'lease_owner': owner, 'lease_until': now + lease_s}
    if _move(transaction, question_id, questions.c.state == 'open', 'assigned', now, lease):
        return
    heartbeat(transaction, question_id, owner, now, lease_s)


def heartbeat(
    transaction: Transaction, question_id: int, owner: str, now: float, lease_s: float
) -> None:
    """Renew an operator's lease, for `lease_s` from now.

    Raises:
        ApiError: 404 unknown, 409 when the operator does not, or no longer, have the question.
    """
    renewed = transaction.connection.execute(
        update(questions)
        .where(questions.c.id == question_id, _held_by(owner))
        .values(lease_until=now + lease_s)
    )
    if renewed.rowcount != 1:
        raise _not_yours(transaction, question_id)


def release(transaction: Transaction, question_id: int, owner: str, now: float) -> None:
    """Put a question of an operator back into the queue.

    Raises:
        ApiError: 404 unknown, 409 when the operator does not have the question.
    """
    if not _move(transaction, question_id, _held_by(owner), 'open', now, FREE):
        raise _not_yours(transaction, question_id)


def close(
    transaction: Transaction,
    question_id: int,
    owner: str | None,
    now: float,
    *,
    answer: str,
    flags: Sequence[str] = (),
    feedback: str | None = None,
) -> None:
    """Store the answer to a question; nothing changes it afterwards.

    Args:
        owner: the operator who has the question; None if it is open and no person is asked.
        answer: as JSON, in the terms of the API that the question came by.
        flags, feedback: what the operator says besides.

    Raises:
        ApiError: 404 unknown, 409 when the operator does not, or no longer, have the question.
    """
    answered = {
        **FREE,
        'answered_by': owner,
        'closed': now,
        'answer': answer,
        'flags': json.dumps(list(flags), separators=(',', ':')),
        'feedback': feedback,
    }
    when = questions.c.state == 'open' if owner is None else _held_by(owner)
    if not _move(transaction, question_id, when, 'closed', now, answered):
        raise _not_yours(transaction, question_id)


def abort(transaction: Transaction, question_id: int, now: float) -> bool:
    """Abort a question, even if an operator has it; False when it was closed or aborted before."""
    waiting = questions.c.state.in_(OPEN_STATES)
    return _move(transaction, question_id, waiting, 'aborted', now, {**FREE, 'closed': now})


def expire(transaction: Transaction, now: float, question_id: int | None = None) -> int:
    """Return questions whose lease ended to the queue, and return how many."""
    over = (questions.c.state == 'assigned') & (questions.c.lease_until <= now)
    if question_id is not None:
        over &= questions.c.id == question_id
    late = transaction.connection.execute(select(questions.c.id).where(over)).scalars().all()
    return sum(_move(transaction, each, over, 'open', now, FREE) for each in late)


def _held_by(owner: str) -> ColumnElement[bool]:
    return (questions.c.state == 'assigned') & (questions.c.lease_owner == owner)


def _move(
    transaction: Transaction,
    question_id: int,
    when: ColumnElement[bool],
    state: str,
    now: float,
    values: Mapping[str, Any],
) -> bool:
    moved = transaction.connection.execute(
        update(questions)
        .where(questions.c.id == question_id, when)
        .values(state=state, sequence=questions.c.sequence + 1, **values)
        .returning(questions.c.job_id, questions.c.sequence)
    ).first()
    if moved is None:
        return False
    job = transaction.connection.execute(FIND_JOB, {'job_id': moved.job_id}).one()
    flags = json.loads(values.get('flags') or '[]')
    append_changes(transaction, [question_id], job, moved.sequence, state, now, flags)
    return True


def _not_yours(transaction: Transaction, question_id: int) -> ApiError:
    state = transaction.connection.execute(
        select(questions.c.state).where(questions.c.id == question_id)
    ).scalar()
    if state is None:
        return ApiError(404, 'there is no such question')
    messages = {
        'open': 'you do not have this question, or no longer: claim it again',
        'assigned': 'another operator has this question',
        'closed': 'this question is closed',
        'aborted': 'the caller has aborted this question: an answer is no longer wanted',
    }
    return ApiError(409, messages[state])
