# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A row of the journal that cannot be read is set aside, and ends nothing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from engagements_harness import Service, run, running, submit
from samples import escalation, image

from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.journal.records import VERSION
from spark_ros.escalation.withdrawals import NOTE
from spark_ros.model import Answer, State

SPOILED = {
    'a record of another version': ('record', json.dumps({'version': VERSION + 1})),
    'half a record': ('record', '{"version": 2, "id'),
    'no text': ('record', b'\xff\xfe'),
    'a state that is none': ('state', 'wondering'),
    'a number that is none': ('priority', 'high'),
    'a time that is none': ('up_s', 'noon'),
}


def spoil(path: Path, id: str, column: str, value: object) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f'UPDATE escalation SET {column} = CAST(? AS BLOB) WHERE id = ?', (value, id))
        if not isinstance(value, bytes):
            db.execute(f'UPDATE escalation SET {column} = ? WHERE id = ?', (value, id))
        db.commit()


@pytest.mark.parametrize(('column', 'value'), SPOILED.values(), ids=SPOILED)
def test_the_others_go_on(
    path: Path, column: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = escalation(), escalation()
    with closing(Journal(path)) as journal:
        for each in (bad, good):
            journal.add(each, image())
    spoil(path, bad.id, column, value)

    async def test() -> None:
        service = Service()
        async with running(service, Journal(path)) as (engagements, record):
            await record.until(lambda: good in service.opened)
            service.answer(good.id)
            await record.until(lambda: record.resolved)
            await submit(engagements, later := escalation())
            await record.until(lambda: later in service.opened)
            if column != 'up_s':
                await record.until(lambda: engagements.kept.disk.unreadable)
                assert bad not in service.opened

    run(test())
    with closing(sqlite3.connect(path)) as db:
        aside = db.execute('SELECT id, reason, fields FROM unreadable').fetchall()
    if column != 'up_s':
        ((id, reason, fields),) = aside
        assert id == bad.id and reason and json.loads(fields)['id'] == bad.id
        assert bad.id in caplog.text and reason in caplog.text


@pytest.mark.parametrize('column', ['record', 'token', 'state', 'image_url', 'answer'])
def test_a_text_with_a_flipped_bit(path: Path, column: str) -> None:
    """SQLite gives it back as a text that is no UTF-8."""
    bad, good = escalation(), escalation()
    with closing(Journal(path)) as journal:
        for each in (bad, good):
            journal.add(each, image())
            journal.resolved(each.id, Answer(State.CLOSED), late=False)
    with closing(sqlite3.connect(path)) as db:
        flipped = f"UPDATE escalation SET {column} = CAST(X'FF7B' AS TEXT) WHERE id = ?"
        db.execute(flipped, (bad.id,))
        db.commit()

    async def test() -> None:
        async with running(Service(), journal := Journal(path)) as (engagements, record):
            assert journal.path == path
            await record.until(lambda: good in [each.escalation for each in record.resolved])
            await submit(engagements, later := escalation())
            await record.until(lambda: State.OPEN in record.states(later.id))
            if column != 'image_url':
                assert engagements.kept.disk.unreadable == 1
                assert [each.escalation for each in record.resolved] == [good]

    run(test())


def test_an_answer_that_cannot_be_read_after_a_restart(path: Path) -> None:
    bad, good = escalation(), escalation()
    with closing(Journal(path)) as journal:
        for each in (bad, good):
            journal.add(each, image())
            journal.resolved(each.id, Answer(State.CLOSED), late=False)
    spoil(path, bad.id, 'answer', '{"version": 2}')

    async def test() -> None:
        async with running(Service(), Journal(path)) as (engagements, record):
            await record.until(lambda: record.resolved)
            assert [each.escalation for each in record.resolved] == [good]
            assert engagements.kept.disk.unreadable == 1

    run(test())


def test_what_is_to_be_withdrawn_cannot_be_read(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.remember(NOTE, '["half')

    async def test() -> None:
        service, asked = Service(), escalation()
        async with running(service, Journal(path)) as (engagements, record):
            await submit(engagements, asked)
            await record.until(lambda: State.OPEN in record.states(asked.id))
            assert await engagements.withdraw(asked.id) == ''
            await record.until(lambda: service.withdrawn)

    run(test())
