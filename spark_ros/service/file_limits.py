# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many files and sockets this process may have open, and what they are used for.

Half are for the connections of clients, a quarter for webhooks on their way out, and the rest for
the database, images and the processes that decode them.
"""

from __future__ import annotations

import resource

MOST_FILES = 65_536
MOST_DELIVERIES = 256
# Half of the files are for all else.
FILES_EACH = 2


def set_process_limits() -> None:
    """Allow this process as many open files as it may have, and no core dump: it holds secrets."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _finite(hard)
    if _finite(soft) < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """Return for how many connections of clients there are files."""
    return _open_files() // FILES_EACH


def most_deliveries() -> int:
    """Return how many webhooks may be on their way at once."""
    return min(MOST_DELIVERIES, _open_files() // 4)


def _open_files() -> int:
    return _finite(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _finite(limit: int) -> int:
    return MOST_FILES if limit == resource.RLIM_INFINITY else min(limit, MOST_FILES)
