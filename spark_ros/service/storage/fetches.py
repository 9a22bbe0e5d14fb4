# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is to be fetched from other hosts for operators to see, and what became of it.

    waiting ──► done
       └──────► failed

A row is one fetch of one URL for one tenant. A question shows the newest that began no later
than the question: what is fetched again for a later one does not change what it shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from spark_ros.service.storage.outbox import host_of
from spark_ros.service.storage.schema import fetches
from spark_ros.service.storage.store import Transaction

WAITING, DONE, FAILED = 'waiting', 'done', 'failed'
MAX_ERROR = 500
CHUNK = 500


def name_of(tenant: str, url: str) -> str:
    """Return what the fetches of a URL for a tenant are found by."""
    return hashlib.sha256(f'{tenant}\n{url}'.encode()).hexdigest()


def put(
    transaction: Transaction,
    tenant: str,
    wanted: Iterable[tuple[str, str]],
    now: float,
    fresh_s: float,
) -> None:
    """Queue files to be fetched, except those whose last fetch began less than `fresh_s` ago.

    Args:
        transaction: has made the changes that the files are needed for.
        wanted: kinds (`image`, `video`, `audio`) and URLs.
    """
    missing = {name_of(tenant, url): (kind, url) for kind, url in wanted}
    for names in _chunks([*missing]):
        for name, kind in transaction.connection.execute(
            select(fetches.c.name, fetches.c.kind).where(
                fetches.c.name.in_(names), fetches.c.created > now - fresh_s
            )
        ):
            if name in missing and missing[name][0] == kind:
                del missing[name]
    if missing:
        transaction.connection.execute(
            insert(fetches),
            [
                {
                    'name': name,
                    'tenant': tenant,
                    'kind': kind,
                    'url': url,
                    'host': host_of(url),
                    'state': WAITING,
                    'due': now,
                    'attempts': 0,
                    'size': 0,
                    'created': now,
                }
                for name, (kind, url) in missing.items()
            ],
        )
        transaction.changes = [replace(each, fetches=True) for each in transaction.changes]


def newest(
    connection: Connection, wanted: Collection[tuple[str, str, float]]
) -> dict[tuple[str, str, float], Row[Any]]:
    """Return the newest fetches that began at a time or before, where there are any.

    Args:
        wanted: tenants, URLs and times.
    """
    names = {each: name_of(each[0], each[1]) for each in wanted}
    latest = _newest(connection, {*names.values()}, max((each[2] for each in wanted), default=0.0))
    found = {}
    for each, name in names.items():
        row = latest.get(name)
        if row is not None and row.created > each[2]:
            # It was fetched again since, for a later question.
            row = _newest(connection, {name}, each[2]).get(name)
        if row is not None:
            found[each] = row
    return found


def _newest(connection: Connection, names: Collection[str], before: float) -> dict[str, Row[Any]]:
    found: dict[str, Row[Any]] = {}
    for some in _chunks([*names]):
        last = (
            select(func.max(fetches.c.id))
            .where(fetches.c.name.in_(some), fetches.c.created <= before)
            .group_by(fetches.c.name)
        )
        rows = connection.execute(select(fetches).where(fetches.c.id.in_(last)))
        found.update({row.name: row for row in rows})
    return found


def bytes_since(connection: Connection, tenant: str, since: float) -> int:
    """Return how many bytes were fetched for a tenant, by fetches that began after a time."""
    query = select(func.coalesce(func.sum(fetches.c.size), 0)).where(
        fetches.c.tenant == tenant, fetches.c.created > since
    )
    return int(connection.execute(query).scalar_one())


def done(
    transaction: Transaction, row: Row[Any], image_id: str, image: str, size: int
) -> bool:
    """Store that a fetch is done; False when it was before, or its row was deleted meanwhile.

    Args:
        image_id: of the copy's row in `images`.
        image: the path of the copy's URL.
        size: how many bytes came in this attempt.
    """
    return _update(
        transaction, row, size, state=DONE, image_id=image_id, image=image, due=None, error=None
    )


def failed(
    transaction: Transaction, row: Row[Any], error: str, size: int, due: float | None
) -> None:
    """Store that an attempt failed.

    Args:
        error: what went wrong.
        size: how many bytes came in this attempt.
        due: when the next attempt is, in Unix seconds; None for never.
    """
    state = FAILED if due is None else WAITING
    _update(transaction, row, size, state=state, due=due, error=error[:MAX_ERROR])


def _update(transaction: Transaction, row: Row[Any], size: int, **values: Any) -> bool:
    updated = transaction.connection.execute(
        update(fetches)
        .where(fetches.c.id == row.id, fetches.c.state == WAITING)
        .values(attempts=row.attempts + 1, size=row.size + size, taken=None, **values)
    )
    return updated.rowcount == 1


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    return (items[at : at + CHUNK] for at in range(0, len(items), CHUNK))
