# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Checks: questions that were answered already, shown to an operator who has not answered them.

    second opinion   open ─────claim──► assigned ──close──► closed
                      ▲                    │
                      └──release, expire───┘
    known answer               claim──► assigned ──close──► closed
                                 ▲         │
                     returned ───┘ ◄───────┘ release, expire; it stays this operator's


What the operator says is stored beside the question's own answer, which does not change by it. A
check of a request with several images has a row for each of them; all are claimed, answered and
given back together, and the check is called by the id of the first. Whoever changes them locks
that one first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from spark_ros.service.errors import ApiError
from spark_ros.service.storage import waiting
from spark_ros.service.storage.attempts import unlocked
from spark_ros.service.storage.leases import CANCELED, NO_LONGER_ASKED, SERVED
from spark_ros.service.storage.schema import checks, jobs, questions, skips
from spark_ros.service.storage.store import ROW_BY_ROW, Transaction

SECOND, KNOWN = 'second', 'known'
# Literal, as of the partial indexes.
OPEN = checks.c.state == literal_column("'open'")
ASSIGNED = checks.c.state == literal_column("'assigned'")
LEASE_OVER = ASSIGNED & (checks.c.lease_until <= bindparam('at'))
RETURNED = checks.c.state == 'returned'
# A known answer that is given back still counts as one that this operator was shown.
_is_known = checks.c.kind == KNOWN
GIVEN_BACK = {
    'state': case((_is_known, 'returned'), else_='open'),
    'operator': case((_is_known, checks.c.operator)),
    'claimed': case((_is_known, checks.c.claimed)),
    'lease_until': None,
}
# How many images of a key's questions wait for second opinions; older ones are given up.
MOST_OPEN = 200
# Whose answer is the question's, or will be when the second opinion has come.
FIRST: ColumnElement[str | None] = func.coalesce(questions.c.answered_by, questions.c.lease_owner)


def add(
    transaction: Transaction,
    kind: str,
    question_ids: Iterable[int],
    now: float,
    **more: Any,
) -> int:
    """Store a check of the images of a question, and return its id.

    Args:
        more: columns that are not those of an open check.
    """
    connection = transaction.connection
    of_questions = select(questions.c.id, questions.c.key_id).where(
        questions.c.id.in_([*question_ids])
    )
    ids = []
    for row in connection.execute(of_questions.order_by(questions.c.id)).all():
        values = {'question_id': row.id, 'key_id': row.key_id, 'kind': kind, 'created': now}
        new = insert(checks).values({**values, 'state': 'open', **more}).returning(checks.c.id)
        ids.append(connection.execute(new).scalar_one())
    if kind == SECOND:
        _limit_open(connection, row.key_id)
    return int(ids[0])


def rows(connection: Connection, check_id: int) -> list[Row[Any]]:
    """Return the rows of a check, one for each image, in order, without the answers.

    Raises:
        ApiError: 404 when there is no such check, 409 when it changes at this moment.
    """
    this = connection.execute(
        select(checks.c.kind, checks.c.operator, questions.c.job_id)
        .join(questions, checks.c.question_id == questions.c.id)
        .where(checks.c.id == check_id)
    ).first()
    if this is None:
        raise ApiError(404, 'there is no such question')
    query = (
        select(
            # Answers may be megabytes, and this is read at each heartbeat.
            *(column for column in checks.c if column.name != 'answer'),
            *questions.c['job_id', 'position', 'answered_by'],
            questions.c.state.label('question_state'),
        )
        .join(questions, checks.c.question_id == questions.c.id)
        .where(
            questions.c.job_id == this.job_id,
            checks.c.kind == this.kind,
            checks.c.operator.is_not_distinct_from(this.operator),
        )
        .order_by(questions.c.position)
    )
    found = [*connection.execute(query)]
    if not found:
        # Another process has changed it between the two reads.
        raise ApiError(409, 'another operator has this question')
    return found


