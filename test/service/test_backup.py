# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The commands of docs/running-the-service.md copy a service that is in use, and restore it."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from service_harness import DEADLINE_S, command, picture, question, served

PAGE = Path(__file__).parents[2] / 'docs' / 'running-the-service.md'
CALLERS = 4
BEFORE, DURING = 12, 12

pytestmark = pytest.mark.skipif(shutil.which('sqlite3') is None, reason='needs the sqlite3 shell')


def run(
    name: str, data: Path, backup: Path, restored: Path, pause: Callable[[], None] = lambda: None
) -> None:
    """Run a block of the page with other folders, line by line with a pause in between."""
    (block,) = re.findall(rf'<!-- {name} -->\n```sh\n(.*?)```', PAGE.read_text('utf-8'), re.DOTALL)
    for shown, real in (
        ('/var/lib/spark-restored', restored), ('/var/lib/spark', data), ('/backup/spark', backup),
    ):  # fmt: skip
        block = re.sub(rf'{shown}(?![\w-])', str(real), block)
    first, *lines = block.splitlines()
    assert first == 'umask 077'
    for line in lines:
        pause()
        done = subprocess.run(
            ['bash', '-c', f'{first}; {line}'], text=True, capture_output=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0 and not done.stderr, done.stderr


def ask(http: httpx.Client) -> str:
    """Upload an image and ask about it; return the token once both are answered 200."""
    sent = http.post('/v1/image', files={'image_file': ('a.jpg', picture())})
    assert sent.status_code == 200, sent.text
    location = sent.json()['signedUrl']
    asked = http.post('/v1/engagement', json=question(content_location=[location]))
    assert asked.status_code == 200, asked.text
    return str(asked.json()['token'])


def test_a_backup_of_a_busy_service_has_all_that_was_answered(tmp_path: Path) -> None:
    data, backup, restored = (tmp_path / name for name in ('data', 'backup', 'restored'))
    key = command('key', 'create', 'robot', '--data', str(data)).stdout.strip()
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
            run('backup', data, backup, restored, some_more)
        finally:
            over.set()
        for each in busy:
            each.result(DEADLINE_S)
    assert all(not stat.S_IMODE(file.stat().st_mode) & 0o077 for file in backup.iterdir())

    run('restore', data, backup, restored)
    with (
        served(restored, key=key) as service,
        httpx.Client(base_url=service.url, headers=service.headers, timeout=DEADLINE_S) as http,
    ):
        found, cursor = [], 0
        while page := http.get('/v1/engagement', params={'limit': 50, 'cursor': cursor}).json():
            found += page
            cursor += len(page)
        assert len(found) >= BEFORE + DURING
        assert [each['token'] for each in found[:BEFORE]] == kept
        for each in found:
            path = httpx.URL(each['image_location']).path
            answer = http.get(path)
            assert answer.status_code == 200 and answer.content == picture(), path
