# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Answers that are not sent yet.

Operators can take them back for some seconds (`grace_s`); then some wait for a second opinion, and
cannot be taken back any more. The question stays assigned to its operator; its lease does not end.
The answer is stored with the time at which it closes the question, so that it is sent whatever
becomes of the console and of this process. Of several processes, the one that deletes the row
closes the question. A question that ends meanwhile, withdrawn or past its deadline, stays so.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    select,
)

from spark_ros.service.errors import ApiError
from spark_ros.service.storage import leases, second_opinions, sessions
from spark_ros.service.storage.attempts import unlocked
from spark_ros.service.storage.checks import SECOND
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import checks, held_answers, jobs, programs, questions
from spark_ros.service.storage.store import Transaction

# How long before the deadline an answer is sent at the latest.
MARGIN_S = 1.0
BATCH = 200
DUE = held_answers.c.due <= bindparam('at')
ALL_DUE = unlocked(select(held_answers.c.question_id).where(DUE).limit(BATCH))
RULE = Prepared(
    select(
        *programs.c[
            'grace_s', 'second_opinion_share', 'second_opinion_change', 'second_opinion_wait'
        ],
        questions.c.deadline,
        jobs.c.token,
    )
    .join(jobs, questions.c.job_id == jobs.c.id)
    .join(programs, jobs.c.program == programs.c.name)
    .where(questions.c.id == bindparam('question'))
)
# Another operator was asked, too: see `second_opinions`.
WAITS = exists().where(
    checks.c.question_id == held_answers.c.question_id, checks.c.kind == SECOND
)


class Stored(NamedTuple):
    """What became of an answer.

    Attributes:
        undo_s: for how many seconds it can be taken back; 0 where it cannot.
        closed: whether the question is closed by it.
    """

    undo_s: float
    closed: bool


def close_or_hold(
    transaction: Transaction,
    answers: Mapping[int, str],
    owner: str,
    now: float,
    *,
    flags: Sequence[str] = (),
    feedback: str | None = None,
    present: Collection[str] = (),
) -> Stored:
    """Close the images of a question, at once or when what its program lets it wait for is over.

    Args:
        answers: by the ids of the images.
        owner, flags, feedback: as of `leases.close`.
        present: the operators who are there, of whom one may give a second opinion.

    Raises:
        ApiError: as `leases.close`.
    """
    # A script has no second thoughts.
    rule = None
    if owner != sessions.SCRIPTED:
        rule = RULE.first(transaction.connection, {'question': min(answers)})
    seconds = 0.0 if rule is None else _at_most(rule.grace_s, rule, now)
    wanted = seconds == 0 and _is_second_wanted(rule, answers.values(), flags)
    wait_s = _wait_s(rule, owner, present, now) if wanted else 0.0
    for question_id, answer in answers.items():
        if seconds or wait_s:
            _hold(
                transaction, question_id, owner, now + seconds + wait_s,
                answer=answer, flags=flags, feedback=feedback,
            )  # fmt: skip
        else:
            leases.close(
                transaction, question_id, owner, now,
                answer=answer, flags=flags, feedback=feedback,
            )  # fmt: skip
    if wanted:
        second_opinions.add(transaction, answers, now)
    return Stored(seconds, not (seconds or wait_s))


def undo(
    transaction: Transaction, question_id: int, owner: str, now: float, lease_s: float
) -> None:
    """Take an operator's answer back, with those to the other images of the same request.

    Raises:
        ApiError: 404 unknown, 409 when it is sent, or the question has ended.
    """
    theirs = (held_answers.c.operator == owner) & ~WAITS
    found = [row.question_id for row in _take(transaction, question_id, theirs, now)]
    if question_id not in found:
        raise ApiError(409, 'the answer is sent: it cannot be taken back any more')
    for each in found:
        leases.undo_answer(transaction, each, owner, now, lease_s)


