# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The journal: every accepted question on disk until its answer has been published.

SQLite with a write-ahead log and `synchronous=FULL`, so that what `add` returned from survives
a killed process and a lost power supply. One thread at a time may use a journal.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spark_ros.escalation.journal import elapsed
from spark_ros.escalation.journal.ages import accepted_lately, carry_over, count_accepted
from spark_ros.escalation.journal.elapsed import Moment
from spark_ros.escalation.journal.entry import Entry, read_entry, set_aside
from spark_ros.escalation.journal.errors import (
    JournalDamaged,
    JournalError,
    JournalFull,
    JournalInUse,
    JournalMisplaced,
    JournalOtherVersion,
)
from spark_ros.escalation.journal.records import (
    UnreadableRecord,
    dump_answer,
    dump_escalation,
    load_answer,
    load_escalation,
)
from spark_ros.escalation.journal.schema import SCHEMA_VERSION, make_tables, version_of
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, Resolved
from spark_ros.geometry import ImageSize
from spark_ros.model import Answer, State

REFUSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
DAMAGED = ('not a database', 'malformed', 'no such table', 'no such column')


@dataclass(frozen=True)
class JournalUse:
    """What is in a journal; a limit of 0 is none.

    Attributes:
        questions: those whose end is not published yet.
        image_bytes: the size of all images.
        unsent_bytes: the size of those that are not uploaded yet and so cannot be dropped.
    """

    questions: int = 0
    max_questions: int = 0
    image_bytes: int = 0
    unsent_bytes: int = 0
    max_bytes: int = 0


