# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service backup`, as the page has it and as it can go wrong, on a service in use."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from disk import fill_up
from installed import SPARK_SERVICE
from s3_server import S3Server
from service_harness import DEADLINE_S, Served, picture, question, served
from serving import command, printed

from spark_ros.service import backup
from spark_ros.service.settings import Settings

pytestmark = [
    pytest.mark.slow('backs up and restores running services'),
    pytest.mark.sqlite('PostgreSQL has backups of its own'),
]

PAGE = Path(__file__).parents[2] / 'docs' / 'running-the-service.md'
CALLERS = 4
BEFORE, DURING = 12, 12


def run(
    name: str, data: Path, target: Path, restored: Path, pause: Callable[[], None] = lambda: None
) -> None:
    """Run a block of the page with other folders, each line after a pause."""
    (block,) = re.findall(rf'<!-- {name} -->\n```sh\n(.*?)```', PAGE.read_text('utf-8'), re.DOTALL)
    for shown, real in (
        ('/var/lib/spark-restored', restored), ('/var/lib/spark', data), ('/backup/spark', target),
    ):  # fmt: skip
        block = re.sub(rf'{shown}(?![\w-])', str(real), block)
    for line in block.replace('spark-service ', f'{SPARK_SERVICE} ').splitlines():
        pause()
        done = subprocess.run(
            ['bash', '-c', line], text=True, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0 and not done.stderr, done.stderr


def places(folder: Path) -> tuple[Path, Path, Path]:
    return folder / 'data', folder / 'backup' / 'spark', folder / 'restored'


def ask(http: httpx.Client) -> str:
    """Upload an image and ask about it; return the token once both are answered 200."""
    sent = http.post('/v1/image', files={'image_file': ('a.jpg', picture())})
    assert sent.status_code == 200, sent.text
    location = sent.json()['signedUrl']
    asked = http.post('/v1/engagement', json=question(content_location=[location]))
    assert asked.status_code == 200, asked.text
    return str(asked.json()['token'])


@pytest.mark.slow('runs commands of a page under load')
def test_a_backup_of_a_busy_service_has_all_that_was_answered(tmp_path: Path) -> None:
    data, target, restored = places(tmp_path)
    key = printed('key', 'create', 'robot', '--data', str(data))
    over, during = threading.Event(), threading.Semaphore(0)

    def go_on(http: httpx.Client) -> None:
        while not over.is_set():
            ask(http)
            during.release()

    def some_more() -> None:
        for _ in range(DURING):
            assert during.acquire(timeout=DEADLINE_S)

    with (
        served(data, key=key) as service,
        httpx.Client(base_url=service.url, headers=service.headers, timeout=DEADLINE_S) as http,
        ThreadPoolExecutor(CALLERS) as callers,
    ):
        kept = [ask(http) for _ in range(BEFORE)]
        busy = [callers.submit(go_on, http) for _ in range(CALLERS)]
        try:
            run('backup', data, target, restored, some_more)
            some_more()
            run('backup', data, target, restored)
        finally:
            over.set()
        for each in busy:
            each.result(DEADLINE_S)
    assert all(
        stat.S_IMODE(file.stat().st_mode) == (0o700 if file.is_dir() else 0o600)
        for file in (target, *target.rglob('*'))
    )

    run('restore', data, target, restored)
    with (
        served(restored, key=key) as service,
        httpx.Client(base_url=service.url, headers=service.headers, timeout=DEADLINE_S) as http,
    ):
        found, cursor = [], 0
        while page := http.get('/v1/engagement', params={'limit': 50, 'cursor': cursor}).json():
            found += page
            cursor += len(page)
        assert len(found) >= BEFORE + 2 * DURING
        assert [each['token'] for each in found[:BEFORE]] == kept
        for each in found:
            path = httpx.URL(each['image_location']).path
            answer = http.get(path)
            assert answer.status_code == 200 and answer.content == picture(), path


@pytest.fixture(scope='module')
def asked_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp('asked') / 'data'
    key = printed('key', 'create', 'robot', '--data', str(data))
    with served(data, key=key) as service:
        more(service, 3)
    return data


@pytest.fixture
def asked(asked_once: Path, tmp_path: Path) -> Path:
    """The data of a service that was asked a few questions, each about an image of its own."""
    return Path(shutil.copytree(asked_once, tmp_path / 'data'))


def more(service: Served, count: int) -> None:
    with httpx.Client(
        base_url=service.url, headers=service.headers, timeout=DEADLINE_S
    ) as http:
        for _ in range(count):
            ask(http)


def back_up(data: Path, target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return command('backup', str(target), '--data', str(data), *arguments)


def images_of(folder: Path) -> dict[str, int]:
    """Return the images in a folder with their inode, which changes when one is written anew."""
    return {
        file.name: file.stat().st_ino
        for file in (folder / 'images').glob('*/*/*.jpg')
    }


def questions_in(folder: Path) -> int:
    with closing(sqlite3.connect(folder / 'service.db')) as connection:
        (count,) = connection.execute('SELECT count(*) FROM questions').fetchone()
    return int(count)


def test_the_second_backup_copies_only_new_images(asked: Path, tmp_path: Path) -> None:
    target = tmp_path / 'backup'
    first = back_up(asked, target)
    assert (first.returncode, first.stderr) == (0, '')
    assert 'images: 3 copied, 0 were there' in first.stdout
    before = images_of(target)
    assert before.keys() == images_of(asked).keys() and questions_in(target) == 3
    key = printed('key', 'create', 'another', '--data', str(asked))
    with served(asked, key=key) as service:
        more(service, 2)
        second = back_up(asked, target)
    assert 'images: 2 copied, 3 were there' in second.stdout
    after = images_of(target)
    assert before.items() <= after.items() and len(after) == 5
    assert questions_in(target) == 5


def test_an_image_that_is_gone_is_told_and_the_rest_is_kept(asked: Path, tmp_path: Path) -> None:
    gone, damaged, _ = sorted((asked / 'images').rglob('*.jpg'))
    gone.unlink()
    damaged.write_bytes(bytes(damaged.stat().st_size))
    said = back_up(asked, tmp_path / 'backup')
    assert said.returncode == 0
    assert 'images: 1 copied, 0 were there' in said.stdout
    assert 'images: 2 that the database knows are not in' in said.stdout


def test_killed_in_the_middle_the_last_backup_is_whole(asked: Path, tmp_path: Path) -> None:
    target = tmp_path / 'backup'
    assert back_up(asked, target).returncode == 0
    key = printed('key', 'create', 'another', '--data', str(asked))
    with served(asked, key=key) as service:
        more(service, 2)
    last = images_of(target)
    new = [file for file in (asked / 'images').rglob('*.jpg') if file.name not in last]
    # It reads an image from a pipe into which nobody writes: there it is killed.
    content = new[0].read_bytes()
    for file in new:
        file.unlink()
        os.mkfifo(file)
    process = subprocess.Popen([SPARK_SERVICE, 'backup', str(target), '--data', str(asked)])
    try:
        # Opening blocks until it reads.
        with open(_first_read(asked, new), 'wb'):
            process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE_S)
    finally:
        process.kill()
        process.wait(DEADLINE_S)
    assert (target / 'service.db.part').exists()
    assert questions_in(target) == 3 and len(images_of(target)) == 3
    for file in new:
        file.unlink()
        file.write_bytes(content)
    said = back_up(asked, target)
    assert 'images: 2 copied, 3 were there' in said.stdout
    assert questions_in(target) == 5
    assert sorted(each.name for each in target.iterdir()) == ['images', 'service.db']
    assert not list((target / 'images' / 'incoming').iterdir())


def _first_read(data: Path, new: list[Path]) -> Path:
    with closing(sqlite3.connect(data / 'service.db')) as connection:
        names = [name for (name,) in connection.execute('SELECT name FROM images')]
    return min(new, key=lambda file: names.index(file.name))


def refusal(data: Path, target: Path, *arguments: str) -> str:
    """Return the one line by which a backup is refused."""
    said = back_up(data, target, *arguments)
    assert (said.returncode, said.stdout) == (1, ''), said
    (line,) = said.stderr.splitlines()
    return line


def test_what_cannot_be_backed_up_is_one_line(asked: Path, tmp_path: Path) -> None:
    target = tmp_path / 'backup'
    assert 'there is no service data in' in refusal(tmp_path / 'nowhere', target)
    for inside in (asked, asked / 'backup', asked / 'images', asked / '..' / 'data'):
        assert 'part of the data directory' in refusal(asked, inside)
    postgres = 'postgresql+psycopg://spark@127.0.0.1/spark'
    assert 'pg_dump' in refusal(asked, target, '--database', postgres)
    (tmp_path / 'file').write_text('')
    assert 'File exists' in refusal(asked, tmp_path / 'file')
    (tmp_path / 'odd').mkdir()
    (tmp_path / 'odd' / 'service.db').write_text('no database')
    assert 'not the database of a service' in refusal(tmp_path / 'odd', target)
    assert not target.exists()
    other = tmp_path / 'other'
    command('key', 'create', 'robot', '--data', str(other))
    assert back_up(asked, target).returncode == 0
    assert 'not a backup of this service' in refusal(other, target)
    assert questions_in(target) == 3


def test_a_full_disk_leaves_the_last_backup(asked: Path, small_disk: Path) -> None:
    target = small_disk / 'backup'
    assert back_up(asked, target).returncode == 0
    key = printed('key', 'create', 'another', '--data', str(asked))
    with served(asked, key=key) as service:
        more(service, 1)
    fill_up(small_disk)
    line = refusal(asked, target)
    assert 'full' in line or 'No space' in line
    assert questions_in(target) == 3 and len(images_of(target)) == 3
    assert not (target / 'service.db.part').exists()
    (small_disk / 'ballast').unlink()
    assert back_up(asked, target).returncode == 0
    assert questions_in(target) == 4


def test_images_in_a_bucket_stay_there(
    bucket: S3Server, tmp_path: Path
) -> None:
    data, target, url = tmp_path / 'data', tmp_path / 'backup', bucket.url(tmp_path.name)
    key = printed('key', 'create', 'robot', '--data', str(data))
    with served(data, '--images', url, key=key) as service:
        more(service, 2)
        said = back_up(data, target, '--images', url)
    assert said.returncode == 0 and f'images: they are in {url}' in said.stdout
    assert not (target / 'images').exists() and questions_in(target) == 2
    with (
        served(target, '--images', url, key=key) as service,
        httpx.Client(base_url=service.url, headers=service.headers, timeout=DEADLINE_S) as http,
    ):
        for each in http.get('/v1/engagement').json():
            assert http.get(httpx.URL(each['image_location']).path).content == picture()


def test_long_work_tells_how_far_it_is(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, 'REPORT_EVERY_S', 0.0)
    monkeypatch.setattr(backup, 'STEPS', 100)
    told: list[str] = []
    backup.back_up(Settings(asked), tmp_path / 'backup', told.append)
    assert any(re.fullmatch(r'database: \d+ of about \d+ MiB', line) for line in told)
    assert [line for line in told if line.startswith('images: ')][:2] == [
        'images: 0 of 3', 'images: 1 of 3',
    ]  # fmt: skip
    assert told[-1] == 'images: 3 copied, 0 were there'
