# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The errors of a journal."""

from __future__ import annotations


class JournalError(Exception):
    """The journal cannot be used; the message says why and what to do.

    ::

        JournalError            cannot be read or written: a full disk, a failing one
        ├── JournalFull         what has yet to be sent takes all the room there may be
        ├── JournalDamaged      the file is not a journal, or no longer
        ├── JournalInUse        another node has it
        ├── JournalMisplaced    the path is none that a file can be at
        └── JournalOtherVersion another version of this package wrote it; it was not touched
    """


class JournalFull(JournalError):
    """There is no room for one more question.

    Attributes:
        limit: the parameter that limits it.
        used: how much of it is used; infinite if even an empty journal would be too small.
    """

    def __init__(self, limit: str, reason: str, used: float) -> None:
        super().__init__(f'{reason}; {limit} is full')
        self.limit, self.used = limit, used


class JournalDamaged(JournalError):
    """The file is not a journal, or no longer."""


class JournalInUse(JournalError):
    """Another node has it."""


class JournalMisplaced(JournalError):
    """There can be no file at the path: no permission, or a file where a folder is needed."""


class JournalOtherVersion(JournalError):
    """Another version of this package wrote it."""
