# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Delete questions and files for good, while others go on working with the database.

Rows go first, a few hundred in a transaction, and each transaction enters the files that are to
follow (`storage.removals`). Killed at any point, it goes on where it was when it is called again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, select

from spark_ros.service.media.image_store import ImageStore
from spark_ros.service.storage import deletion, removals, schema
from spark_ros.service.storage.deletion import Amount, Selection
from spark_ros.service.storage.store import Store, Transaction

FILES = 200

T = TypeVar('T', int, str)
Report = Callable[[Amount], None]


def _ignore(done: Amount) -> None:
    pass


async def forget(
    store: Store, images: ImageStore, what: Selection, report: Report = _ignore
) -> Amount:
    """Delete all that is selected, and the files with it.

    Args:
        report: called after each transaction with what is deleted so far.

    Raises:
        ApiError, OSError: files cannot be deleted now. Their rows are gone; `remove_files`, or
            another call, goes on.
    """
    done = Amount()
    job = 0
    while job_ids := await store.read(deletion.next_jobs, what, job):
        job = job_ids[-1]
        done += await _politely(store, deletion.delete_jobs, what, job_ids)
        report(done)
    image = ''
    while image_ids := await store.read(deletion.next_uploads, what, image):
        image = image_ids[-1]
        done += await _politely(store, deletion.delete_uploads, what, image_ids)
        report(done)
    if what.key is not None and what.before is None and what.robot_id is None:
        await store.write(deletion.delete_idempotency, what.key)
    await remove_files(store, images)
    return done


async def remove_files(store: Store, images: ImageStore) -> None:
    """Delete the files whose rows are deleted already.

    Raises:
        ApiError, OSError: the store of images failed; what is left waits for the next call.
    """
    while files := await store.read(removals.waiting, FILES):
        await images.remove(files)
        await store.write(removals.removed, files)


async def remove_unknown_files(store: Store, images: ImageStore, before: float) -> int:
    """Delete the files of all keys that have no row: a service was killed before it wrote one.

    Args:
        before: only files that were stored before this time, in Unix seconds.

    Returns:
        How many there were.

    Raises:
        ApiError, OSError: the store of images failed.
    """
    tenants = await store.read(lambda connection: [
        *connection.execute(select(schema.keys.c.tenant)).scalars()
    ])  # fmt: skip
    count = 0
    for tenant in tenants:
        async for names in images.names(tenant, before, FILES):
            unknown = await store.read(_without_row, tenant, names)
            await images.remove([(tenant, name) for name in unknown])
            count += len(unknown)
    return count


async def _politely(
    store: Store,
    work: Callable[[Transaction, Selection, Sequence[T]], Amount],
    what: Selection,
    ids: Sequence[T],
) -> Amount:
    """Write, then leave the database to others for as long as that took."""
    began = time.monotonic()
    amount = await store.write(work, what, ids)
    await asyncio.sleep(time.monotonic() - began)
    return amount


def _without_row(connection: Connection, tenant: str, names: Sequence[str]) -> list[str]:
    images = schema.images
    query = select(images.c.name).where(images.c.tenant == tenant, images.c.name.in_(names))
    known = {*connection.execute(query).scalars()}
    return [name for name in names if name not in known]
