# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Many keys and login links of a service at once: a command for each would take a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spark_ros.service.settings import Settings
from spark_ros.service.storage import keys, sessions
from spark_ros.service.storage.store import Store


def make_keys(data: Path, count: int) -> list[str]:
    """Make so many keys and return them."""
    with _store(data) as store:
        return store.write_now(lambda transaction: [
            keys.create(transaction, f'tenant {number}', time.time())
            for number in range(count)
        ])  # fmt: skip


def make_login_tokens(data: Path, count: int) -> list[str]:
    """Make so many login links and return what stands in them."""
    with _store(data) as store:
        links = store.write_now(lambda transaction: [
            sessions.make_link(transaction, '', time.time()) for _ in range(count)
        ])  # fmt: skip
    return [link.partition('?token=')[2] for link in links]


@contextmanager
def _store(data: Path) -> Iterator[Store]:
    with closing(Store(Settings(data).database)) as store:
        yield store
