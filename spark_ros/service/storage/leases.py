# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who works on a question: claimed by one operator at a time, for as long as a lease is renewed.

    open ──claim──► assigned ──close──► closed    either ──withdraw, deadline──► closed
      ▲                │                          either ──abort──► aborted
      └─release/expire─┘

Each arrow is one conditional UPDATE, so that two operators can never hold the same question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, literal_column, select, update

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.attempts import unlocked
from spark_ros.service.storage.change_log import JOB, append_changes
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import (
    HAS_DEADLINE,
    NEVER,
    WAITING,
    jobs,
    keys,
    questions,
)
from spark_ros.service.storage.store import Transaction

# The flag of a question that was closed without an answer, and of why, where no person did it.
FLAGGED = 'flagged'
EXPIRED, CANCELED = 'expired', 'canceled'
FEEDBACK = {EXPIRED: 'nobody answered in time', CANCELED: 'withdrawn by the caller'}
NO_LONGER_ASKED = {
    EXPIRED: 'nobody answered it in time: the caller no longer waits for an answer',
    CANCELED: 'the caller has withdrawn it: an answer is no longer wanted',
}
NO_ANSWER = '{}'
FREE = {'lease_owner': None, 'lease_until': None}
# Where a question stands before it moves, with values by name.
OPEN = questions.c.state == 'open'
THEIRS = (questions.c.state == 'assigned') & (questions.c.lease_owner == bindparam('holder'))
# One whose answer is held back has a lease that never ends, which nothing but undoing ends.
ENDLESS: ColumnElement[float] = literal_column(str(NEVER))
HELD = THEIRS & (questions.c.lease_until < ENDLESS)
ANSWER_HELD = (
    THEIRS & (questions.c.lease_until == ENDLESS) & (questions.c.deadline > bindparam('at'))
)
LEASE_OVER = questions.c.lease_until <= bindparam('at')
PAST_DEADLINE = HAS_DEADLINE & (questions.c.deadline <= bindparam('at'))
# Built once: building a statement takes longer than executing it.
FIND_JOB = Prepared(select(*JOB).where(jobs.c.id == bindparam('job_id')))
THIS = questions.c.id == bindparam('question')
RENEW = update(questions).where(THIS, HELD)
UNDO = update(questions).where(THIS, ANSWER_HELD)
MOVES = {
    when: Prepared(
        update(questions)
        .where(THIS, when)
        .values(sequence=questions.c.sequence + 1)
        .returning(questions.c.job_id, questions.c.sequence)
    )
    for when in (OPEN, HELD, ANSWER_HELD, LEASE_OVER, PAST_DEADLINE, WAITING)
}
# How many questions one write ends.
BATCH = 200
ALL_LATE = select(questions.c.id).where(LEASE_OVER)
LATE = Prepared(unlocked(ALL_LATE))
THIS_LATE = Prepared(ALL_LATE.where(THIS))
ALL_PAST_DEADLINE = unlocked(select(questions.c.id).where(PAST_DEADLINE).limit(BATCH))
# Whoever has locked the key is storing nearly the same time.
THIS_KEY = unlocked(select(keys.c.id).where(keys.c.id == bindparam('key')))
SERVED = Prepared(update(keys).where(keys.c.id == THIS_KEY.scalar_subquery()))


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
    job = _move(transaction, question_id, OPEN, 'assigned', now, lease)
    if job is not None:
        SERVED.all(transaction.connection, {'key': job.key_id, 'served': now})
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
        RENEW, {'question': question_id, 'holder': owner, 'lease_until': now + lease_s}
    )
    if renewed.rowcount != 1:
        raise _not_yours(transaction, question_id)


def hold_answer(transaction: Transaction, question_id: int, owner: str) -> None:
    """Let an operator's lease never end: their answer is stored, and is to be sent later.

    Raises:
        ApiError: as `heartbeat`.
    """
    heartbeat(transaction, question_id, owner, NEVER, 0.0)


def undo_answer(
    transaction: Transaction, question_id: int, owner: str, now: float, lease_s: float
) -> None:
    """Give a question whose answer was held back to its operator again.

    Raises:
        ApiError: 404 unknown, 409 when it has ended, or no answer to it is held back.
    """
    given = {'question': question_id, 'holder': owner, 'at': now, 'lease_until': now + lease_s}
    if transaction.connection.execute(UNDO, given).rowcount != 1:
        raise _not_yours(transaction, question_id)


