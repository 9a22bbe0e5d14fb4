# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A copy of a service's data, made while it runs.

The database is copied first, into a file next to the last copy; then every image that this copy
knows and the backup does not have; and only then the new copy takes the place of the last one.
An image is stored before the database knows it and never changes. So at every moment the backup
holds a whole database with all its images, or, before it was made for the first time, none.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from spark_ros.service.media.disk_images import sync_directory, write_durably
from spark_ros.service.media.image_files import MEBIBYTE, relative_path
from spark_ros.service.settings import Settings
from spark_ros.service.storage.database import BUSY_TIMEOUT_MS, private_directory
from spark_ros.service.storage.database_version import expect_usable

DATABASE = 'service.db'
REPORT_EVERY_S = 5.0
# Instructions of SQLite's virtual machine between two calls of the progress handler.
STEPS = 100_000


class BackupError(RuntimeError):
    """A backup that cannot be made; the message tells the user why."""


def back_up(settings: Settings, target: Path, report: Callable[[str], None]) -> None:
    """Copy a service's data into a directory; what is there from the last time stays.

    Args:
        target: made with mode 0700; the files in it get 0600.
        report: called with a line now and then while it takes long, and at the end.

    Raises:
        BackupError: it cannot be made; a backup that was there is as it was.
        WrongDatabase: the database is of another version.
    """
    source = _source(settings)
    _expect_apart(target, settings.data, source.parent)
    try:
        with _alone_in(private_directory(target)):
            _back_up(source, None if settings.images else settings.data / 'images', target, report)
    except sqlite3.Error as error:
        if 'interrupted' in str(error):
            raise KeyboardInterrupt from None
        raise BackupError(f'{target}: {error}') from None
    except OSError as error:
        raise BackupError(f'{error.filename or target}: {error.strerror or error}') from None
    if settings.images:
        report(f'images: they are in {settings.images} and stay there')


def _source(settings: Settings) -> Path:
    url = make_url(settings.database)
    if url.get_backend_name() != 'sqlite':
        raise BackupError(
            f'the database is {url.get_backend_name()}: copy it with its own tool (pg_dump), '
            'and then the images'
        )
    source = Path(url.database or '')
    if not source.is_file():
        raise BackupError(
            f'there is no service data in {settings.database_url or settings.data}'
        )
    try:
        _epoch(source)
    except sqlite3.Error as error:
        raise BackupError(f'{source}: not the database of a service: {error}') from None
    expect_usable(settings.database)
    return source


def _expect_apart(target: Path, data: Path, database: Path) -> None:
    place = target.resolve()
    if data.resolve() in (place, *place.parents) or place == database.resolve():
        raise BackupError(f'{target}: this is part of the data directory; give another directory')


@contextmanager
def _alone_in(target: Path) -> Iterator[None]:
    descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError(f'{target}: another backup is running there') from None
    finally:
        os.close(descriptor)


def _back_up(
    source: Path, images: Path | None, target: Path, report: Callable[[str], None]
) -> None:
    last, part = target / DATABASE, target / f'{DATABASE}.part'
    _expect_same_service(source, last)
    try:
        copy_database(source, part, report)
        copied = Counter[str]() if images is None else _copy_images(part, images, target, report)
        os.replace(part, last)
        sync_directory(target)
    finally:
        part.unlink(missing_ok=True)
    report(f'database: {last.stat().st_size / MEBIBYTE:.1f} MiB')
    if images is not None:
        report(f'images: {copied["new"]} copied, {copied["present"]} were there')
    if copied['gone']:
        report(f'images: {copied["gone"]} that the database knows are not in {images}, or damaged')


def _expect_same_service(source: Path, last: Path) -> None:
    if not last.exists():
        return
    try:
        same = _epoch(source) == _epoch(last)
    except sqlite3.Error:
        same = False
    if not same:
        raise BackupError(f'{last}: not a backup of this service; give another directory')


def _epoch(database: Path) -> str:
    with closing(_open(database)) as connection:
        found = connection.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
    return str(found and found[0])


def _open(database: Path) -> sqlite3.Connection:
    # Not read-only: what a killed service left in the write-ahead log may have to be recovered.
    return sqlite3.connect(
        f'{database.absolute().as_uri()}?mode=rw',
        uri=True,
        timeout=BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
    )


def copy_database(source: Path, part: Path, report: Callable[[str], None]) -> None:
    """Copy an SQLite database as it is at one moment, durably, and check the copy.

    Args:
        part: gets mode 0600; what was there is replaced.
        report: called with a line now and then while it takes long.

    Raises:
        BackupError: the database is damaged.
        OSError, sqlite3.Error: it cannot be copied.
    """
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    whole = source.stat().st_size / MEBIBYTE
    progress = _Throttled(
        lambda: report(f'database: {part.stat().st_size / MEBIBYTE:.0f} of about {whole:.0f} MiB')
    )
    with closing(_open(source)) as connection:
        connection.set_progress_handler(progress, STEPS)
        connection.execute('VACUUM INTO ?', (str(part),))
    with closing(_open(part)) as connection:
        connection.set_progress_handler(progress, STEPS)
        (verdict,) = connection.execute('PRAGMA quick_check(1)').fetchone()
    if verdict != 'ok':
        raise BackupError(f'{source}: the database is damaged: {verdict}')
    with open(part, 'rb') as written:
        os.fsync(written.fileno())


def _copy_images(
    database: Path, images: Path, target: Path, report: Callable[[str], None]
) -> Counter[str]:
    """Copy the images that the copied database knows; count them: `new`, `present` or `gone`."""
    place = private_directory(target / 'images')
    # Of the same name as the service's own: what is left over here is removed by its next start.
    incoming = private_directory(place / 'incoming')
    for left_over in incoming.iterdir():
        left_over.unlink()
    copied = Counter[str]()
    with closing(_open(database)) as connection:
        (count,) = connection.execute('SELECT count(*) FROM images').fetchone()
        progress = _Throttled(lambda: report(f'images: {copied.total()} of {count}'))
        for tenant, name, size, sha256 in connection.execute(
            'SELECT tenant, name, size, sha256 FROM images'
        ):
            progress()
            file = place / relative_path(tenant, name)
            if file.exists() and file.stat().st_size == size:
                copied['present'] += 1
            elif _copy(images / relative_path(tenant, name), incoming / name, sha256):
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.replace(incoming / name, file)
                sync_directory(file.parent)
                copied['new'] += 1
            else:
                copied['gone'] += 1
    return copied


def _copy(source: Path, part: Path, sha256: str) -> bool:
    """Copy a file durably; False where it is not there or no longer what was stored."""
    try:
        with open(source, 'rb') as original:
            _, written = write_durably(original, part)
    except FileNotFoundError:
        # Not stored, or deleted meanwhile with its question.
        return False
    if written == sha256:
        return True
    part.unlink()
    return False


class _Throttled:
    """Calls a function, but at most every few seconds."""

    def __init__(self, report: Callable[[], None]) -> None:
        self._report = report
        self._next = time.monotonic() + REPORT_EVERY_S

    def __call__(self) -> int:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + REPORT_EVERY_S
            self._report()
        # For SQLite: go on.
        return 0