def may_see(owner: str, operator: str) -> list[ColumnElement[bool]]:
    """Return what holds of the answered questions of which an operator may give a view.

    Args:
        owner: the operator.
        operator: their pseudonym.
    """
    skipped = exists().where(skips.c.job_id == questions.c.job_id, skips.c.operator == owner)
    return [
        FIRST.is_not(None), FIRST.is_distinct_from(owner), ~waiting.excluded(operator),
        ~skipped.correlate(questions),
    ]  # fmt: skip


def may_have(owner: str, operator: str) -> list[ColumnElement[bool]]:
    """Return what holds of those of `may_see` that the operator was never shown again."""
    theirs = checks.alias()
    had = exists().where(theirs.c.question_id == questions.c.id, theirs.c.operator == owner)
    return [*may_see(owner, operator), ~had.correlate(questions)]


def claim(
    transaction: Transaction, check_id: int, owner: str, operator: str, now: float, lease_s: float
) -> None:
    """Give an operator, with their pseudonym, an open check, or renew their lease.

    Raises:
        ApiError: 404 unknown, 409 when it is another's, or closed.
    """
    expire(transaction, now)
    found = rows(transaction.connection, check_id)
    if all(row.operator == owner and row.state != 'returned' for row in found):
        heartbeat(transaction, check_id, owner, now, lease_s)
        return
    theirs = and_(RETURNED, checks.c.operator == owner, *may_see(owner, operator))
    query = (
        select(checks.c.id)
        .join(questions, checks.c.question_id == questions.c.id)
        .where(checks.c.id == found[0].id, or_(and_(OPEN, *may_have(owner, operator)), theirs))
        .with_for_update(of=checks, key_share=True)
    )
    if transaction.connection.execute(query).first() is None:
        raise ApiError(409, 'another operator has this question')
    assign(transaction, [row.id for row in found], owner, now, lease_s)


def assign(
    transaction: Transaction, ids: Sequence[int], owner: str, now: float, lease_s: float
) -> None:
    """Give an operator the rows of a check that nobody has.

    Raises:
        ApiError: 409 when another has it.
    """
    given = {'state': 'assigned', 'operator': owner, 'claimed': now, 'lease_until': now + lease_s}
    query = update(checks).where(checks.c.id.in_(ids), OPEN | RETURNED).values(given)
    found = transaction.connection.execute(query.returning(checks.c.key_id)).scalars().all()
    if len(found) != len(ids):
        raise ApiError(409, 'another operator has this question')
    SERVED.all(transaction.connection, {'key': found[0], 'served': now})


def heartbeat(
    transaction: Transaction, check_id: int, owner: str, now: float, lease_s: float
) -> None:
    """Renew an operator's lease, for `lease_s` from now.

    Raises:
        ApiError: 404 unknown, 409 when they do not, or no longer, have the check, or the caller
            has withdrawn the question.
    """
    _change(transaction, check_id, owner, {'lease_until': now + lease_s})


def release(transaction: Transaction, check_id: int, owner: str) -> int:
    """Take a check from an operator, and return the id of its question; nothing is lost.

    Raises:
        ApiError: as `heartbeat`, but that of a withdrawn question can be given back, too.
    """
    found = _change(transaction, check_id, owner, GIVEN_BACK, even_withdrawn=True)
    return int(found[0].question_id)


def close(
    transaction: Transaction,
    check_id: int,
    owner: str,
    now: float,
    *,
    answers: Mapping[int, str],
    agreement: float | None,
    flags: Sequence[str] = (),
    feedback: str | None = None,
) -> None:
    """Store what an operator says.

    Args:
        answers: by the ids of the images' questions, as JSON.
        agreement: of all of them with the questions' own answers.
        flags, feedback: as of `leases.close`.

    Raises:
        ApiError: as `heartbeat`.
    """
    closed = {
        'state': 'closed', 'answered': now, 'lease_until': None, 'feedback': feedback,
        'agreement': agreement, 'flags': json.dumps(list(flags), separators=(',', ':')),
    }  # fmt: skip
    for row in _change(transaction, check_id, owner, closed):
        query = update(checks).where(checks.c.id == row.id)
        transaction.connection.execute(query.values(answer=answers[row.question_id]))


