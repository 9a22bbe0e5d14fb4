# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which programs metrics name: a caller may invent any number of them, and each costs memory."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 100
LONGEST = 100
OTHER = 'other'


class ProgramLabels:
    """Gives the label of a program: its name, or `other`.

    The programs that the service's owner made always have their name, the first hundred of them.
    So have the first hundred others that are asked for. No program is the empty label.
    """

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._seen: set[str] = set()

    def know(self, programs: Iterable[str]) -> None:
        """Set which programs the owner made."""
        self._known = frozenset(sorted(programs)[:MOST])

    def of(self, program: str | None) -> str:
        """Return the label of a program."""
        if not program:
            return ''
        if program not in self._known and program not in self._seen:
            if len(self._seen) >= MOST:
                return OTHER
            self._seen.add(program)
        return program[:LONGEST]