class Journal:
    """The accepted questions of one node.

    Attributes:
        left: the questions of the last run, oldest first, as of the opening.
        unreadable: how many rows were set aside since then.
    """

    def __init__(
        self,
        path: Path | None,
        max_image_bytes: int = 0,
        max_count: int = 0,
        now: Callable[[], Moment] = elapsed.now,
    ) -> None:
        """Open or create the journal.

        Args:
            path: the file (mode 0600, its folder is made); None keeps everything in memory.
            max_image_bytes: how much the images may take; 0 is no limit. When it is used up,
                images that the service has already go first, the oldest before the others.
            max_count: how many questions are kept; 0 is no limit.
            now: reads the clocks.

        Raises:
            JournalError: the file cannot be opened, is another node's, or is not a journal.
        """
        self._lock_file: int | None = None
        self.path = path
        self.max_image_bytes, self.max_count = max_image_bytes, max_count
        self._now = now
        self.unreadable = 0
        try:
            if path is not None:
                self._claim(path)
                # A connection that may write would take in, at its end, the log of a killed node.
                uri = f'{path.absolute().as_uri()}?mode=ro'
                with closing(sqlite3.connect(uri, uri=True)) as reader:
                    self._expect_known(reader)
            self._db = sqlite3.connect(path or ':memory:', check_same_thread=False)
            self._db.isolation_level = None
            self._db.text_factory = _text
            self._expect_known(self._db)
            for pragma in ('journal_mode=WAL', 'synchronous=FULL', 'foreign_keys=ON'):
                self._db.execute(f'PRAGMA {pragma}')
            make_tables(self._db)
            carry_over(self._db, self._now())
            self.left = self.entries()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise _kind(error)(f'the journal {path} cannot be opened: {error}') from None
        except JournalError:
            self.close()
            raise

    def limit_images(self, max_bytes: int) -> None:
        """Change how much the images may take; the next question makes images go beyond that."""
        self.max_image_bytes = max_bytes

    def add(self, escalation: Escalation, image: EncodedImage) -> Entry:
        """Store a question with its image; when this returns, it is on the disk.

        Raises:
            JournalFull: unsent questions take all the room that is allowed.
            JournalError: the disk is full, or the file cannot be written.
        """
        now = self._now()
        columns = (
            escalation.id, escalation.priority, escalation.certainty, escalation.created,
            escalation.timeout_s,
        )  # fmt: skip
        try:
            self._db.execute('BEGIN IMMEDIATE')
            self._expect_room_for_one()
            self._make_room(len(image.data))
            self._db.execute(
                'INSERT INTO escalation (id, priority, certainty, created, timeout_s, state, '
                'record, source, audit, boot, up_s, wall_s) '
                'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
                (
                    *columns, State.QUEUED.value, dump_escalation(escalation), escalation.source,
                    escalation.audit.value, *now,
                ),
            )
            self._db.execute(
                'INSERT INTO image VALUES (?, ?, ?, ?, ?)',
                (escalation.id, image.data, *image.size, image.format),
            )
            count_accepted(self._db, escalation.audit, now)
            self._db.execute('COMMIT')
        except JournalFull:
            self._db.execute('ROLLBACK')
            raise
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute('ROLLBACK')
            raise JournalError(f'the question cannot be stored in {self.path}: {error}') from None
        return Entry(*columns, audit=escalation.audit)

    def entries(self) -> list[Entry]:
        """Return everything that is not done, oldest first."""
        rows = self._db.execute(
            'SELECT rowid, id, priority, certainty, created, timeout_s, state, may_be_open, '
            'image_url, token, audit, age_s, boot, up_s, wall_s FROM escalation ORDER BY rowid'
        ).fetchall()
        now, found = self._now(), []
        for row, *values in rows:
            try:
                found.append(read_entry(values, now))
            except UnreadableRecord as error:
                self._set_aside(row, str(error))
        return found

    def accepted_lately(self) -> list[tuple[float, bool]]:
        """Return how many seconds ago each of the last hour's questions was accepted.

        Oldest first, whatever has become of them; with each, whether it was an audit only.
        Raises sqlite3.Error.
        """
        return accepted_lately(self._db, self._now())

    def escalation(self, id: str) -> Escalation:
        """Return one question. Raises KeyError where it is not there, or cannot be read."""
        row, record, source = self._row(
            'SELECT rowid, record, source FROM escalation WHERE id = ?', id
        )
        try:
            return load_escalation(record, source)
        except UnreadableRecord as error:
            self._set_aside(row, str(error))
            raise KeyError(id) from None

    def image(self, id: str) -> EncodedImage:
        """Return a question's image. Raises KeyError where it is gone."""
        data, width, height, form = self._row(
            'SELECT data, width, height, format FROM image WHERE id = ?', id
        )
        if not isinstance(data, bytes):
            raise KeyError(id)
        return EncodedImage(data, ImageSize(width, height), form)

    def uploaded(self, id: str, image_url: str) -> None:
        """Note where the service keeps the image."""
        self._set(id, image_url=image_url)

    def opening(self, id: str) -> None:
        """Note that a create request is about to be sent, whatever its result."""
        self._set(id, may_be_open=1)

    def opened(self, id: str, token: str) -> None:
        """Note the service's token."""
        self._set(id, token=token, state=State.OPEN.value)

    def set_state(self, id: str, state: State) -> None:
        """Note a state without an answer."""
        self._set(id, state=state.value)

    def resolved(self, id: str, answer: Answer, *, late: bool) -> None:
        """Store the answer; it stays until `done`."""
        self._set(id, state=answer.state.value, answer=dump_answer(answer), late=int(late))

    def unpublished(self) -> list[Resolved]:
        """Return the answers that the last run stored but did not publish."""
        rows = self._db.execute(
            'SELECT rowid, record, source, token, answer, late FROM escalation '
            'WHERE answer IS NOT NULL ORDER BY rowid'
        ).fetchall()
        found = []
        for row, record, source, token, answer, late in rows:
            try:
                asked, said = load_escalation(record, source), load_answer(answer)
                found.append(Resolved(asked, str(token), said, bool(late), recovered=True))
            except UnreadableRecord as error:
                self._set_aside(row, str(error))
        return found

    def done(self, id: str) -> None:
        """Forget a question whose end has been published."""
        self._write('DELETE FROM escalation WHERE id = ?', id)

    def recall(self, name: str) -> str:
        """Return what was remembered under a name, or an empty string."""
        row = self._db.execute('SELECT value FROM note WHERE name = ?', (name,)).fetchone()
        return str(row[0]) if row else ''

    def remember(self, name: str, value: str) -> None:
        """Remember a value under a name.

        Raises:
            JournalError: the file cannot be written.
        """
        self._write('INSERT OR REPLACE INTO note VALUES (?, ?)', name, value)

    def use(self) -> JournalUse:
        """Measure what is in it; the images themselves are not read. Raises sqlite3.Error."""
        questions, everything, unsent = self._db.execute(
            'SELECT COUNT(*), COALESCE(SUM(LENGTH(data)), 0), '
            "COALESCE(SUM(CASE WHEN image_url = '' THEN LENGTH(data) END), 0) "
            'FROM escalation LEFT JOIN image USING (id)'
        ).fetchone()
        return JournalUse(questions, self.max_count, everything, unsent, self.max_image_bytes)

    def close(self) -> None:
        """Close the file and release its lock."""
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

    def _expect_known(self, db: sqlite3.Connection) -> None:
        version = version_of(db)
        if version not in (0, SCHEMA_VERSION):
            raise JournalOtherVersion(
                f'the journal {self.path} was written by another version of spark_ros '
                f'(format {version}, this one has {SCHEMA_VERSION}); it is left untouched: run '
                'that version until its questions are answered, or move the file away'
            )

    def _set_aside(self, row: int, reason: str) -> None:
        self.unreadable += 1
        set_aside(self._db, row, reason, self._now())

    def _expect_room_for_one(self) -> None:
        if not self.max_count:
            return
        (count,) = self._db.execute('SELECT COUNT(*) FROM escalation').fetchone()
        if count >= self.max_count:
            raise JournalFull('journal.max_count', f'{count} questions are kept', count)

    def _make_room(self, needed: int) -> None:
        if not self.max_image_bytes:
            return
        if needed > self.max_image_bytes:
            raise JournalFull('journal.max_mb', f'an image has {needed} bytes', math.inf)
        (used,) = self._db.execute('SELECT COALESCE(SUM(LENGTH(data)), 0) FROM image').fetchone()
        uploaded = self._db.execute(
            'SELECT image.id, LENGTH(data) FROM image JOIN escalation USING (id) '
            "WHERE image_url != '' ORDER BY escalation.rowid"
        )
        for id, size in uploaded.fetchall():
            if used + needed <= self.max_image_bytes:
                return
            self._db.execute('DELETE FROM image WHERE id = ?', (id,))
            used -= size
        if used + needed > self.max_image_bytes:
            raise JournalFull('journal.max_mb', f'{used} bytes of images wait to be sent', used)

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


def _text(raw: bytes) -> str | bytes:
    """Return a text of the file; bytes that are not text are refused when their row is read."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _kind(error: OSError | sqlite3.Error) -> type[JournalError]:
    """Tell a path that is wrong and a file that is damaged from a disk that refuses."""
    if isinstance(error, OSError):
        return JournalError if error.errno in REFUSING else JournalMisplaced
    return JournalDamaged if any(words in str(error) for words in DAMAGED) else JournalError