def expire(transaction: Transaction, now: float) -> None:
    """Take the checks back whose leases ended."""
    connection = transaction.connection
    for ids in _unlocked_ids(connection, LEASE_OVER, at=now):
        connection.execute(update(checks).where(checks.c.id.in_(ids)).values(GIVEN_BACK))


def count_answered(connection: Connection, owner: str) -> int:
    """Count the checks that an operator answered; those of several images once."""
    query = (
        select(func.count())
        .select_from(checks)
        .join(questions, checks.c.question_id == questions.c.id)
        .where(checks.c.operator == owner, checks.c.state == 'closed', questions.c.position == 0)
    )
    return int(connection.execute(query).scalar_one())


def every(connection: Connection) -> Iterator[Row[Any]]:
    """Yield all checks that were answered, with their questions, the oldest first."""
    query = (
        select(
            checks,
            *questions.c['position', 'answered_by'],
            questions.c.answer.label('first_answer'),
            questions.c.flags.label('first_flags'),
            questions.c.kind.label('question_kind'),
            *jobs.c['token', 'api', 'program'],
        )
        .join(questions, checks.c.question_id == questions.c.id)
        .join(jobs, questions.c.job_id == jobs.c.id)
        .where(checks.c.state == 'closed')
        .order_by(checks.c.answered, checks.c.id)
    )
    yield from connection.execute(query, execution_options=ROW_BY_ROW)


def _change(
    transaction: Transaction, check_id: int, owner: str, values: Mapping[str, Any], *,
    even_withdrawn: bool = False,
) -> list[Row[Any]]:
    connection = transaction.connection
    found = rows(connection, check_id)
    ids = [row.id for row in found]
    first = select(checks.c.id).where(checks.c.id == ids[0])
    connection.execute(first.with_for_update(key_share=True))
    if not even_withdrawn and any(_is_withdrawn(row) for row in found):
        raise ApiError(409, NO_LONGER_ASKED[CANCELED])
    theirs = [checks.c.id.in_(ids), checks.c.operator == owner, ASSIGNED]
    if not even_withdrawn:
        # Again, since it may have been withdrawn in between.
        of_checks = (questions.c.id == checks.c.question_id, FIRST.is_not(None))
        theirs.append(exists().where(*of_checks).correlate(checks))
    changed = connection.execute(update(checks).where(*theirs).values(values))
    if changed.rowcount != len(ids):
        raise ApiError(409, 'you do not have this question, or no longer: claim it again')
    return found


def _is_withdrawn(row: Row[Any]) -> bool:
    return row.answered_by is None and row.question_state in ('closed', 'aborted')


def _limit_open(connection: Connection, key_id: int) -> None:
    """Delete the oldest open second opinions of a key beyond `MOST_OPEN`; no robot waits for them.

    Otherwise, where only one operator is there, they would pile up, and finding one take long.
    """
    newest = select(checks.c.question_id).where(OPEN, checks.c.key_id == key_id)
    over = connection.execute(newest.order_by(checks.c.id.desc()).offset(MOST_OPEN)).scalars()
    if not (question_ids := over.all()):
        return
    # Of several images, all or none.
    of_jobs = select(questions.c.job_id).where(
        questions.c.id.in_(question_ids), questions.c.state != 'assigned'
    )
    of_check = select(questions.c.id).where(questions.c.job_id.in_(of_jobs))
    for ids in _unlocked_ids(connection, OPEN & checks.c.question_id.in_(of_check)):
        connection.execute(delete(checks).where(checks.c.id.in_(ids)))


def _unlocked_ids(
    connection: Connection, which: ColumnElement[bool], **values: float
) -> list[list[int]]:
    """Lock the first rows of checks that nobody else has locked; return all rows' ids of each."""
    of_first = exists().where(
        questions.c.id == checks.c.question_id, questions.c.position == 0
    ).correlate(checks)  # fmt: skip
    firsts = connection.execute(unlocked(select(checks.c.id).where(which, of_first)), values)
    return [[row.id for row in rows(connection, each)] for each in firsts.scalars().all()]
