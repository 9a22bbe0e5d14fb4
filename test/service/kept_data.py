# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is in a service's data after something was deleted from it: nothing dangles."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service_harness import InProcess, picture, settings_of
from sqlalchemy import Connection, insert

from spark_ros.service.media.sniff import FORMATS
from spark_ros.service.storage import keys, schema
from spark_ros.service.storage.database import open_engine
from spark_ros.service.storage.schema import NEVER
from spark_ros.service.storage.store import Transaction


def fill(service: InProcess, name: str, number: int, ended: bool) -> None:
    """Add questions of a key, each about an upload of its own, as rows and files."""
    key, now = service.context.store.read_now(keys.require, name), service.clock()
    common = {'key_id': key.id, 'created': now}
    state = {'state': 'closed' if ended else 'open', 'sequence': 1}
    tables = ('images', 'thumbnails', 'jobs', 'questions', 'changes', 'named_files')
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in tables}
    for place in range(number):
        id = key.id * 10_000 + place
        image = service.context.images.files.save(
            io.BytesIO(picture()), key.tenant, FORMATS['JPEG']
        )
        rows['images'].append({
            'id': image.id, 'tenant': image.tenant, 'name': image.name, 'created': now,
            'content_type': 'image/jpeg', 'size': image.size, 'sha256': image.sha256,
        })  # fmt: skip
        rows['thumbnails'].append({'image_id': image.id, 'content': b'small'})
        rows['jobs'].append({
            **common, 'id': id, 'token': secrets.token_hex(18), 'api': 'spark', 'name': 'x',
            'request': '{"content_type":"image"}', 'priors': '{}', 'excluded': '', 'images': 1,
            'base_url': '',
        })  # fmt: skip
        rows['questions'].append({
            **common, **state, 'id': id, 'job_id': id, 'kind': 'annotate', 'position': 0,
            'image_location': image.path, 'prior_count': 0, 'priority': 0, 'deadline': NEVER,
            'excludes': 0,
            'closed': now if ended else None, 'answer': '{}' if ended else None,
        })  # fmt: skip
        rows['changes'].append({
            'key_id': key.id, **state, 'number': id, 'question_id': id, 'at': now,
        })  # fmt: skip
        rows['named_files'].append({'file': image.id, 'created': now, 'job_id': id})

    def write(transaction: Transaction) -> None:
        for table, content in rows.items():
            transaction.connection.execute(insert(getattr(schema, table)), content)

    service.context.store.write_now(write)


def stored(folder: Path) -> list[Path]:
    """Return the files of images in a folder, from which others may be deleting."""
    # Unlike Path.rglob, it passes over a directory that vanishes.
    return [
        Path(place, name)
        for place, _, names in os.walk(folder)
        for name in names
        if name.endswith('.jpg')
    ]


@contextmanager
def connected(data: Path) -> Iterator[Connection]:
    """Look into a service's database; it may run."""
    engine = open_engine(settings_of(data).database)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def count(data: Path, table: str, where: str = 'true') -> int:
    """Count rows of a service's database."""
    with connected(data) as connection:
        found = connection.exec_driver_sql(f'SELECT count(*) FROM {table} WHERE {where}')
        return int(found.scalar_one())


def expect_consistent(data: Path, folder: Path, pending: bool = False) -> None:
    """Fail where a row names what is not there, or a file has no row.

    Args:
        folder: where the files of images really lie.
        pending: whether files may wait to be deleted.
    """
    with connected(data) as connection:
        execute = connection.exec_driver_sql
        if connection.dialect.name == 'sqlite':
            assert execute('PRAGMA foreign_key_check').fetchall() == []
        else:
            # One snapshot for all queries, as a transaction of SQLite has.
            execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
        for query in (
            'SELECT id FROM jobs WHERE id NOT IN (SELECT job_id FROM questions)',
            'SELECT id FROM jobs WHERE images != '
            '(SELECT count(*) FROM questions WHERE job_id = jobs.id)',
            'SELECT job_id FROM named_files WHERE length(file) = 32 '
            'AND file NOT IN (SELECT id FROM images)',
            'SELECT id FROM fetches WHERE name NOT IN (SELECT file FROM named_files)',
            'SELECT id FROM fetches WHERE image_id NOT IN (SELECT id FROM images)',
        ):
            assert execute(query).fetchall() == [], query
        rows = {*map(tuple, execute('SELECT tenant, name FROM images'))}
        waiting = {*map(tuple, execute('SELECT tenant, name FROM file_removals'))}
    files = {(file.parts[-3], file.name) for file in stored(folder)}
    assert not rows & waiting
    assert rows <= files
    if pending:
        assert files <= rows | waiting
    else:
        assert files == rows and not waiting
