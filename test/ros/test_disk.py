# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whatever becomes of the journal's file, the node runs and questions are answered."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from disk import fill_up
from monitor import ERROR, OK, Seen
from robot import (
    BEST_EFFORT,
    RELIABLE,
    NodeProcess,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from services import Service
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.journal.journal import SCHEMA_VERSION, Journal

pytestmark = pytest.mark.slow('nodes on disks that refuse')

FROM_MEMORY = 'sing memory only'


@pytest.fixture
def settings(robot: Robot, service: Service, tmp_path: Path) -> dict[str, Any]:
    """What the node needs to reach a service that answers at once; listen to it."""
    service.start('scripted')
    token_file = tmp_path / 'token'
    token_file.touch(0o600)
    token_file.write_text(service.key)
    robot.listen('front')
    return {'server__url': service.url, 'server__token_file': str(token_file)}


class Doubts:
    """A camera with a detector, for a node that listens already."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        self._camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        self._detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
        self._number = 0

    def are_answered(self) -> None:
        """Ask about one more object and wait for the answer."""
        self._number += 1
        header = stamped(100.0 + self._number)
        frame, found = picture(self._number), detection(f'cat {self._number}', (50, 60, 100, 80))

        def answered() -> bool:
            self._camera.publish(raw(frame, header))
            self._detector.publish(detections(header, found))
            return any(r.header == header for r in self._robot.resolutions)

        self._robot.until(answered)


def complaints(node: NodeProcess, words: str) -> list[str]:
    return [line for line in node.lines if '[ERROR]' in line and words in line]


def test_a_disk_that_becomes_full(
    robot: Robot, settings: dict[str, Any], small_disk: Path
) -> None:
    path = small_disk / 'journal.db'
    seen = Seen(robot)
    node = robot.spawn(journal__path=str(path), **settings)
    doubts = Doubts(robot)
    doubts.are_answered()
    fill_up(small_disk)
    for _ in range(3):
        doubts.are_answered()
    assert len(complaints(node, FROM_MEMORY)) == 1, node.output
    seen.until('questions', ERROR, 'the disk refuses the journal')
    (small_disk / 'ballast').unlink()
    doubts.are_answered()
    values = seen.until('questions', OK)
    assert values['in memory only'] == '0' and values['journal'] == str(path)
    assert node.end() == 0
    assert 'Traceback' not in node.output
    journal = Journal(path)
    assert journal.entries() == []
    journal.close()


def test_a_disk_that_is_full_at_the_start(
    robot: Robot, settings: dict[str, Any], small_disk: Path
) -> None:
    fill_up(small_disk)
    node = robot.spawn(journal__path=str(small_disk / 'journal.db'), **settings)
    doubts = Doubts(robot)
    for _ in range(2):
        doubts.are_answered()
    assert len(complaints(node, FROM_MEMORY)) == 1, node.output
    values = Seen(robot).until('questions', ERROR, 'everything is in memory')
    assert values['journal'] == 'in memory'
    assert node.end() == 0


def test_a_damaged_journal(robot: Robot, settings: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / 'journal.db'
    damaged = b'SQLite format 3\0' + b'x' * 9000
    path.write_bytes(damaged)
    node = robot.spawn(**settings)
    Doubts(robot).are_answered()
    (aside,) = tmp_path.glob('journal.db.damaged-*')
    assert aside.read_bytes() == damaged
    (line,) = complaints(node, str(path))
    assert str(aside) in line
    assert node.end() == 0


def write_newer(path: Path, *, killed: bool) -> None:
    """Write what a newer version may leave, at an orderly end or when it is killed."""
    origin = path.with_name('origin.db')
    with closing(sqlite3.connect(origin)) as newer:
        newer.execute('PRAGMA journal_mode=WAL')
        newer.execute(f'PRAGMA user_version = {SCHEMA_VERSION + 1}')
        newer.execute('CREATE TABLE from_the_future (x)')
        newer.execute('PRAGMA wal_checkpoint')
        newer.execute('INSERT INTO from_the_future VALUES (1)')
        newer.commit()
        if killed:
            for suffix in ('', '-wal', '-shm'):
                shutil.copy(f'{origin}{suffix}', f'{path}{suffix}')
            return
    origin.rename(path)


@pytest.mark.parametrize('killed', [False, True])
def test_a_journal_of_a_newer_version(
    robot: Robot, settings: dict[str, Any], tmp_path: Path, killed: bool
) -> None:
    path = tmp_path / 'journal.db'
    write_newer(path, killed=killed)
    files = [path, tmp_path / 'journal.db-wal'] if killed else [path]
    before = [file.read_bytes() for file in files]
    node = robot.spawn(**settings)
    Doubts(robot).are_answered()
    (line,) = complaints(node, FROM_MEMORY)
    assert 'another version' in line and str(path) in line
    assert node.end() == 0
    assert [file.read_bytes() for file in files] == before