def send_due(transaction: Transaction, now: float, present: Collection[str] = ()) -> int:
    """Close questions with the answers whose time has come, and return how many there were.

    Where a second opinion is wanted, it is asked for now, and the answer may wait for it.

    Args:
        present: the operators who are there.
    """
    found = transaction.connection.execute(ALL_DUE, {'at': now}).scalars().all()
    for question_id in found:
        # Taken back and given anew in the meantime, it is another answer, and due later.
        held = _take(transaction, question_id, DUE, now)
        if not held:
            continue
        rule = None
        if not second_opinions.is_asked(transaction.connection, question_id):
            rule = RULE.first(transaction.connection, {'question': question_id})
        flags = json.loads(held[0].flags)
        wanted = _is_second_wanted(rule, [row.answer for row in held], flags)
        wait_s = _wait_s(rule, held[0].operator, present, now) if wanted else 0.0
        sent = _hold_again(transaction, held, now, wait_s) if wait_s else _send(
            transaction, held, now
        )
        if wanted and sent:
            second_opinions.add(transaction, [row.question_id for row in held], now)
    return len(found)


def second_came(
    transaction: Transaction, question_id: int, now: float, flags: Sequence[str]
) -> None:
    """Close a question whose answer waits for a second opinion, which has come.

    Args:
        flags: which the answer gets besides.
    """
    _send(transaction, _take(transaction, question_id, WAITS, now), now, flags)


def of_operator(connection: Connection, operator: str) -> Sequence[Row[Any, Any, Any]]:
    """Return an operator's answers that are not sent: first images, when, and whether they wait.

    An answer that `waits` for a second opinion cannot be taken back.
    """
    due = func.min(held_answers.c.due).label('due')
    query = (
        select(
            func.min(questions.c.id).label('question_id'), due,
            func.max(case((WAITS, 1), else_=0)).label('waits'),
        )
        .join(questions, held_answers.c.question_id == questions.c.id)
        .where(held_answers.c.operator == operator, questions.c.state == 'assigned')
        .group_by(questions.c.job_id)
        .order_by(due)
    )
    return connection.execute(query).all()


def _at_most(seconds: float, rule: Any, now: float) -> float:
    return max(0.0, min(float(seconds), float(rule.deadline) - now - MARGIN_S))


def _is_second_wanted(rule: Any, answers: Iterable[str], flags: Sequence[str]) -> bool:
    if rule is None or leases.FLAGGED in flags:
        return False
    return second_opinions.is_wanted(rule, answers)


def _wait_s(rule: Any, owner: str, present: Collection[str], now: float) -> float:
    if not rule.second_opinion_wait or not second_opinions.somebody_else(present, owner):
        return 0.0
    return _at_most(second_opinions.LONGEST_WAIT_S, rule, now)


def _take(
    transaction: Transaction, question_id: int, when: ColumnElement[bool], now: float
) -> list[Any]:
    """Delete the held answers to the images of a question, and return them."""
    this = select(questions.c.job_id).where(questions.c.id == question_id).scalar_subquery()
    of_job = select(questions.c.id).where(questions.c.job_id == this)
    query = delete(held_answers).where(held_answers.c.question_id.in_(of_job), when)
    held = transaction.connection.execute(query.returning(*held_answers.c), {'at': now})
    return sorted(held, key=lambda row: row.question_id)


def _send(
    transaction: Transaction, held: Sequence[Row[Any]], now: float, flags: Sequence[str] = ()
) -> bool:
    """Close questions with answers that were held back; False where none is asked any more."""
    sent = False
    for row in held:
        # Else it was withdrawn, or nobody waits for it any more.
        with suppress(ApiError):
            leases.close(
                transaction, row.question_id, row.operator, now, answer=row.answer,
                flags=list(dict.fromkeys([*json.loads(row.flags), *flags])),
                feedback=row.feedback, held=True,
            )  # fmt: skip
            sent = True
    return sent


def _hold_again(
    transaction: Transaction, held: Sequence[Row[Any]], now: float, wait_s: float
) -> bool:
    """Hold answers back for some more time; False where none is asked any more."""
    kept = False
    for row in held:
        # As above.
        with suppress(ApiError):
            leases.undo_answer(transaction, row.question_id, row.operator, now, wait_s)
            _hold(
                transaction, row.question_id, row.operator, now + wait_s, answer=row.answer,
                flags=json.loads(row.flags), feedback=row.feedback,
            )  # fmt: skip
            kept = True
    return kept


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
