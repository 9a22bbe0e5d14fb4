# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service try`: what it prints can be pasted, and its key stays through starts."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from installed import SPARK_SERVICE
from PIL import Image
from service_harness import DEADLINE_S, log_in, settings_of
from serving import command

from spark_ros.cli.service_try import kept_key
from spark_ros.clients.credentials import read_secret_file
from spark_ros.service.context import Context, open_context
from spark_ros.service.storage import keys

pytestmark = pytest.mark.sqlite('a service to try has SQLite')

CURL = """\
#!/bin/sh
printf '%s\\n' "$@" > "$ARGUMENTS"
exec "$REAL_CURL" "$@"
"""


@contextmanager
def trying(data: Path) -> Iterator[list[str]]:
    """Run it until the block ends; give the lines that it printed."""
    process = subprocess.Popen(
        [SPARK_SERVICE, 'try', '--port', '0', '--data', str(data)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    try:
        said: list[str] = []
        while not said or (said[-1] and 'curl' not in said[-1]):
            said.append(process.stdout.readline())
        assert said[-1], said
        yield said
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
        process.stdout.close()


@pytest.fixture
def context(database: str, tmp_path: Path) -> Iterator[Context]:
    opened = open_context(settings_of(tmp_path), lambda: 1.0)
    yield opened
    opened.close()


@pytest.mark.slow('starts it three times; make service is run for each change')
def test_what_it_prints_works_as_printed_and_again_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "it's my data"
    file = data / 'try.key'
    for number in (1, 2):
        with trying(data) as said:
            key = read_secret_file(file)
            told = ''.join(said)
            assert key not in told
            assert shlex.quote(str(file)) in said[1] and ('new key' in said[1]) == (number == 1)
            shown = ask_as_printed(tmp_path, said[-1], key)
            url = shown.partition('/docs/')[0]
            with httpx.Client() as console:
                (link,) = re.findall(r'http\S+/login\?token=\S+', told)
                log_in(console, link)
                picture = console.get(shown)
            assert Image.open(io.BytesIO(picture.content)).size > (100, 100)
            # There is nobody here to wait for.
            script = ''.join(said[2:-1]).replace(' --wait', '')
            for shell in ('dash', 'bash'):
                run = subprocess.run(
                    [shell, '-c', script], capture_output=True, text=True, timeout=DEADLINE_S
                )
                assert len(run.stdout.split()) == 1, run.stderr
            asked = httpx.get(
                f'{url}/v1/engagement?count=true', headers={'Authorization': f'Bearer {key}'}
            )
            assert asked.json()['count'] == 4 * number
        if number == 1:
            first = key
    assert key == first


def ask_as_printed(place: Path, line: str, key: str) -> str:
    """Run the printed line in two shells; return the URL of the picture that it asks about."""
    real = shutil.which('curl')
    if real is None:
        pytest.skip('there is no curl here')
    recorder = place / 'bin' / 'curl'
    recorder.parent.mkdir(exist_ok=True)
    recorder.write_text(CURL)
    recorder.chmod(0o700)
    arguments = place / 'arguments'
    for shell in ('dash', 'bash'):
        done = subprocess.run(
            [shell, '-c', line], cwd=place, capture_output=True, text=True, timeout=DEADLINE_S,
            env={
                **os.environ, 'PATH': f'{recorder.parent}:{os.environ["PATH"]}',
                'REAL_CURL': real, 'ARGUMENTS': str(arguments),
            },
        )  # fmt: skip
        assert '"token":' in done.stdout, (done.stdout, done.stderr)
        assert '/v1/engagement' in arguments.read_text()
        assert key not in arguments.read_text()
    (shown,) = re.findall(r'http\S+?\.png', line)
    return str(shown)


def test_a_key_that_is_valid_is_kept(context: Context, tmp_path: Path) -> None:
    first, made = kept_key(context)
    assert made
    assert (tmp_path / 'try.key').stat().st_mode & 0o777 == 0o600
    assert read_secret_file(tmp_path / 'try.key') == first
    assert kept_key(context) == (first, False)
    assert context.store.read_now(lambda connection: keys.find(connection, first)).name == 'try'


@pytest.mark.parametrize('content', [None, b'', b'\n', b'\xff\x00', b'an older key'])
def test_a_key_that_is_not_there_is_made_anew(
    context: Context, tmp_path: Path, content: bytes | None
) -> None:
    first, _ = kept_key(context)
    file = tmp_path / 'try.key'
    file.unlink()
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o644)
    second, made = kept_key(context)
    assert made and second != first
    assert file.read_text() == f'{second}\n'
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if 'key' in path.name] == ['try.key']


def test_a_revoked_key_is_made_anew(context: Context, tmp_path: Path) -> None:
    first, _ = kept_key(context)
    assert command('key', 'revoke', 'try', '--data', str(tmp_path)).returncode == 0
    second, made = kept_key(context)
    assert made and second != first
    assert context.store.read_now(lambda connection: keys.find(connection, second))
