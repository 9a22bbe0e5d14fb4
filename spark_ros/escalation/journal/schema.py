# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The journal's tables, and how an older file becomes a present one."""

from __future__ import annotations

import sqlite3
from contextlib import closing

SCHEMA_VERSION = 3
# `age_s` is how old a row was when the clocks were read as `boot`, `up_s` and `wall_s` say.
SCHEMA = """
CREATE TABLE escalation (
    id TEXT PRIMARY KEY,
    priority INTEGER NOT NULL,
    certainty REAL NOT NULL,
    created REAL NOT NULL,
    state TEXT NOT NULL,
    may_be_open INTEGER NOT NULL DEFAULT 0,
    image_url TEXT NOT NULL DEFAULT '',
    token TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL,
    source BLOB NOT NULL,
    answer TEXT,
    late INTEGER NOT NULL DEFAULT 0,
    timeout_s REAL NOT NULL DEFAULT 0,
    age_s REAL NOT NULL DEFAULT 0,
    boot TEXT NOT NULL DEFAULT '',
    up_s REAL NOT NULL DEFAULT 0,
    wall_s REAL NOT NULL DEFAULT 0
);
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE accepted (
    age_s REAL NOT NULL, boot TEXT NOT NULL, up_s REAL NOT NULL, wall_s REAL NOT NULL
);
CREATE TABLE image (
    id TEXT PRIMARY KEY REFERENCES escalation(id) ON DELETE CASCADE,
    data BLOB NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL
);
"""
UPGRADES = {
    1: """
    ALTER TABLE escalation ADD COLUMN timeout_s REAL NOT NULL DEFAULT 0;
    ALTER TABLE escalation ADD COLUMN age_s REAL NOT NULL DEFAULT 0;
    ALTER TABLE escalation ADD COLUMN boot TEXT NOT NULL DEFAULT '';
    ALTER TABLE escalation ADD COLUMN up_s REAL NOT NULL DEFAULT 0;
    ALTER TABLE escalation ADD COLUMN wall_s REAL NOT NULL DEFAULT 0;
    UPDATE escalation SET wall_s = created, timeout_s = COALESCE(deadline - created, 0);
    ALTER TABLE escalation DROP COLUMN deadline;
    """,
    2: """
    CREATE TABLE accepted (
        age_s REAL NOT NULL, boot TEXT NOT NULL, up_s REAL NOT NULL, wall_s REAL NOT NULL
    );
    """,
}
"""By the version that they lead on from."""


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of a file's tables; 0 where it has none."""
    with closing(db.execute('PRAGMA user_version')) as cursor:
        version: int = cursor.fetchone()[0]
    return version


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables, or turn older ones into those of `SCHEMA_VERSION`, all or nothing.

    Raises:
        sqlite3.Error: it could not be done, and nothing was changed.
    """
    version = version_of(db)
    if version == SCHEMA_VERSION:
        return
    steps = [UPGRADES[step] for step in range(version, SCHEMA_VERSION)] if version else [SCHEMA]
    steps.append(f'PRAGMA user_version = {SCHEMA_VERSION};')
    try:
        db.executescript(f'BEGIN IMMEDIATE; {"".join(steps)} COMMIT;')
    except sqlite3.Error:
        if db.in_transaction:
            db.execute('ROLLBACK')
        raise