def release(transaction: Transaction, question_id: int, owner: str, now: float) -> None:
    """Put a question of an operator back into the queue.

    Raises:
        ApiError: 404 unknown, 409 when the operator does not have the question.
    """
    if _move(transaction, question_id, HELD, 'open', now, {**FREE, 'holder': owner}) is None:
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
    held: bool = False,
) -> None:
    """Store the answer to a question; nothing changes it afterwards.

    Args:
        owner: the operator who has the question; None if it is open and no person is asked.
        answer: as JSON, in the terms of the API that the question came by.
        flags, feedback: what the operator says besides.
        held: it was held back, and its time has come.

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
    when = OPEN
    if owner is not None:
        when, answered['holder'] = ANSWER_HELD if held else HELD, owner
    if _move(transaction, question_id, when, 'closed', now, answered) is None:
        raise _not_yours(transaction, question_id)


def withdraw(transaction: Transaction, question_id: int, now: float) -> None:
    """Close a question that the caller no longer asks, even if an operator has it."""
    _end(transaction, question_id, WAITING, now, CANCELED)


def expire_deadlines(transaction: Transaction, now: float) -> int:
    """Close questions whose deadline is past, `BATCH` at most, and return how many."""
    found = transaction.connection.execute(ALL_PAST_DEADLINE, {'at': now}).scalars().all()
    for each in found:
        _end(transaction, each, PAST_DEADLINE, now, EXPIRED)
    return len(found)


def abort(transaction: Transaction, question_id: int, now: float) -> bool:
    """Abort a question, even if an operator has it; False when it was closed or aborted before."""
    ended = {**FREE, 'closed': now}
    return _move(transaction, question_id, WAITING, 'aborted', now, ended) is not None


def expire(transaction: Transaction, now: float, question_id: int | None = None) -> int:
    """Return questions whose lease ended to the queue, and return how many."""
    if question_id is None:
        late = LATE.all(transaction.connection, {'at': now})
    else:
        late = THIS_LATE.all(transaction.connection, {'at': now, 'question': question_id})
    for each in late:
        _move(transaction, each.id, LEASE_OVER, 'open', now, FREE)
    return len(late)


def _end(
    transaction: Transaction, question_id: int, when: ColumnElement[bool], now: float, flag: str
) -> None:
    values = {
        **FREE, 'closed': now, 'answer': NO_ANSWER, 'flags': json.dumps([FLAGGED, flag]),
        'feedback': FEEDBACK[flag],
    }  # fmt: skip
    _move(transaction, question_id, when, 'closed', now, values)


def _move(
    transaction: Transaction,
    question_id: int,
    when: ColumnElement[bool],
    state: str,
    now: float,
    values: Mapping[str, Any],
) -> Any:
    """Give a question a new state; return its job, or None if the condition did not hold.

    Args:
        when: one of those in `MOVES`; the time is its `at`.
        values: new ones of its columns, and those that the condition names.
    """
    given = {'question': question_id, 'at': now, 'state': state, **values}
    moved = MOVES[when].first(transaction.connection, given)
    if moved is None:
        return None
    job = FIND_JOB.first(transaction.connection, {'job_id': moved.job_id})
    flags = json.loads(values.get('flags') or '[]')
    append_changes(transaction, [question_id], job, moved.sequence, state, now, flags)
    return job


def _not_yours(transaction: Transaction, question_id: int) -> ApiError:
    row = transaction.connection.execute(
        select(
            questions.c.state, questions.c.flags, questions.c.answered_by, questions.c.lease_until
        ).where(questions.c.id == question_id)
    ).first()
    if row is None:
        return ApiError(404, 'there is no such question')
    flags = json.loads(row.flags or '[]') if row.answered_by is None else ()
    for flag, why in NO_LONGER_ASKED.items():
        if flag in flags:
            return ApiError(409, why)
    if row.lease_until == NEVER:
        return ApiError(409, 'an answer to this question is about to be sent')
    messages = {
        'open': 'you do not have this question, or no longer: claim it again',
        'assigned': 'another operator has this question',
        'closed': 'this question is closed',
        'aborted': 'the caller has aborted this question: an answer is no longer wanted',
    }
    return ApiError(409, messages[row.state])
