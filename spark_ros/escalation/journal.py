# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The journal: every accepted question on disk until its answer has been published.

SQLite with a write-ahead log and `synchronous=FULL`, so that what `add` returned from survives
a killed process and a lost power supply. One thread at a time may use a journal.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spark_ros.escalation.escalation import (
    EncodedImage,
    Escalation,
    Resolved,
    dump_answer,
    dump_escalation,
    load_answer,
    load_escalation,
)
from spark_ros.geometry import ImageSize
from spark_ros.model import Answer, State

SCHEMA_VERSION = 1
REFUSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
DAMAGED = ('not a database', 'malformed', 'no such table', 'no such column')
SCHEMA = """
CREATE TABLE escalation (
    id TEXT PRIMARY KEY,
    priority INTEGER NOT NULL,
    certainty REAL NOT NULL,
    created REAL NOT NULL,
    deadline REAL,
    state TEXT NOT NULL,
    may_be_open INTEGER NOT NULL DEFAULT 0,
    image_url TEXT NOT NULL DEFAULT '',
    token TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL,
    source BLOB NOT NULL,
    answer TEXT,
    late INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE image (
    id TEXT PRIMARY KEY REFERENCES escalation(id) ON DELETE CASCADE,
    data BLOB NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL
);
"""


class JournalError(Exception):
    """The journal cannot be used; the message says why and what to do.

    ::

        JournalError            cannot be read or written: a full disk, a failing one
        ├── JournalFull         images that have yet to be sent take all the room there may be
        ├── JournalDamaged      the file is not a journal, or no longer
        ├── JournalInUse        another node has it
        ├── JournalMisplaced    the path is none that a file can be at
        └── JournalTooNew       a newer version of this package wrote it; it was not touched
    """


class JournalFull(JournalError):
    """There is no room for one more image (`max_image_bytes`)."""


class JournalDamaged(JournalError):
    """The file is not a journal, or no longer."""


class JournalInUse(JournalError):
    """Another node has it."""


class JournalMisplaced(JournalError):
    """The path is none that a file can be at: no permission, a file for a folder."""


class JournalTooNew(JournalError):
    """A newer version of this package wrote it."""


@dataclass(frozen=True)
class Entry:
    """Where one question stands, without its image.

    Attributes:
        state: QUEUED, OPEN, ASSIGNED, EXPIRED, or a terminal state not yet published.
        may_be_open: a create request was sent whose answer never came.
        deadline: Unix seconds after which it counts as expired, or None.
    """

    id: str
    priority: int
    certainty: float
    created: float
    deadline: float | None
    state: State
    may_be_open: bool
    image_url: str
    token: str


