# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Leases of all images of a request: an operator has either all of them, or none.

To an operator a request with several images is one question. The robot gets an answer for each
of them, so each is claimed and closed as `leases` says, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from spark_ros.service.storage import leases, waiting
from spark_ros.service.storage.attempts import unlocked
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import WAITING, questions
from spark_ros.service.storage.store import Transaction

JOB = select(questions.c.job_id).where(questions.c.id == bindparam('question')).scalar_subquery()
OF_JOB = (
    select(questions.c.id, questions.c.state, questions.c.lease_owner)
    .where(questions.c.job_id == JOB, WAITING)
    .order_by(questions.c.position)
)
IMAGES = Prepared(OF_JOB)
LOCKED = Prepared(unlocked(OF_JOB))
# How many questions are looked at before the order is read again.
CANDIDATES = 16


def image_ids(connection: Connection, question_id: int) -> list[int]:
    """Return the ids of the images of a question that wait, in order.

    Where none does, it is the question itself: whoever acts on it is told why that is too late.
    """
    found = IMAGES.all(connection, {'question': question_id})
    return [row.id for row in found] or [question_id]


def claim(
    transaction: Transaction, question_id: int, owner: str, now: float, lease_s: float
) -> None:
    """Give an operator all images of a question, as `leases.claim` does one.

    Raises:
        ApiError: 404 unknown, 409 when another has one of them or it is closed.
    """
    for each in image_ids(transaction.connection, question_id):
        leases.claim(transaction, each, owner, now, lease_s)


def heartbeat(
    transaction: Transaction, question_id: int, owner: str, now: float, lease_s: float
) -> None:
    """Renew the leases of all images of a question, as `leases.heartbeat` does one.

    Raises:
        ApiError: 404 unknown, 409 when the operator does not, or no longer, have the question.
    """
    for each in image_ids(transaction.connection, question_id):
        leases.heartbeat(transaction, each, owner, now, lease_s)


def release(transaction: Transaction, question_id: int, owner: str, now: float) -> None:
    """Put all images of a question back into the queue.

    Raises:
        ApiError: 404 unknown, 409 when the operator does not have the question.
    """
    for each in image_ids(transaction.connection, question_id):
        leases.release(transaction, each, owner, now)


def claim_next(
    transaction: Transaction,
    owner: str,
    operator: str,
    wanted: waiting.Filter,
    skipped: Sequence[int],
    now: float,
    lease_s: float,
) -> int | None:
    """Give an operator the first question of the queue that they may take; return its id.

    What another process is giving to somebody else at this moment is passed over, and nobody
    waits for it.

    Args:
        owner: the operator.
        operator: their pseudonym.
        wanted: which questions they want.
        skipped: ids of those that they do not want now.

    Returns:
        The id of its first image; None where there is no question for them.
    """
    connection = transaction.connection
    passed = list(skipped)
    while found := waiting.free_ids(connection, CANDIDATES, owner, operator, wanted, passed):
        for each in found:
            values = {'question': each}
            locked = LOCKED.all(connection, values)
            free = all(row.state == 'open' or row.lease_owner == owner for row in locked)
            if locked and free and len(locked) == len(IMAGES.all(connection, values)):
                claim(transaction, each, owner, now, lease_s)
                return each
        passed += found
    return None
