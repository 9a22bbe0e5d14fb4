# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The order of changes, which no reader can overtake.

SQLite has one writer: numbers grow in the order of commits. On PostgreSQL several transactions
may be open, and one with lower numbers may commit last. There the order is that of transaction
ids, and only what is below the snapshot's xmin is read: all of those transactions have ended, and
later ones have higher ids.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Position(NamedTuple):
    """Where a change stands in the order.

    Attributes:
        xid: the id of the transaction that made it; 0 on SQLite.
        number: of the change.
    """

    xid: int = 0
    number: int = 0


class TransactionId(FunctionElement[int]):
    """The id of the transaction that writes; 0 on SQLite."""

    type = BigInteger()
    inherit_cache = True


class Xmin(FunctionElement[int]):
    """Below which id all transactions have ended, for a reader; on SQLite above all ids."""

    type = BigInteger()
    inherit_cache = True


class Xmax(FunctionElement[int]):
    """Above which id no transaction has ended, for a reader; on SQLite above all ids."""

    type = BigInteger()
    inherit_cache = True


@compiles(TransactionId)
def _id(element: TransactionId, compiler: Any, **more: Any) -> str:
    return '0'


@compiles(TransactionId, 'postgresql')
def _id_postgresql(element: TransactionId, compiler: Any, **more: Any) -> str:
    return _as_bigint('pg_current_xact_id()')


@compiles(Xmin)
@compiles(Xmax)
def _no_limit(element: Xmin | Xmax, compiler: Any, **more: Any) -> str:
    return str(2**63 - 1)


@compiles(Xmin, 'postgresql')
def _xmin_postgresql(element: Xmin, compiler: Any, **more: Any) -> str:
    return _as_bigint('pg_snapshot_xmin(pg_current_snapshot())')


@compiles(Xmax, 'postgresql')
def _xmax_postgresql(element: Xmax, compiler: Any, **more: Any) -> str:
    return _as_bigint('pg_snapshot_xmax(pg_current_snapshot())')


def _as_bigint(xid8: str) -> str:
    return f'({xid8}::text::bigint)'
