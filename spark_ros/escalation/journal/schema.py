# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The journal's tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing

SCHEMA_VERSION = 6
# `age_s` is how old a row was when the clocks were read as `boot`, `up_s` and `wall_s` say.
SCHEMA = """
CREATE TABLE escalation (
    id TEXT PRIMARY KEY,
    priority INTEGER NOT NULL,
    certainty REAL NOT NULL,
    created REAL NOT NULL,
    timeout_s REAL NOT NULL,
    state TEXT NOT NULL,
    may_be_open INTEGER NOT NULL DEFAULT 0,
    image_url TEXT NOT NULL DEFAULT '',
    token TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL,
    source BLOB NOT NULL,
    answer TEXT,
    late INTEGER NOT NULL DEFAULT 0,
    audit TEXT NOT NULL,
    age_s REAL NOT NULL DEFAULT 0,
    boot TEXT NOT NULL,
    up_s REAL NOT NULL,
    wall_s REAL NOT NULL
);
CREATE TABLE unreadable (
    id TEXT, reason TEXT NOT NULL, wall_s REAL NOT NULL, fields TEXT NOT NULL
);
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE accepted (
    age_s REAL NOT NULL, boot TEXT NOT NULL, up_s REAL NOT NULL, wall_s REAL NOT NULL,
    audit TEXT NOT NULL
);
CREATE TABLE image (
    id TEXT PRIMARY KEY REFERENCES escalation(id) ON DELETE CASCADE,
    data BLOB NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL
);
"""


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of a file's tables; 0 where it has none."""
    with closing(db.execute('PRAGMA user_version')) as cursor:
        version: int = cursor.fetchone()[0]
    return version


def make_tables(db: sqlite3.Connection) -> None:
    """Make the tables of a new file, all or nothing. Raises sqlite3.Error."""
    if version_of(db) == SCHEMA_VERSION:
        return
    try:
        db.executescript(
            f'BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;'
        )
    except sqlite3.Error:
        if db.in_transaction:
            db.execute('ROLLBACK')
        raise
