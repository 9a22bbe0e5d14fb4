# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The journal for an asyncio loop: it never waits for the disk, and survives its failure."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from spark_ros.escalation.journal.entry import Entry
from spark_ros.escalation.journal.errors import (
    JournalDamaged,
    JournalError,
    JournalFull,
    JournalInUse,
    JournalMisplaced,
)
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import EncodedImage, Escalation

P = ParamSpec('P')
T = TypeVar('T')

logger = logging.getLogger(__name__)


class AsyncJournal:
    """Makes the calls of a `Journal` on a thread of its own, in the order they were handed over.

    They are made also where whoever awaits one is cancelled: what was told to the world before a
    write must be written after it, however the process ends.

    What the disk refuses is kept in a spare journal in memory, which does not survive the process.
    The log says so, once for each time that the disk begins to refuse.

    Attributes:
        disk: the journal on the disk; its attributes may be read from any thread.
        spared: the questions that are in memory only.
        refused: why the disk refuses just now, or empty; known anew with each question.
        accepted_lately: how many seconds before it was opened each of that last hour's questions
            was accepted, and whether it was an audit only.
    """

    def __init__(self, disk: Journal) -> None:
        """Own a journal from here on."""
        self.disk = disk
        self.spared: set[str] = set()
        self.refused = ''
        self._spare = Journal(None, disk.max_image_bytes, disk.max_count)
        self._thread = ThreadPoolExecutor(1, 'journal')
        self.accepted_lately = self._read_or(Journal.accepted_lately, list[tuple[float, bool]]())

    async def add(self, escalation: Escalation, image: EncodedImage) -> Entry:
        """Store a question; on the disk, or in memory where the disk refuses.

        Raises:
            JournalFull: what has yet to be sent takes all the room there may be.
        """

        def add() -> Entry:
            try:
                entry = self.disk.add(escalation, image)
            except JournalFull:
                raise
            except JournalError as error:
                self._log_refusal(str(error))
                entry = self._spare.add(escalation, image)
                self.spared.add(escalation.id)
            else:
                self.refused = ''
            return entry

        return await _result(self._thread.submit(add))

    async def write(
        self, call: Callable[Concatenate[Journal, str, P], None], id: str,
        *args: P.args, **kwargs: P.kwargs,
    ) -> None:  # fmt: skip
        """Write something under an id or a name, and wait until that is done.

        A disk that refuses costs the safety after a crash, not the answer.
        """
        await _result(self.post(call, id, *args, **kwargs))

    def post(
        self, call: Callable[Concatenate[Journal, str, P], None], id: str,
        *args: P.args, **kwargs: P.kwargs,
    ) -> Future[None]:  # fmt: skip
        """As `write`, from any thread; returns at once."""

        def write() -> None:
            try:
                call(self._where(id), id, *args, **kwargs)
            except JournalError as error:
                self._log_refusal(str(error))
            if call == Journal.done:
                self.spared.discard(id)

        return self._thread.submit(write)

    async def read(self, call: Callable[[Journal, str], T], id: str) -> T:
        """Read something of a question. Raises KeyError where it is gone, or sqlite3.Error."""
        return await _result(self.fetch(call, id))

    def fetch(self, call: Callable[[Journal, str], T], id: str) -> Future[T]:
        """As `read`, from any thread; returns at once."""
        return self._thread.submit(lambda: call(self._where(id), id))

    async def read_or(self, call: Callable[[Journal], T], default: T) -> T:
        """Read something of the disk; the default where it fails."""
        return await _result(self._thread.submit(self._read_or, call, default))

    def limit_images(self, max_bytes: int) -> None:
        """Change how much the images may take, as `Journal.limit_images`; returns at once."""
        for journal in (self.disk, self._spare):
            self._thread.submit(journal.limit_images, max_bytes)

    def close(self) -> None:
        """Close the file, after all other calls."""
        for journal in (self.disk, self._spare):
            self._thread.submit(journal.close)
        self._thread.shutdown(wait=True)

    def _where(self, id: str) -> Journal:
        return self._spare if id in self.spared else self.disk

    def _read_or(self, call: Callable[[Journal], T], default: T) -> T:
        try:
            return call(self.disk)
        except sqlite3.Error as error:
            self._log_refusal(f'the journal {self.disk.path} cannot be read: {error}')
            return default

    def _log_refusal(self, reason: str) -> None:
        if not self.refused:
            self.refused = reason
            logger.error(
                '%s. Using memory only: new questions would not survive a restart', reason
            )


async def _result(future: Future[T]) -> T:
    """Await a thread's result; the thread goes on even if this is cancelled."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def wake(future: Future[T]) -> None:
        with suppress(RuntimeError):
            # The loop is closed: nobody is there to be told.
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(wake)
    await done.wait()
    return future.result()


def open_journal(path: Path | None, max_image_bytes: int, max_count: int = 0) -> AsyncJournal:
    """Open a node's journal; if that fails, use memory so that the node runs.

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
    try:
        return AsyncJournal(Journal(path, max_image_bytes, max_count))
    except (JournalInUse, JournalMisplaced):
        raise
    except JournalError as error:
        problem: Exception = error
        if path is not None and isinstance(error, JournalDamaged):
            try:
                aside = _set_aside(path)
                logger.error('%s. Keeping it as %s and starting an empty one', error, aside)
                return AsyncJournal(Journal(path, max_image_bytes, max_count))
            except (JournalError, OSError) as second:
                problem = second
    logger.error('%s. Using memory only: nothing survives a restart', problem)
    return AsyncJournal(Journal(None, max_image_bytes, max_count))


def _set_aside(path: Path) -> Path:
    """Rename a damaged journal with SQLite's -wal and -shm files."""
    stem = f'{path.name}.damaged-{time.strftime("%Y%m%d-%H%M%S")}'
    for suffix in ('', '-wal', '-shm'):
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.rename(path.with_name(stem + suffix))
    return path.with_name(stem)
