# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Many keys and login links of a service at once: a command for each would take a second."""

from __future__ import annotations

import time
from contextlib import closing

from spark_ros.service.storage import keys, sessions
from spark_ros.service.storage.store import Store


def make_keys(database: str, count: int) -> list[str]:
    """Make so many keys and return them.

    Args:
        database: SQLAlchemy URL.
    """
    with closing(Store(database)) as store:
        return store.write_now(lambda transaction: [
            keys.create(transaction, f'tenant {number}', time.time())
            for number in range(count)
        ])  # fmt: skip


def make_login_tokens(database: str, count: int) -> list[str]:
    """Make so many login links and return what stands in them; `database` as above."""
    with closing(Store(database)) as store:
        links = store.write_now(lambda transaction: [
            sessions.make_link(transaction, '', time.time()) for _ in range(count)
        ])  # fmt: skip
    return [link.partition('?token=')[2] for link in links]

