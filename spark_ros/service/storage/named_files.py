# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which files the questions of a job name, and so for how long they are kept.

A file is an image or a video of this service, by its id in `images`, or one on another host, by
`fetches.name_of`. Of the fetches of one file a job shows the newest that began no later than it
was created (`fetches.newest`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, insert, select

from spark_ros.service.storage import schema
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.removals import delete_images
from spark_ros.service.storage.schema import NEVER, fetches, images, named_files, questions
from spark_ros.service.storage.store import Transaction

INSERT = insert(named_files)
INSERT_ONE = Prepared(INSERT)
CHUNK = 500


def put(transaction: Transaction, job_id: int, created: float, files: Sequence[str]) -> None:
    """Store which files a new job names, each once."""
    rows = [{'file': file, 'created': created, 'job_id': job_id} for file in files]
    if len(rows) == 1:
        INSERT_ONE.all(transaction.connection, rows[0])
    else:
        transaction.connection.execute(INSERT, rows)


def put_of_question(transaction: Transaction, question_id: int, image_id: str) -> bool:
    """Store that the answer to a question is an image, or may be; it may be stored already.

    Returns:
        False where there is no such question any more.
    """
    connection = transaction.connection
    asked = connection.execute(
        select(questions.c.job_id, questions.c.created).where(questions.c.id == question_id)
    ).first()
    if asked is None:
        return False
    row = {'file': image_id, 'created': asked.created, 'job_id': asked.job_id}
    if connection.execute(select(named_files).filter_by(**row)).first() is None:
        connection.execute(INSERT, row)
    return True


def names_image(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether a job names a row of `images` itself.

    Args:
        more: what else must hold of the row of `named_files`.
    """
    return exists().where(named_files.c.file == images.c.id, *more).correlate(images)


def shows_fetch(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether a job shows what came of a row of `fetches`; `more` as above."""
    later = fetches.alias()
    next_began = (
        select(func.coalesce(func.min(later.c.created), NEVER))
        .where(later.c.name == fetches.c.name, later.c.created > fetches.c.created)
        .correlate(fetches)
        .scalar_subquery()
    )
    return exists().where(
        named_files.c.file == fetches.c.name,
        named_files.c.created >= fetches.c.created,
        named_files.c.created < next_began,
        *more,
    ).correlate(fetches)  # fmt: skip


def delete_of(transaction: Transaction, job_ids: Sequence[int]) -> list[int]:
    """Delete what jobs name, and the images and fetches that no other job names.

    Returns:
        The sizes in bytes of the images that are gone.
    """
    connection = transaction.connection
    of_jobs = named_files.c.job_id.in_(job_ids)
    named = [*connection.execute(select(named_files.c.file).where(of_jobs).distinct()).scalars()]
    shown = [*connection.execute(_shown_by(of_jobs)).scalars()]
    connection.execute(delete(named_files).where(of_jobs))
    sizes: list[int] = []
    for at in range(0, len(shown), CHUNK):
        unused = fetches.c.id.in_(shown[at : at + CHUNK]) & ~shows_fetch()
        copies = select(fetches.c.image_id).where(unused, fetches.c.image_id.is_not(None))
        named += connection.execute(copies).scalars()
        connection.execute(delete(fetches).where(unused))
    for at in range(0, len(named), CHUNK):
        sizes += delete_images(
            transaction, images.c.id.in_(named[at : at + CHUNK]) & is_unused()
        )
    return sizes


def unasked(
    connection: Connection, which: ColumnElement[bool], after: str, limit: int
) -> list[str]:
    """Return ids of images that no question names, and that no program shows, in their order.

    Args:
        which: what else must hold of them.
        after: the last id of the page before; '' for the first.
        limit: how many at most.
    """
    query = select(images.c.id).where(images.c.id > after, which, is_unused())
    return [*connection.execute(query.order_by(images.c.id).limit(limit)).scalars()]


def is_unused() -> ColumnElement[bool]:
    """Return whether no question names a row of `images`, and no program shows it."""
    is_copy = exists().where(fetches.c.image_id == images.c.id).correlate(images)
    return (images.c.tenant != schema.PROGRAMS) & ~names_image() & ~is_copy


def _shown_by(of_jobs: ColumnElement[bool]) -> Select[tuple[int]]:
    """Select the ids of the fetches that jobs show."""
    began = (
        select(func.max(fetches.c.created))
        .where(fetches.c.name == named_files.c.file, fetches.c.created <= named_files.c.created)
        .correlate(named_files)
        .scalar_subquery()
    )
    return (
        select(fetches.c.id)
        .join(named_files, named_files.c.file == fetches.c.name)
        .where(of_jobs, fetches.c.created == began)
        .distinct()
    )
