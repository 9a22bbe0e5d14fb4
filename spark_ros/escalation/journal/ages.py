# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The ages of questions across restarts, and the questions accepted in the last hour."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from spark_ros.escalation.journal.elapsed import CLOCK_SET_S, Moment, elapsed_s
from spark_ros.escalation.question.escalation import Audit

HOUR_S = 3600.0
# Whatever stands there is a number and a text then.
READ = (
    'CAST(age_s AS REAL), CAST(boot AS TEXT), CAST(up_s AS REAL), CAST(wall_s AS REAL)'
)
TABLES = ('escalation', 'accepted')


def carry_over(db: sqlite3.Connection, now: Moment) -> None:
    """Rebase all ages on this boot of the machine, so that each restart adds to them.

    If the disk refuses, nothing is lost: the ages are then computed again each time.
    """
    with suppress(sqlite3.OperationalError):
        db.execute('BEGIN IMMEDIATE')
        for table in TABLES:
            rows = db.execute(
                f'SELECT {READ}, rowid FROM {table} '
                'WHERE boot != ? OR wall_s < ?',
                (now.boot, CLOCK_SET_S),
            ).fetchall()
            db.executemany(
                f'UPDATE {table} SET age_s = ?, boot = ?, up_s = ?, wall_s = ? WHERE rowid = ?',
                [
                    (age_s + elapsed_s(Moment(*read), now), *now, row)
                    for age_s, *read, row in rows
                ],
            )
        db.execute('COMMIT')
    if db.in_transaction:
        db.execute('ROLLBACK')


def count_accepted(db: sqlite3.Connection, audit: Audit, now: Moment) -> None:
    """Count one question, and forget those of more than an hour ago.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    db.execute(
        'DELETE FROM accepted WHERE boot = ? AND age_s + ? - up_s > ?',
        (now.boot, now.up_s, HOUR_S),
    )
    db.execute('INSERT INTO accepted VALUES (0, ?, ?, ?, ?)', (*now, audit.value))


def accepted_lately(db: sqlite3.Connection, now: Moment) -> list[tuple[float, bool]]:
    """Return how many seconds ago each question of the last hour was accepted, oldest first.

    With each comes whether it was an audit only.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    rows = db.execute(f'SELECT {READ}, audit FROM accepted').fetchall()
    ages = (
        (age_s + elapsed_s(Moment(*read), now), audit == Audit.ONLY.value)
        for age_s, *read, audit in rows
    )
    return sorted((each for each in ages if each[0] <= HOUR_S), reverse=True)
