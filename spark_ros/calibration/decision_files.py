# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The files of a log of decisions: written in turn, bounded, and read in the order written.

`decisions.jsonl` is the newest, `decisions.jsonl.1` the one before it, and so on.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from spark_ros.calibration.decisions import (
    DecisionError,
    DriveRecord,
    NotJson,
    Record,
    from_line,
    to_line,
)

# Inside a text, the quotation marks would follow backslashes.
DRIVE = re.compile(rb'"drive":("(?:[^"\\]|\\.)*")')


class DecisionWriter:
    """Writes records; used by one thread.

    Each file begins with the policy, so that it can be read without the one before it.
    """

    def __init__(self, path: Path, max_bytes: int = 16_000_000, files: int = 10) -> None:
        """Open the newest file.

        Args:
            path: of the newest file.
            max_bytes: past this size a file is closed.
            files: how many are kept, the newest included.

        Raises:
            OSError: it cannot be written.
        """
        self._path, self._max_bytes, self._files = path, max_bytes, files
        self._drive: DriveRecord | None = None
        self._open()
        if self._size:
            with path.open('rb') as written:
                written.seek(-1, os.SEEK_END)
                whole = written.read() == b'\n'
            if not whole:
                # What a crash tore must not swallow the next record.
                self._size += self._file.write(b'\n')

    def __enter__(self) -> DecisionWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, record: Record) -> None:
        """Write one record; it survives a killed process.

        Raises:
            OSError: it cannot be written.
        """
        if isinstance(record, DriveRecord):
            self._drive = record
        line = to_line(record).encode() + b'\n'
        if self._size and self._size + len(line) > self._max_bytes:
            self._rotate()
            if self._drive is not None and self._drive is not record:
                again = replace(self._drive, continued=True, lost=0)
                self._write(to_line(again).encode() + b'\n')
        self._write(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> None:
        # Unbuffered: a killed process loses nothing. What a camera saw concerns its owner alone.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, 'ab', buffering=0)
        self._size = os.fstat(descriptor).st_size

    def _write(self, line: bytes) -> None:
        written = self._file.write(line)
        self._size += written
        if written < len(line):
            raise OSError(errno.ENOSPC, 'only a part of a line was written', str(self._path))

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._files - 1, 0, -1):
            with suppress(FileNotFoundError):
                os.replace(numbered(self._path, number - 1), numbered(self._path, number))
        if self._files == 1:
            self._path.unlink()
        self._open()


def numbered(path: Path, number: int) -> Path:
    """Return the name of the file that was the newest so many rotations ago."""
    return path.with_name(f'{path.name}.{number}') if number else path


def files_of(path: Path) -> list[Path]:
    """Return the files of a log, oldest first.

    Raises:
        OSError: there is none.
    """
    older = []
    for other in path.parent.glob(f'{_escaped(path.name)}.*'):
        number = other.name.removeprefix(f'{path.name}.')
        if number.isascii() and number.isdigit() and number != '0':
            older.append((-int(number), other))
    if not older and not path.is_file():
        raise FileNotFoundError(2, 'there is no such log of decisions', str(path))
    return [other for _, other in sorted(older)] + ([path] if path.is_file() else [])


def newest_records(paths: Iterable[Path]) -> dict[str, DriveRecord]:
    """Return the newest record of each drive of some logs, by id; the newest of all comes last.

    Raises:
        OSError, DecisionError: as `read_log`.
    """
    found = dict[str, DriveRecord]()
    for record in read_log(paths, kind='drive'):
        if isinstance(record, DriveRecord):
            found.pop(record.drive, None)
            found[record.drive] = record
    return found


def read_log(
    paths: Iterable[Path], drives: Collection[str] | None = None, kind: str = ''
) -> Iterator[Record]:
    """Yield the records of logs, each log from its oldest file on and no file twice.

    Lines that a crash or a full disk tore are left out: the file ends after them, or the record of
    a drive follows, with which each start and each new attempt begins.

    Args:
        paths: of the newest file of each log.
        drives: frames and answers only of these; the other lines are not even parsed.
        kind: only of this kind, likewise; empty: of all.

    Raises:
        OSError: a file cannot be read.
        DecisionError: another line is no record; the message has file and line.
    """
    seen = set()
    for path in paths:
        with ExitStack() as stack:
            for file, lines in _opened(path, stack):
                if (identity := _identity(os.fstat(lines.fileno()))) not in seen:
                    seen.add(identity)
                    yield from _read_file(file, lines, drives, kind)


def _opened(path: Path, stack: ExitStack) -> Sequence[tuple[Path, BinaryIO]]:
    """Open all files of a log, as they were at one moment: its writer may be turning them."""
    while True:
        found = files_of(path)
        with ExitStack() as opened, suppress(FileNotFoundError):
            files = [(file, opened.enter_context(file.open('rb'))) for file in found]
            there = [(file, _identity(file.stat())) for file in files_of(path)]
            if there == [(file, _identity(os.fstat(lines.fileno()))) for file, lines in files]:
                stack.enter_context(opened.pop_all())
                return files


def _identity(of: os.stat_result) -> tuple[int, int]:
    return of.st_dev, of.st_ino


def _read_file(
    file: Path, lines: BinaryIO, drives: Collection[str] | None, kind: str
) -> Iterator[Record]:
    wanted = None if drives is None else {json.dumps(drive).encode() for drive in drives}
    begins = f'{{"kind":"{kind}'.encode() if kind else b''
    torn: DecisionError | None = None
    for number, line in enumerate(lines, 1):
        chosen = line.startswith(begins) and _is_of(line, wanted)
        # What follows a torn line is looked at even if it is not asked for.
        if not line.strip() or not (chosen or torn):
            continue
        try:
            record = from_line(line)
        except DecisionError as error:
            where = DecisionError(f'{file}:{number}: {error}')
            if not isinstance(error, NotJson):
                raise where from None
            torn = torn or where
            continue
        if torn is not None and not isinstance(record, DriveRecord):
            raise torn
        torn = None
        if chosen:
            yield record


def _is_of(line: bytes, drives: Collection[bytes] | None) -> bool:
    """Whether a line is of one of these drives, or a drive's record."""
    if drives is None or line.startswith(b'{"kind":"drive"'):
        return True
    found = DRIVE.search(line)
    return found is not None and found[1] in drives


def _escaped(name: str) -> str:
    return ''.join(f'[{char}]' if char in '*?[' else char for char in name)
