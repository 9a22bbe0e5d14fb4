# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node runs whatever becomes of its journal's file."""

from __future__ import annotations

import logging
import sqlite3
import stat
from pathlib import Path

import pytest
from disk import fill_up
from samples import escalation, image

from spark_ros.escalation.journal.errors import JournalFull, JournalInUse
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.journal.safe_journal import SafeJournal, open_journal
from spark_ros.escalation.journal.schema import SCHEMA_VERSION
from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.geometry import ImageSize
from spark_ros.model import Answer, State


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
    asked = escalation()
    journal.add(asked, image())
    journal.close()
    again = open_journal(path, 0)
    assert [entry.id for entry in again.entries()] == [asked.id]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again.close()


def test_a_journal_damaged_in_the_middle_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / 'journal.db'
    journal = Journal(path)
    for _ in range(20):
        journal.add(escalation(), big())
    journal.close()
    data = bytearray(path.read_bytes())
    data[4096:40_960] = bytes(36_864)
    path.write_bytes(data)
    fresh = open_journal(path, 0)
    assert fresh.entries() == []
    fresh.add(escalation(), image())
    fresh.close()
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
    journal = open_journal(path, 0)
    assert journal.path is None and 'another version' in caplog.text
    asked = escalation()
    journal.add(asked, image())
    assert journal.escalation(asked.id) == asked
    journal.close()
    assert path.read_bytes() == before


def test_a_journal_in_use_is_refused(tmp_path: Path) -> None:
    first = open_journal(tmp_path / 'journal.db', 0)
    with pytest.raises(JournalInUse):
        open_journal(tmp_path / 'journal.db', 0)
    first.close()


def test_a_full_disk_is_lived_with_and_left_when_there_is_room_again(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(small_disk / 'journal.db', 0)
    fill_up(small_disk)
    asked = [escalation() for _ in range(5)]
    for one in asked:
        journal.add(one, big())
    assert journal.spared == 5
    errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == 1 and 'full' in errors[0].getMessage()
    first = asked[0]
    journal.opening(first.id)
    journal.opened(first.id, 'a token')
    assert journal.image(first.id) == big() and journal.escalation(first.id) == first
    assert [e.token for e in journal.entries()].count('a token') == 1
    journal.resolved(first.id, Answer(State.CLOSED), late=False)
    journal.done(first.id)
    assert first.id not in [entry.id for entry in journal.entries()]
    (small_disk / 'ballast').unlink()
    later = escalation()
    journal.add(later, image())
    journal.close()
    again = Journal(small_disk / 'journal.db')
    assert [entry.id for entry in again.entries()] == [later.id]
    again.close()


def test_a_disk_that_is_full_from_the_start_is_lived_with(small_disk: Path) -> None:
    fill_up(small_disk)
    journal = open_journal(small_disk / 'journal.db', 0)
    journal.add(escalation(), image())
    assert len(journal.entries()) == 1
    journal.close()


def test_no_room_for_images_is_no_matter_of_the_disk(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / 'journal.db', 300_000)
    journal.add(escalation(), big())
    with pytest.raises(JournalFull):
        journal.add(escalation(), big())
    assert journal.spared == 0
    journal.close()


def test_notes_are_remembered(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / 'journal.db', 0)
    assert journal.note('cursor') == ''
    journal.remember('cursor', 'a')
    journal.remember('cursor', 'b')
    journal.close()
    again = SafeJournal(Journal(tmp_path / 'journal.db'))
    assert again.note('cursor') == 'b'
    again.close()
