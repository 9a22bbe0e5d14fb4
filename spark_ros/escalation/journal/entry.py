# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The state of a question, as a row of the journal has it, and the handling of a bad row."""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from spark_ros.escalation.journal.elapsed import Moment, elapsed_s
from spark_ros.escalation.journal.records import UnreadableRecord
from spark_ros.escalation.question.escalation import Audit
from spark_ros.model import State

KEPT = ('id', 'state', 'image_url', 'token', 'record', 'answer')
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """The state of one question, without its image.

    Attributes:
        state: QUEUED, OPEN, ASSIGNED, EXPIRED, or a terminal state not yet published.
        created: Unix seconds by the robot's clock, which may not have been set.
        may_be_open: a create request was sent whose answer never came.
        timeout_s: the age at which it counts as expired; 0 is never.
        age_s: how long ago it was accepted, when this was read.
    """

    id: str
    priority: int
    certainty: float
    created: float
    timeout_s: float
    state: State = State.QUEUED
    may_be_open: bool = False
    image_url: str = ''
    token: str = ''
    audit: Audit = Audit.NO
    age_s: float = field(default=0.0, compare=False)

    @property
    def order(self) -> tuple[int, float, float, str]:
        """The order of sending: highest priority first, then the least certain."""
        return -self.priority, self.certainty, self.created, self.id


def read_entry(values: list[Any], now: Moment) -> Entry:
    """Read the columns of a row in the order of `Entry`, with the moment that `age_s` was counted.

    Raises:
        UnreadableRecord: the row was changed by something else.
    """
    id, priority, certainty, created, timeout_s, state, sent, url, token, audit, *ages = values
    age_s, *read = ages
    texts = (id, url, token, audit, read[0])
    numbers = (certainty, created, timeout_s, age_s, *read[1:])
    if not all(isinstance(text, str) for text in texts):
        raise UnreadableRecord('a value is not a text')
    if not all(isinstance(number, int | float) for number in (priority, *numbers)):
        raise UnreadableRecord('a value is not a number')
    try:
        known, whole, chosen = State(state), int(priority), Audit(audit)
    except (ValueError, OverflowError) as error:
        raise UnreadableRecord(str(error)) from None
    return Entry(
        id, whole, certainty, created, timeout_s, known, bool(sent), url, token,
        chosen, age_s + elapsed_s(Moment(*read), now),
    )  # fmt: skip


def set_aside(db: sqlite3.Connection, row: int, reason: str, now: Moment) -> None:
    """Move a row that cannot be read to the table `unreadable`."""
    (values,) = db.execute(
        f'SELECT {", ".join(KEPT)} FROM escalation WHERE rowid = ?', (row,)
    ).fetchall()
    fields = {name: _printable(value) for name, value in zip(KEPT, values, strict=True)}
    logger.error(
        'cannot read the question %s in the journal; setting it aside: %s', fields['id'], reason
    )
    try:
        db.execute('BEGIN IMMEDIATE')
        db.execute(
            'INSERT INTO unreadable VALUES (?, ?, ?, ?)',
            (fields['id'], reason, now.wall_s, json.dumps(fields)),
        )
        db.execute('DELETE FROM escalation WHERE rowid = ?', (row,))
        db.execute('COMMIT')
    except sqlite3.Error as error:
        if db.in_transaction:
            db.execute('ROLLBACK')
        logger.error('cannot set it aside: %s', error)


def _printable(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else repr(value)
