# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How much of its room a journal uses."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class JournalUse:
    """What is in a journal; a limit of 0 is none.

    Attributes:
        questions: without an end that was published.
        image_bytes: what all images take.
        unsent_bytes: what those take that have yet to be sent, and cannot be given up unasked.
    """

    questions: int = 0
    max_questions: int = 0
    image_bytes: int = 0
    unsent_bytes: int = 0
    max_bytes: int = 0


def measure(db: sqlite3.Connection, max_questions: int, max_bytes: int) -> JournalUse:
    """Count; the images themselves are not read."""
    questions, everything, unsent = db.execute(
        'SELECT COUNT(*), COALESCE(SUM(LENGTH(data)), 0), '
        "COALESCE(SUM(CASE WHEN image_url = '' THEN LENGTH(data) END), 0) "
        'FROM escalation LEFT JOIN image USING (id)'
    ).fetchone()
    return JournalUse(questions, max_questions, everything, unsent, max_bytes)
