# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is in the journal stays, whatever happens to the process, the disk or the file."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from disk import fill_up
from samples import escalation, image

from spark_ros.escalation.journal.errors import JournalError
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.journal.schema import SCHEMA_VERSION
from spark_ros.escalation.question.escalation import EncodedImage, Escalation
from spark_ros.geometry import ImageSize
from spark_ros.model import Answer, Correction, CorrectionKind, State

ANSWER = Answer(state=State.CLOSED, response='a cat', received=1_700_000_100.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'deep' / 'journal.db'


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


def ids(journal: Journal) -> list[str]:
    return [entry.id for entry in journal.entries()]


@pytest.mark.parametrize('in_memory', [False, True])
def test_a_question_comes_back_whole(path: Path, in_memory: bool) -> None:
    journal = Journal(None if in_memory else path)
    asked, picture = escalation(timeout_s=60.0, priority=3), image()
    entry = journal.add(asked, picture)
    assert journal.entries() == [entry]
    assert (entry.state, entry.token, entry.may_be_open) == (State.QUEUED, '', False)
    assert entry.timeout_s == 60.0 and entry.age_s == 0.0
    assert journal.escalation(asked.id) == asked
    assert journal.image(asked.id) == picture
    journal.close()


def test_every_step_is_there_after_reopening(journal: Journal, path: Path) -> None:
    asked = escalation(timeout_s=0.0)
    journal.add(asked, image())
    journal.uploaded(asked.id, 'http://service/image/1')
    journal.opening(asked.id)
    journal.opened(asked.id, 'token-1')
    journal.set_state(asked.id, State.ASSIGNED)
    journal.close()
    again = Journal(path)
    (entry,) = again.entries()
    assert (entry.image_url, entry.token, entry.may_be_open, entry.state, entry.timeout_s) == (
        'http://service/image/1', 'token-1', True, State.ASSIGNED, 0.0,
    )  # fmt: skip
    again.close()


def test_an_answer_stays_until_it_was_published(journal: Journal, path: Path) -> None:
    asked = escalation()
    journal.add(asked, image())
    journal.opened(asked.id, 'token-1')
    prior = asked.priors[0]
    answer = Answer(
        state=State.CLOSED, corrections=(Correction(CorrectionKind.CONFIRMED, prior, prior),)
    )
    journal.resolved(asked.id, answer, late=True)
    journal.close()
    again = Journal(path)
    (resolved,) = again.unpublished()
    assert resolved.recovered and resolved.late
    assert (resolved.escalation, resolved.token, resolved.answer) == (asked, 'token-1', answer)
    again.done(asked.id)
    assert ids(again) == [] and list(again.unpublished()) == []
    with pytest.raises(KeyError):
        again.image(asked.id)
    again.close()


def test_entries_are_oldest_first(journal: Journal) -> None:
    asked = [escalation() for _ in range(5)]
    for one in asked:
        journal.add(one, image())
    assert ids(journal) == [one.id for one in asked]


def test_nobody_else_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        journal = Journal(path)
        journal.add(escalation(), image())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        journal.close()
    finally:
        os.umask(before)
    assert path.name in modes and set(modes.values()) == {0o600}, modes


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    path.chmod(0o644)
    Journal(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def in_another_process(script: str, path: Path) -> subprocess.Popen[str]:
    """Run Python with `path` and this folder's samples at hand."""
    head = (
        'import os, sys; from pathlib import Path; from samples import escalation, image\n'
        'from spark_ros.escalation.journal.journal import Journal\n'
        'from spark_ros.escalation.journal.errors import JournalError\n'
        f'path = Path({str(path)!r})\n'
    )
    here = os.path.dirname(__file__)
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([here, *sys.path])}
    return subprocess.Popen(
        [sys.executable, '-c', head + script],
        env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def test_what_add_returned_from_survives_kill_9(path: Path) -> None:
    with in_another_process(
        'journal = Journal(path)\n'
        'for number in range(5):\n'
        '    journal.add(escalation(id=f"kept-{number}"), image(b"jpeg" * 50_000))\n'
        '    print(number, flush=True)\n'
        'sys.stdin.read()',
        path,
    ) as process:
        assert process.stdout
        assert [process.stdout.readline() for _ in range(5)] == [f'{n}\n' for n in range(5)]
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    journal = Journal(path)
    assert ids(journal) == [f'kept-{number}' for number in range(5)]
    assert journal.image('kept-4').data == b'jpeg' * 50_000
    assert journal.escalation('kept-0').source == bytes(range(256))
    journal.close()


def test_a_second_node_is_told_why_it_cannot_have_it(journal: Journal, path: Path) -> None:
    with in_another_process(
        'try:\n    Journal(path)\nexcept JournalError as error:\n    print(error)', path
    ) as process:
        said, trouble = process.communicate(timeout=30)
    assert not trouble
    assert str(path) in said and 'another node' in said and 'robot_id' in said
    with pytest.raises(JournalError, match='another node'):
        Journal(path)


def test_a_killed_node_leaves_no_lock_behind(path: Path) -> None:
    with in_another_process(
        'journal = Journal(path); print("open", flush=True); sys.stdin.read()', path
    ) as process:
        assert process.stdout and process.stdout.readline() == 'open\n'
        process.kill()
        process.wait(30)
    Journal(path).close()


@pytest.mark.parametrize('version', [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
@pytest.mark.parametrize('mode', ['wal', 'delete'])
def test_another_format_is_left_untouched(path: Path, mode: str, version: int) -> None:
    path.parent.mkdir()
    newer = sqlite3.connect(path)
    newer.execute(f'PRAGMA journal_mode={mode}')
    newer.execute('CREATE TABLE wonder (id TEXT)')
    newer.execute(f'PRAGMA user_version={version}')
    newer.commit()
    newer.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r'another version .*left untouched'):
        Journal(path)
    assert path.read_bytes() == before


def test_what_is_no_journal_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'holiday pictures\n' * 1000)
    with pytest.raises(JournalError, match='cannot be opened'):
        Journal(path)
    assert path.read_bytes() == b'holiday pictures\n' * 1000


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(JournalError, match='cannot be opened'):
        Journal(tmp_path / 'file' / 'journal.db')


def sized(bytes_: int) -> EncodedImage:
    return EncodedImage(bytes(bytes_), ImageSize(10, 10))


def test_images_that_the_service_has_make_room_oldest_first(path: Path) -> None:
    journal = Journal(path, max_image_bytes=300)
    asked = [escalation() for _ in range(4)]
    for one in asked[:3]:
        journal.add(one, sized(100))
    for one in asked[:2]:
        journal.uploaded(one.id, 'http://service/image')
    journal.add(asked[3], sized(50))
    with pytest.raises(KeyError):
        journal.image(asked[0].id)
    assert [journal.image(one.id).data for one in asked[1:]] == [bytes(100)] * 2 + [bytes(50)]
    assert ids(journal) == [one.id for one in asked]
    journal.close()


def test_images_that_wait_to_be_sent_are_never_thrown_away(path: Path) -> None:
    journal = Journal(path, max_image_bytes=300)
    first, second = escalation(), escalation()
    journal.add(first, sized(200))
    with pytest.raises(JournalError, match='max_mb'):
        journal.add(second, sized(200))
    assert ids(journal) == [first.id] and journal.image(first.id).data == bytes(200)
    journal.add(second, sized(100))
    journal.close()


def test_an_id_is_stored_once(journal: Journal) -> None:
    asked = escalation()
    journal.add(asked, image(b'first'))
    with pytest.raises(JournalError):
        journal.add(asked, image(b'second'))
    assert journal.image(asked.id).data == b'first'
    journal.add(escalation(), image())


def fill(journal: Journal) -> tuple[list[Escalation], Escalation]:
    """Add questions until the disk refuses; return the accepted ones and the refused one."""
    accepted: list[Escalation] = []
    for _ in range(100):
        asked = escalation()
        try:
            journal.add(asked, sized(60_000))
        except JournalError as error:
            assert 'cannot be stored' in str(error) and 'full' in str(error)
            return accepted, asked
        accepted.append(asked)
    raise AssertionError('the disk never filled')


def test_a_full_disk_refuses_whole_questions(small_disk: Path) -> None:
    journal = Journal(small_disk / 'journal.db')
    accepted, refused = fill(journal)
    assert accepted
    kept = [one.id for one in accepted]
    assert ids(journal) == kept
    for reading in (journal.escalation, journal.image):
        with pytest.raises(KeyError):
            reading(refused.id)
    journal.close()
    again = Journal(small_disk / 'journal.db')
    assert ids(again) == kept
    assert all(again.image(id).data == bytes(60_000) for id in kept)
    again.close()


def test_on_a_full_disk_every_write_is_a_journal_error(small_disk: Path) -> None:
    journal = Journal(small_disk / 'journal.db')
    accepted, _ = fill(journal)
    fill_up(small_disk)
    refusals = []
    for write in (journal.done, lambda id: journal.resolved(id, ANSWER, late=False)):
        try:
            for one in accepted * 40:
                write(one.id)
        except JournalError as error:
            refusals.append(str(error))
    assert refusals and all('cannot be written' in refusal for refusal in refusals)
    journal.close()
