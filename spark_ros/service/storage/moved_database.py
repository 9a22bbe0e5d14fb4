# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A database that was moved to another PostgreSQL server, whose transaction ids may be lower."""

from __future__ import annotations

import secrets

from sqlalchemy import func, select, update

from spark_ros.service.storage.change_log import forgotten_until
from spark_ros.service.storage.change_order import Xmax
from spark_ros.service.storage.schema import changes, meta
from spark_ros.service.storage.store import Transaction


def order_anew(transaction: Transaction) -> None:
    """Put the changes before all that follow, where transaction ids begin again.

    It makes the cursors of the feed invalid, as those of another store are. To be called before
    the service starts.
    """
    connection = transaction.connection
    # One process after the other.
    connection.execute(select(meta).where(meta.c.name == 'epoch').with_for_update())
    newest = connection.execute(select(func.max(changes.c.xid))).scalar() or 0
    newest = max(newest, forgotten_until(connection).xid)
    # Asked last: all that could be seen before, also of processes that work meanwhile, is below.
    if newest < connection.execute(select(Xmax())).scalar_one():
        return
    connection.execute(update(changes).values(xid=0))
    for name, value in (('epoch', secrets.token_hex(8)), ('forgotten', '0 0')):
        connection.execute(update(meta).where(meta.c.name == name).values(value=value))
