# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question's age goes on across restarts; neither an unset clock nor a jump ends or stops it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from engagements_harness import Service, run, running
from samples import escalation, image

from spark_ros.clients.errors import ConnectionFailed
from spark_ros.escalation.journal import journal as journal_module
from spark_ros.escalation.journal.ages import carry_over
from spark_ros.escalation.journal.elapsed import Moment, now
from spark_ros.escalation.journal.journal import Entry, Journal
from spark_ros.escalation.settings import Limits
from spark_ros.model import State

TODAY_S = 1_795_000_000.0
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
# What version 1 made.
SCHEMA_1 = """
CREATE TABLE escalation (
    id TEXT PRIMARY KEY,
    priority INTEGER NOT NULL,
    certainty REAL NOT NULL,
    created REAL NOT NULL,
    deadline REAL,
    state TEXT NOT NULL,
    may_be_open INTEGER NOT NULL DEFAULT 0,
    image_url TEXT NOT NULL DEFAULT '',
    token TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL,
    source BLOB NOT NULL,
    answer TEXT,
    late INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE image (
    id TEXT PRIMARY KEY REFERENCES escalation(id) ON DELETE CASCADE,
    data BLOB NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL
);
PRAGMA user_version = 1;
"""


def at(moment: Moment) -> Callable[[], Moment]:
    return lambda: moment


def accepted(path: Path, moment: Moment) -> None:
    with closing(Journal(path, now=at(moment))) as journal:
        journal.add(escalation(), image())


def found(path: Path, moment: Moment) -> Entry:
    with closing(Journal(path, now=at(moment))) as journal:
        (entry,) = journal.entries()
    return entry


@pytest.mark.parametrize(
    ('when', 'age_s'),
    [
        pytest.param(Moment('a', 1060.0, TODAY_S + 60.0), 60.0, id='the node alone'),
        pytest.param(Moment('a', 1060.0, 500.0), 60.0, id='the clock jumped back'),
        pytest.param(Moment('a', 1060.0, TODAY_S * 2), 60.0, id='the clock jumped ahead'),
        pytest.param(Moment('b', 20.0, TODAY_S + 60.0), 60.0, id='the machine'),
        pytest.param(Moment('b', 20.0, 20.0), 20.0, id='the machine, in 1970'),
        pytest.param(Moment('b', 20.0, TODAY_S - 9.0), 20.0, id='the machine, before that'),
        pytest.param(Moment('b', 20.0, TODAY_S * 2), 20.0, id='the machine, decades later'),
    ],
)
def test_what_was_restarted(path: Path, when: Moment, age_s: float) -> None:
    accepted(path, Moment('a', 1000.0, TODAY_S))
    assert found(path, when).age_s == age_s


def test_what_was_asked_in_1970_gets_its_time_once_the_clock_is_set(path: Path) -> None:
    accepted(path, Moment('a', 30.0, 30.0))
    assert found(path, Moment('a', 90.0, TODAY_S)).age_s == 60.0
    assert found(path, Moment('b', 20.0, TODAY_S + 30.0)).age_s == 90.0


def test_a_robot_that_never_knows_the_time_grows_older_with_each_start(path: Path) -> None:
    accepted(path, Moment('0', 30.0, 30.0))
    for start in range(1, 31):
        entry = found(path, Moment(str(start), 20.0, 20.0))
    assert entry.age_s == 30 * 20.0
    assert entry.age_s >= entry.timeout_s


def test_where_the_disk_refuses_the_age_is_known_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(path, Moment('a', 1000.0, TODAY_S))

    def refused(db: sqlite3.Connection, now: Moment) -> None:
        db.execute('PRAGMA query_only = ON')
        carry_over(db, now)
        db.execute('PRAGMA query_only = OFF')

    monkeypatch.setattr(journal_module, 'carry_over', refused)
    for _ in range(2):
        with closing(Journal(path, now=at(Moment('b', 20.0, TODAY_S + 60.0)))) as journal:
            assert [entry.age_s for entry in journal.entries()] == [60.0]
            assert journal.accepted_lately() == [(60.0, False)]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute('SELECT age_s, boot FROM escalation').fetchall() == [(0.0, 'a')]


def test_the_last_hour_is_known_after_a_restart_whatever_has_become_of_it(path: Path) -> None:
    """Also of a question that is answered and forgotten; so a restart gives no new hour."""
    for up_s in (1000.0, 3000.0):
        with closing(Journal(path, now=at(Moment('a', up_s, TODAY_S + up_s)))) as journal:
            journal.done(journal.add(escalation(), image()).id)
    later = at(Moment('b', 20.0, TODAY_S + 3700.0))
    with closing(Journal(path, now=later)) as journal:
        assert not journal.entries()
        assert journal.accepted_lately() == [(2700.0, False), (700.0, False)]
    with closing(Journal(path, now=at(Moment('b', 1020.0, 0.0)))) as journal:
        assert journal.accepted_lately() == [(1700.0, False)]
        journal.add(escalation(), image())
        assert journal.accepted_lately() == [(1700.0, False), (0.0, False)]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute('SELECT COUNT(*) FROM accepted').fetchone() == (2,)


def test_a_restart_asks_no_more_than_an_hour_may_have(path: Path) -> None:
    accepted(path, now())

    async def test() -> None:
        limits = Limits(per_hour=1)
        async with running(Service(), Journal(path), limits) as (engagements, _):
            assert engagements.admits(0.0, time.monotonic()) == 'limits.per_hour'
            assert engagements.admits(0.0, time.monotonic() + 3601.0) == ''

    run(test())


def test_one_asked_in_1970_neither_expires_at_the_restart_nor_never(path: Path) -> None:
    """The clock was set between two starts of the machine."""
    accepted(path, Moment('a', 1000.0, 1000.0))

    async def test(boot: str, wall_s: float, ends: State) -> None:
        journal = Journal(path, now=at(Moment(boot, 20.0, wall_s)))
        (entry,) = journal.entries()
        down = ConnectionFailed('refused')
        service = Service(fails=[down] * 1000 if ends is State.EXPIRED else [])
        async with running(service, journal) as (_, record):
            await record.until(lambda: ends in record.states(entry.id))

    run(test('b', TODAY_S, State.OPEN))
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE escalation SET token = '', state = 'queued'")
        db.commit()
    run(test('c', TODAY_S + 579.0, State.EXPIRED))
