# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Images whose rows are deleted, and whose files still are to be.

A file is entered in the transaction that deletes its row, and struck out when it is gone: a
process that dies in between leaves neither a row without a file nor a file that nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, insert, select, tuple_

from spark_ros.service.storage.schema import file_removals, images, meta, thumbnails
from spark_ros.service.storage.store import Transaction

PLACE = 'images'

File = tuple[str, str]


def delete_images(transaction: Transaction, which: ColumnElement[bool]) -> list[int]:
    """Delete rows of `images` with their thumbnails; their files are to follow.

    Returns:
        Their sizes in bytes.
    """
    connection = transaction.connection
    found = connection.execute(
        select(images.c.id, images.c.tenant, images.c.name, images.c.size).where(which)
    ).all()
    if not found:
        return []
    ids = [row.id for row in found]
    connection.execute(delete(thumbnails).where(thumbnails.c.image_id.in_(ids)))
    connection.execute(delete(images).where(images.c.id.in_(ids)))
    connection.execute(
        insert(file_removals), [{'tenant': row.tenant, 'name': row.name} for row in found]
    )
    return [row.size for row in found]


def waiting(connection: Connection, limit: int) -> list[File]:
    """Return tenants and names of files that are to be deleted."""
    query = select(file_removals.c.tenant, file_removals.c.name).limit(limit)
    return [(row.tenant, row.name) for row in connection.execute(query)]


def store_place(transaction: Transaction, place: str) -> None:
    """Store where the service now keeps its files, for commands that delete some.

    Args:
        place: the setting `images`.
    """
    transaction.connection.execute(delete(meta).where(meta.c.name == PLACE))
    transaction.connection.execute(insert(meta).values(name=PLACE, value=place))


def last_place(connection: Connection) -> str | None:
    """Return where the service last kept its files, or None where it has never run."""
    found = connection.execute(select(meta.c.value).where(meta.c.name == PLACE)).scalar()
    return None if found is None else str(found)


def removed(transaction: Transaction, files: Sequence[File]) -> None:
    """Strike out files that are gone."""
    place = tuple_(file_removals.c.tenant, file_removals.c.name)
    transaction.connection.execute(delete(file_removals).where(place.in_(files)))
