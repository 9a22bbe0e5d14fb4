# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node runs whatever becomes of its journal's file."""

from __future__ import annotations

import logging
import sqlite3
import stat
from pathlib import Path

import pytest
from disk import fill_up
from engagements_harness import run
from samples import escalation, image

from spark_ros.escalation.journal.async_journal import AsyncJournal, open_journal
from spark_ros.escalation.journal.entry import Entry
from spark_ros.escalation.journal.errors import JournalFull, JournalInUse
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.journal.schema import SCHEMA_VERSION
from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.geometry import ImageSize
from spark_ros.model import Answer, State


def entries(journal: AsyncJournal) -> list[Entry]:
    return journal.disk.entries() + journal._spare.entries()


def big() -> EncodedImage:
    return EncodedImage(bytes(200_000), ImageSize(1, 1))


@pytest.mark.parametrize(
    'content', [b'no journal at all' * 500, b'SQLite format 3\0' + b'x' * 9000]
)
def test_a_damaged_journal_is_set_aside_and_a_fresh_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / 'journal.db'
    path.write_bytes(content)
    journal = open_journal(path, 0)
    (aside,) = tmp_path.glob('journal.db.damaged-*')
    assert aside.read_bytes() == content and str(aside) in caplog.text

    async def test() -> None:
        asked = escalation()
        await journal.add(asked, image())
        journal.close()
        again = open_journal(path, 0)
        assert [entry.id for entry in again.disk.left] == [asked.id]
        again.close()

    run(test())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_journal_damaged_in_the_middle_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / 'journal.db'
    journal = Journal(path)
    for _ in range(20):
        journal.add(escalation(), big())
    journal.close()
    data = bytearray(path.read_bytes())
    data[4096:40_960] = bytes(36_864)
    path.write_bytes(data)

    async def test() -> None:
        fresh = open_journal(path, 0)
        assert fresh.disk.entries() == []
        await fresh.add(escalation(), image())
        fresh.close()

    run(test())
    assert list(tmp_path.glob('journal.db.damaged-*'))


def test_a_newer_journal_is_left_alone_and_the_node_runs_from_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / 'journal.db'
    with sqlite3.connect(path) as newer:
        newer.execute(f'PRAGMA user_version = {SCHEMA_VERSION + 1}')
        newer.execute('CREATE TABLE from_the_future (x)')
    newer.close()
    before = path.read_bytes()

    async def test() -> None:
        journal = open_journal(path, 0)
        assert journal.disk.path is None and 'another version' in caplog.text
        asked = escalation()
        await journal.add(asked, image())
        assert await journal.read(Journal.escalation, asked.id) == asked
        journal.close()

    run(test())
    assert path.read_bytes() == before


def test_a_journal_in_use_is_refused(tmp_path: Path) -> None:
    first = open_journal(tmp_path / 'journal.db', 0)
    with pytest.raises(JournalInUse):
        open_journal(tmp_path / 'journal.db', 0)
    first.close()


def test_a_full_disk_is_lived_with_and_left_when_there_is_room_again(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        journal = open_journal(small_disk / 'journal.db', 0)
        fill_up(small_disk)
        asked = [escalation() for _ in range(5)]
        for one in asked:
            await journal.add(one, big())
        assert len(journal.spared) == 5
        errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
        assert len(errors) == 1 and 'full' in errors[0].getMessage()
        first = asked[0]
        await journal.write(Journal.opening, first.id)
        await journal.write(Journal.opened, first.id, 'a token')
        assert await journal.read(Journal.image, first.id) == big()
        assert await journal.read(Journal.escalation, first.id) == first
        assert [e.token for e in entries(journal)].count('a token') == 1
        await journal.write(Journal.resolved, first.id, Answer(State.CLOSED), late=False)
        await journal.write(Journal.done, first.id)
        assert first.id not in [entry.id for entry in entries(journal)]
        assert journal.spared == {one.id for one in asked[1:]}
        (small_disk / 'ballast').unlink()
        later = escalation()
        await journal.add(later, image())
        journal.close()
        again = Journal(small_disk / 'journal.db')
        assert [entry.id for entry in again.entries()] == [later.id]
        again.close()

    run(test())


def test_a_disk_that_is_full_from_the_start_is_lived_with(small_disk: Path) -> None:
    async def test() -> None:
        fill_up(small_disk)
        journal = open_journal(small_disk / 'journal.db', 0)
        await journal.add(escalation(), image())
        assert len(entries(journal)) == 1
        journal.close()

    run(test())


def test_no_room_for_images_is_no_matter_of_the_disk(tmp_path: Path) -> None:
    async def test() -> None:
        journal = open_journal(tmp_path / 'journal.db', 300_000)
        await journal.add(escalation(), big())
        with pytest.raises(JournalFull):
            await journal.add(escalation(), big())
        assert not journal.spared
        journal.close()

    run(test())


def test_notes_are_remembered(tmp_path: Path) -> None:
    async def test() -> None:
        journal = open_journal(tmp_path / 'journal.db', 0)
        assert await journal.read_or(lambda disk: disk.recall('cursor'), '') == ''
        await journal.write(Journal.remember, 'cursor', 'a')
        await journal.write(Journal.remember, 'cursor', 'b')
        journal.close()
        again = AsyncJournal(Journal(tmp_path / 'journal.db'))
        assert await again.read_or(lambda disk: disk.recall('cursor'), '') == 'b'
        again.close()

    run(test())
