# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A journal that lets the node run whatever becomes of its file."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from spark_ros.escalation.journal.entry import Entry
from spark_ros.escalation.journal.errors import (
    JournalDamaged,
    JournalError,
    JournalFull,
    JournalInUse,
    JournalMisplaced,
)
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.journal.use import JournalUse
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, Resolved
from spark_ros.model import Answer, State

T = TypeVar('T')

logger = logging.getLogger(__name__)


class SafeJournal:
    """A journal on disk with a spare in memory for what the disk refuses.

    Has the calls of `Journal`. What is in the spare does not survive the process; the log says
    so, once for each time that the disk begins to refuse.
    """

    def __init__(self, disk: Journal, max_image_bytes: int = 0, max_count: int = 0) -> None:
        """Use a journal, and another in memory beside it where its disk refuses."""
        self._disk = disk
        self._spare = Journal(None, max_image_bytes, max_count)
        self._spared: set[str] = set()
        self._refused = ''
        self._use = JournalUse()

    @property
    def path(self) -> Path | None:
        """The file, or None where everything is in memory."""
        return self._disk.path

    @property
    def spared(self) -> int:
        """How many questions are in memory only because the disk refused them."""
        return len(self._spared)

    @property
    def refused(self) -> str:
        """Why the disk refuses just now, or empty; known anew with each question."""
        return self._refused

    @property
    def unreadable(self) -> int:
        """How many rows of the file were set aside because they cannot be read."""
        return self._disk.unreadable

    def use(self) -> JournalUse:
        """Measure what is on the disk; what was known before where it refuses."""
        self._use = self._read(self._disk.use, self._use)
        return self._use

    def limit_images(self, max_bytes: int) -> None:
        """Change how much the images may take; 0 is no limit."""
        self._disk.limit_images(max_bytes)
        self._spare.limit_images(max_bytes)

    def add(self, escalation: Escalation, image: EncodedImage) -> Entry:
        """Store a question on the disk, or in memory where the disk refuses.

        Raises:
            JournalFull: images that have yet to be sent take all the room there may be.
        """
        try:
            entry = self._disk.add(escalation, image)
        except JournalFull:
            raise
        except JournalError as error:
            self._say(str(error))
            entry = self._spare.add(escalation, image)
            self._spared.add(escalation.id)
            return entry
        self._refused = ''
        return entry

    def entries(self) -> list[Entry]:
        """Return everything that is not done, as far as it can be read."""
        return self._read(self._disk.entries, list[Entry]()) + self._spare.entries()

    def accepted_lately(self) -> list[float]:
        """Return how many seconds ago each of the last hour's questions was accepted."""
        return self._read(self._disk.accepted_lately, [])

    def unpublished(self) -> list[Resolved]:
        """Return the answers that a former run stored and did not see published."""
        return self._read(lambda: list(self._disk.unpublished()), [])

    def escalation(self, id: str) -> Escalation:
        """Return one question. Raises KeyError where it is not there."""
        return self._of(id).escalation(id)

    def image(self, id: str) -> EncodedImage:
        """Return a question's image. Raises KeyError where it is gone."""
        return self._of(id).image(id)

    def uploaded(self, id: str, image_url: str) -> None:
        """Note where the service keeps the image."""
        self._try(lambda: self._of(id).uploaded(id, image_url))

    def opening(self, id: str) -> None:
        """Note that a create request is about to go out."""
        self._try(lambda: self._of(id).opening(id))

    def opened(self, id: str, token: str) -> None:
        """Note the service's token."""
        self._try(lambda: self._of(id).opened(id, token))

    def note_state(self, id: str, state: State) -> None:
        """Note a state without an answer."""
        self._try(lambda: self._of(id).note_state(id, state))

    def resolved(self, id: str, answer: Answer, *, late: bool) -> None:
        """Store the answer; it stays until `done`."""
        self._try(lambda: self._of(id).resolved(id, answer, late=late))

    def done(self, id: str) -> None:
        """Forget a question whose end has been published."""
        self._try(lambda: self._of(id).done(id))
        self._spared.discard(id)

    def note(self, name: str) -> str:
        """Return what was remembered under a name, or an empty string."""
        return self._read(lambda: self._disk.note(name), '')

    def remember(self, name: str, value: str) -> None:
        """Remember a value under a name."""
        self._try(lambda: self._disk.remember(name, value))

    def close(self) -> None:
        """Close both."""
        self._disk.close()
        self._spare.close()

    def _of(self, id: str) -> Journal:
        return self._spare if id in self._spared else self._disk

    def _read(self, read: Callable[[], T], nothing: T) -> T:
        try:
            return read()
        except sqlite3.Error as error:
            self._say(f'the journal {self.path} cannot be read: {error}')
            return nothing

    def _try(self, write: Callable[[], None]) -> None:
        """Write; a disk that refuses costs the safety after a crash, not the answer."""
        try:
            write()
        except JournalError as error:
            self._say(str(error))

    def _say(self, reason: str) -> None:
        if not self._refused:
            self._refused = reason
            logger.error(
                '%s. Going on from memory: what is asked now would not survive a restart', reason
            )


def open_journal(path: Path | None, max_image_bytes: int, max_count: int = 0) -> SafeJournal:
    """Open a node's journal so that the node runs.

    A damaged file is set aside under another name and a fresh one begun. One that another
    version wrote stays untouched, and a disk that refuses is left alone: then everything is in
    memory, and the log says so.

    Args:
        path: the file; None keeps everything in memory on purpose.
        max_image_bytes: how much the images may take; 0 is no limit.
        max_count: how many questions are kept; 0 is no limit.

    Raises:
        JournalInUse: another node has it.
        JournalMisplaced: no file can be at the path.
    """

    def opened(path: Path | None) -> SafeJournal:
        journal = Journal(path, max_image_bytes, max_count)
        return SafeJournal(journal, max_image_bytes, max_count)

    try:
        return opened(path)
    except (JournalInUse, JournalMisplaced):
        raise
    except JournalDamaged as error:
        assert path is not None
        try:
            aside = _set_aside(path)
            logger.error('%s. It is kept as %s, and a fresh one is begun', error, aside)
            return opened(path)
        except (JournalError, OSError) as second:
            logger.error('%s. Going on from memory: nothing survives a restart', second)
    except JournalError as error:
        logger.error('%s. Going on from memory: nothing survives a restart', error)
    return opened(None)


def _set_aside(path: Path) -> Path:
    """Rename a damaged journal and what SQLite keeps beside it."""
    stem = f'{path.name}.damaged-{time.strftime("%Y%m%d-%H%M%S")}'
    for suffix in ('', '-wal', '-shm'):
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.rename(path.with_name(stem + suffix))
    return path.with_name(stem)