class Journal:
    """The accepted questions of one node."""

    def __init__(self, path: Path | None, max_image_bytes: int = 0) -> None:
        """Open or create the journal.

        Args:
            path: the file (mode 0600, its folder is made); None keeps everything in memory.
            max_image_bytes: how much the images may take; 0 is no limit. When it is used up,
                images that the service has already go first, the oldest before the others.

        Raises:
            JournalError: the file cannot be opened, is another node's, or is not a journal.
        """
        self._lock_file: int | None = None
        self.path = path
        self._max_image_bytes = max_image_bytes
        try:
            if path is not None:
                self._claim(path)
                # A connection that may write would take in, at its end, the log of a killed node.
                uri = f'{path.absolute().as_uri()}?mode=ro'
                with closing(sqlite3.connect(uri, uri=True)) as reader:
                    self._version(reader)
            self._db = sqlite3.connect(path or ':memory:', check_same_thread=False)
            self._db.isolation_level = None
            version = self._version(self._db)
            for pragma in ('journal_mode=WAL', 'synchronous=FULL', 'foreign_keys=ON'):
                self._db.execute(f'PRAGMA {pragma}')
            if version == 0:
                self._create()
            self.entries()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise _kind(error)(f'the journal {path} cannot be opened: {error}') from None
        except JournalError:
            self.close()
            raise

    def add(self, escalation: Escalation, image: EncodedImage) -> Entry:
        """Store a question with its image; when this returns, it is on the disk.

        Raises:
            JournalError: the disk is full, the file cannot be written, or images that have yet
                to be sent take all the room there may be.
        """
        deadline = escalation.created + escalation.timeout_s if escalation.timeout_s else None
        try:
            self._db.execute('BEGIN IMMEDIATE')
            self._make_room(len(image.data))
            self._db.execute(
                'INSERT INTO escalation (id, priority, certainty, created, deadline, state, '
                'record, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
                (
                    escalation.id,
                    escalation.priority,
                    escalation.certainty,
                    escalation.created,
                    deadline,
                    State.QUEUED.value,
                    dump_escalation(escalation),
                    escalation.source,
                ),
            )
            self._db.execute(
                'INSERT INTO image VALUES (?, ?, ?, ?, ?)',
                (escalation.id, image.data, *image.size, image.format),
            )
            self._db.execute('COMMIT')
        except JournalFull:
            self._db.execute('ROLLBACK')
            raise
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute('ROLLBACK')
            raise JournalError(f'the question cannot be stored in {self.path}: {error}') from None
        return Entry(
            escalation.id,
            escalation.priority,
            escalation.certainty,
            escalation.created,
            deadline,
            State.QUEUED,
            False,
            '',
            '',
        )

    def entries(self) -> list[Entry]:
        """Return everything that is not done, oldest first."""
        rows = self._db.execute(
            'SELECT id, priority, certainty, created, deadline, state, may_be_open, image_url, '
            'token FROM escalation ORDER BY rowid'
        )
        return [
            Entry(
                id, priority, certainty, created, deadline, State(state), bool(sent), url, token
            )
            for id, priority, certainty, created, deadline, state, sent, url, token in rows
        ]

    def escalation(self, id: str) -> Escalation:
        """Return one question. Raises KeyError where it is not there."""
        record, source = self._row('SELECT record, source FROM escalation WHERE id = ?', id)
        return load_escalation(record, bytes(source))

    def image(self, id: str) -> EncodedImage:
        """Return a question's image. Raises KeyError where it is gone."""
        data, width, height, form = self._row(
            'SELECT data, width, height, format FROM image WHERE id = ?', id
        )
        return EncodedImage(bytes(data), ImageSize(width, height), form)

    def uploaded(self, id: str, image_url: str) -> None:
        """Note where the service keeps the image."""
        self._set(id, image_url=image_url)

    def opening(self, id: str) -> None:
        """Note that a create request is about to go out, whatever becomes of it."""
        self._set(id, may_be_open=1)

    def opened(self, id: str, token: str) -> None:
        """Note the service's token."""
        self._set(id, token=token, state=State.OPEN.value)

    def note_state(self, id: str, state: State) -> None:
        """Note a state without an answer."""
        self._set(id, state=state.value)

    def resolved(self, id: str, answer: Answer, *, late: bool) -> None:
        """Store the answer; it stays until `published`."""
        self._set(id, state=answer.state.value, answer=dump_answer(answer), late=int(late))

    def unpublished(self) -> Iterator[Resolved]:
        """Yield the answers that a former run stored and did not see published."""
        rows = self._db.execute(
            'SELECT record, source, token, answer, late FROM escalation '
            'WHERE answer IS NOT NULL ORDER BY rowid'
        ).fetchall()
        for record, source, token, answer, late in rows:
            yield Resolved(
                load_escalation(record, bytes(source)),
                token,
                load_answer(answer),
                late=bool(late),
                recovered=True,
            )

    def done(self, id: str) -> None:
        """Forget a question whose end has been published."""
        self._write('DELETE FROM escalation WHERE id = ?', id)

    def note(self, name: str) -> str:
        """Return what was remembered under a name, or an empty string."""
        row = self._db.execute('SELECT value FROM note WHERE name = ?', (name,)).fetchone()
        return str(row[0]) if row else ''

    def remember(self, name: str, value: str) -> None:
        """Remember a value under a name.

        Raises:
            JournalError: the file cannot be written.
        """
        self._write('INSERT OR REPLACE INTO note VALUES (?, ?)', name, value)

    def close(self) -> None:
        """Close the file and let go of it."""
        if hasattr(self, '_db'):
            self._db.close()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _claim(self, path: Path) -> None:
        """Make the file readable to its owner alone, and keep a second node from using it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        lock = path.with_name(path.name + '.lock')
        self._lock_file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalInUse(
                f'the journal {path} is in use by another node; '
                'give this one its own robot_id or journal.path'
            ) from None

    def _version(self, db: sqlite3.Connection) -> int:
        version: int
        with closing(db.execute('PRAGMA user_version')) as cursor:
            (version,) = cursor.fetchone()
        if version > SCHEMA_VERSION:
            raise JournalTooNew(
                f'the journal {self.path} was written by a newer version of spark_ros '
                f'(format {version}, this one knows {SCHEMA_VERSION}); it is left untouched'
            )
        return version

    def _create(self) -> None:
        self._db.executescript(
            f'BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;'
        )

    def _make_room(self, needed: int) -> None:
        if not self._max_image_bytes:
            return
        (used,) = self._db.execute('SELECT COALESCE(SUM(LENGTH(data)), 0) FROM image').fetchone()
        uploaded = self._db.execute(
            'SELECT image.id, LENGTH(data) FROM image JOIN escalation USING (id) '
            "WHERE image_url != '' ORDER BY escalation.rowid"
        )
        for id, size in uploaded.fetchall():
            if used + needed <= self._max_image_bytes:
                return
            self._db.execute('DELETE FROM image WHERE id = ?', (id,))
            used -= size
        if used + needed > self._max_image_bytes:
            raise JournalFull(f'{used} bytes of images wait to be sent; journal.max_mb is full')

    def _row(self, query: str, id: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self._db.execute(query, (id,)).fetchone()
        if row is None:
            raise KeyError(id)
        return row

    def _set(self, id: str, **columns: object) -> None:
        assignments = ', '.join(f'{name} = ?' for name in columns)
        self._write(f'UPDATE escalation SET {assignments} WHERE id = ?', *columns.values(), id)

    def _write(self, statement: str, *values: object) -> None:
        try:
            self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise JournalError(f'the journal {self.path} cannot be written: {error}') from None


def _kind(error: OSError | sqlite3.Error) -> type[JournalError]:
    """Tell a path that is wrong and a file that is damaged from a disk that refuses."""
    if isinstance(error, OSError):
        return JournalError if error.errno in REFUSING else JournalMisplaced
    return JournalDamaged if any(words in str(error) for words in DAMAGED) else JournalError
