# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Deleting questions with all that belongs to them, in transactions that are short.

With a question go its changes, its webhook, and the images and copies that no other question
names. What an Idempotency-Key led to is kept for its time, so that nothing is asked twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select, true

from spark_ros.service.storage import change_log, named_files, outbox
from spark_ros.service.storage.jobs import OPEN_STATES
from spark_ros.service.storage.keys import Key
from spark_ros.service.storage.removals import delete_images
from spark_ros.service.storage.schema import (
    PROGRAMS,
    checks,
    corrections,
    fetches,
    held_answers,
    idempotency,
    images,
    jobs,
    questions,
    skips,
)
from spark_ros.service.storage.schema import named_files as named
from spark_ros.service.storage.store import Transaction

# How many questions, and names of files, one transaction deletes, unless one job has more.
BATCH = 200


@dataclass(frozen=True)
class Selection:
    """Which questions are meant: those to which all that is given applies.

    Attributes:
        before: jobs whose questions all ended before this time, in Unix seconds; None for jobs
            that may be open, too.
        key: of this API key.
        robot_id: of the robot that says so by this name.
    """

    before: float | None = None
    key: Key | None = None
    robot_id: str | None = None


@dataclass(frozen=True)
class Amount:
    """How much is, or would be, deleted.

    Attributes:
        questions: open ones included.
        open: questions that wait for an answer.
        images: uploads and copies; videos and recordings count, too.
        bytes: the size of these files.
    """

    questions: int = 0
    open: int = 0
    images: int = 0
    bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.questions + other.questions,
            self.open + other.open,
            self.images + other.images,
            self.bytes + other.bytes,
        )


def next_jobs(connection: Connection, what: Selection, after: int) -> list[int]:
    """Return the ids of the next selected jobs: as many as one transaction should delete.

    Args:
        after: the last id of the batch before, or 0.
    """
    files = select(func.count()).where(named.c.job_id == questions.c.job_id)
    query = (
        select(questions.c.job_id, (func.count() + files.scalar_subquery()).label('size'))
        .where(questions.c.job_id > after, *_conditions(what))
        .group_by(questions.c.job_id)
        .order_by(questions.c.job_id)
        .limit(BATCH)
    )
    ids: list[int] = []
    size = 0
    for row in connection.execute(query):
        size += row.size
        if ids and size > BATCH:
            break
        ids.append(row.job_id)
    return ids


def delete_jobs(transaction: Transaction, what: Selection, job_ids: Sequence[int]) -> Amount:
    """Delete those of the jobs that are selected, with all that belongs to them."""
    connection = transaction.connection
    of_jobs = [questions.c.job_id.in_(job_ids), *_conditions(what)]
    found = connection.execute(
        select(questions.c.id, questions.c.job_id, questions.c.state)
        .where(*of_jobs)
        # Who changes one now has written what is to be deleted with it, or finds it gone.
        .with_for_update(of=questions)
    ).all()
    ids, selected = [row.id for row in found], [*{row.job_id for row in found}]
    change_log.delete_of(transaction, ids)
    outbox.delete_of(transaction, ids)
    for table in (held_answers, checks, corrections):
        connection.execute(delete(table).where(table.c.question_id.in_(ids)))
    connection.execute(delete(questions).where(questions.c.id.in_(ids)))
    sizes = named_files.delete_of(transaction, selected)
    connection.execute(delete(skips).where(skips.c.job_id.in_(selected)))
    connection.execute(delete(jobs).where(jobs.c.id.in_(selected)))
    opened = sum(row.state in OPEN_STATES for row in found)
    return Amount(len(ids), opened, len(sizes), sum(sizes))


def next_uploads(connection: Connection, what: Selection, after: str) -> list[str]:
    """Return the ids of the next images that nobody asked about; a robot's are not known."""
    if what.robot_id is not None:
        return []
    return named_files.unasked(connection, _uploads(what), after, BATCH)


def delete_uploads(transaction: Transaction, what: Selection, image_ids: Sequence[str]) -> Amount:
    """Delete those of the images that nobody has asked about meanwhile."""
    which = images.c.id.in_(image_ids) & _uploads(what) & named_files.is_unused()
    sizes = delete_images(transaction, which)
    return Amount(images=len(sizes), bytes=sum(sizes))


def delete_idempotency(transaction: Transaction, key: Key) -> None:
    """Delete what the Idempotency-Keys of a key led to."""
    transaction.connection.execute(delete(idempotency).where(idempotency.c.key_id == key.id))


def amount(connection: Connection, what: Selection) -> Amount:
    """Return how much deleting all that is selected would delete."""
    selected = select(questions.c.job_id).where(*_conditions(what)).correlate(None)
    meant = questions.c.job_id.in_(selected)
    count = select(func.count()).select_from(questions)
    asked = connection.execute(count.where(meant)).scalar_one()
    opened = connection.execute(count.where(meant, questions.c.state.in_(OPEN_STATES)))
    inside, outside = named.c.job_id.in_(selected), named.c.job_id.not_in(selected)
    fetched = exists().where(
        fetches.c.image_id == images.c.id,
        named_files.shows_fetch(inside),
        ~named_files.shows_fetch(outside),
    ).correlate(images)  # fmt: skip
    is_copy = exists().where(fetches.c.image_id == images.c.id).correlate(images)
    whole: list[ColumnElement[bool]] = [named_files.names_image(inside) & ~is_copy, fetched]
    if what.robot_id is None:
        whole.append(_uploads(what) & named_files.is_unused())
    size = connection.execute(
        select(func.count(), func.coalesce(func.sum(images.c.size), 0)).where(
            images.c.tenant != PROGRAMS, ~named_files.names_image(outside), or_(*whole)
        )
    ).one()
    return Amount(asked, opened.scalar_one(), *size)


def kept_for_others(connection: Connection, key: Key) -> int:
    """Count the images of a key that stay because questions of other keys name them."""
    others = select(jobs.c.id).where(jobs.c.key_id != key.id)
    query = select(func.count()).select_from(images).where(
        images.c.tenant == key.tenant, named_files.names_image(named.c.job_id.in_(others))
    )  # fmt: skip
    return int(connection.execute(query).scalar_one())


def _conditions(what: Selection) -> list[ColumnElement[bool]]:
    """Return what holds of the questions of the selected jobs, and of no others."""
    conditions: list[ColumnElement[bool]] = []
    if what.key is not None:
        conditions.append(questions.c.key_id == what.key.id)
    if what.robot_id is not None:
        conditions.append(
            exists()
            .where(jobs.c.id == questions.c.job_id, jobs.c.robot_id == what.robot_id)
            .correlate(questions)
        )
    if what.before is not None:
        other = questions.alias()
        stays = or_(other.c.closed.is_(None), other.c.closed >= what.before)
        conditions += [
            questions.c.closed < what.before,
            ~exists().where(other.c.job_id == questions.c.job_id, stays).correlate(questions),
        ]
    return conditions


def _uploads(what: Selection) -> ColumnElement[bool]:
    """Return what holds of the images that are meant if nobody asked about them."""
    conditions: list[ColumnElement[bool]] = []
    if what.key is not None:
        conditions.append(images.c.tenant == what.key.tenant)
    if what.before is not None:
        conditions.append(images.c.created < what.before)
    return and_(true(), *conditions)
