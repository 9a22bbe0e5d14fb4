# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server that is as durable as an operator's; the tests' own are not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def empty_database() -> Iterator[str]:
    """Start a server, and give the SQLAlchemy URL of an empty database."""
    sys.path.append(str(ROOT / 'test'))
    from postgres_server import running_postgres

    with running_postgres(fsync='on', full_page_writes='on', autovacuum='on') as server:
        yield server.url(server.create())


@contextmanager
def database_for(workers: int) -> Iterator[dict[str, str]]:
    """Give the variables by which a service finds its database: SQLite for one process."""
    if workers == 1:
        yield {}
        return
    with empty_database() as url:
        yield {'SPARK_SERVICE_DATABASE': url}
