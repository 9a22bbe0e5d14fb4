# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is in a service's data after something was deleted from it: nothing dangles."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from s3_server import uploads


def count(data: Path, table: str, where: str = '1') -> int:
    """Count rows of a service's database; it may run."""
    with closing(sqlite3.connect(data / 'service.db', timeout=30)) as connection:
        (found,) = connection.execute(f'SELECT count(*) FROM {table} WHERE {where}').fetchone()
    return int(found)


def expect_consistent(data: Path, folder: Path, pending: bool = False) -> None:
    """Fail where a row names what is not there, or a file has no row.

    Args:
        folder: where the files of images really lie.
        pending: whether files may wait to be deleted.
    """
    with closing(sqlite3.connect(data / 'service.db', timeout=30)) as connection:
        connection.execute('BEGIN')
        assert connection.execute('PRAGMA foreign_key_check').fetchall() == []
        for query in (
            'SELECT id FROM jobs WHERE id NOT IN (SELECT job_id FROM questions)',
            'SELECT id FROM jobs WHERE images != '
            '(SELECT count(*) FROM questions WHERE job_id = jobs.id)',
            'SELECT job_id FROM named_files WHERE length(file) = 32 '
            'AND file NOT IN (SELECT id FROM images)',
            'SELECT id FROM fetches WHERE name NOT IN (SELECT file FROM named_files)',
            'SELECT id FROM fetches WHERE image_id NOT IN (SELECT id FROM images)',
        ):
            assert connection.execute(query).fetchall() == [], query
        rows = {*connection.execute('SELECT tenant, name FROM images')}
        waiting = {*connection.execute('SELECT tenant, name FROM file_removals')}
        connection.execute('COMMIT')
    files = {(file.parts[-3], file.name) for file in uploads(folder)}
    assert not rows & waiting
    assert rows <= files
    if pending:
        assert files <= rows | waiting
    else:
        assert files == rows and not waiting
