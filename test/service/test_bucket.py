# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A service that keeps images in a bucket: what goes wrong with stores, done to real processes."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run
from typing import Any

import httpx
import pytest
from s3_server import KEY, SECRET, S3Server, uploads
from service_harness import (
    DEADLINE_S,
    Served,
    log_in,
    picture,
    question,
    served,
    served_by_process,
)
from serving import command

from spark_ros.service.storage.store import READERS

pytestmark = [
    pytest.mark.slow('starts and stops an S3 server'),
    pytest.mark.sqlite('about images, not about the database'),
]

# A store that is away is tried twice, with a pause in between.
TIMEOUT = httpx.Timeout(2 * DEADLINE_S)
UPLOADS = 20
MP4 = b'\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2'


@pytest.fixture
def url(bucket: S3Server, tmp_path: Path) -> str:
    return bucket.url(tmp_path.name)


def client(service: Served) -> httpx.Client:
    return httpx.Client(base_url=service.url, headers=service.headers, timeout=TIMEOUT)


def upload(http: httpx.Client, content: bytes | None = None) -> httpx.Response:
    return http.post('/v1/image', files={'image_file': ('a.jpg', content or picture())})


def is_503(answer: httpx.Response) -> bool:
    said = answer.json()
    return answer.status_code == 503 == said['statusCode'] and 'repeat' in said['message']


def refused(data: Path, url: str) -> str:
    """Start a service that must not start; return the one line that says why."""
    said = command('serve', '--port', '0', '--data', str(data), '--images', url)
    assert (said.returncode, said.stdout) == (1, '')
    (line,) = said.stderr.splitlines()
    assert SECRET not in line and KEY not in line
    return line.removeprefix(f'spark-service: cannot store images in {url}: ')


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('AWS_ACCESS_KEY_ID', 'somebody-else', 'does not accept these credentials'),
        ('AWS_SECRET_ACCESS_KEY', 'wrong', 'does not accept these credentials'),
        ('AWS_ENDPOINT_URL', 'http://127.0.0.1:9', '127.0.0.1:9 cannot be reached'),
        ('AWS_ENDPOINT_URL', 'nonsense', 'the AWS settings are not usable'),
    ],
)
def test_what_is_wrong_at_the_start_is_one_line(
    data: Path, url: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert said in refused(data, url)


def test_no_credentials_no_bucket_no_boto3(
    data: Path, bucket: S3Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(data, 's3://another') == (
        f'127.0.0.1:{bucket.port} has no such bucket'
    )
    without = 'import sys; sys.modules["boto3"] = None; from spark_ros.cli.service import main; '
    arguments = ['serve', '--port', '0', '--data', str(data), '--images', url]
    said = run(
        [sys.executable, '-c', f'{without} sys.exit(main({arguments!r}))'],
        capture_output=True, text=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr.endswith('this needs boto3; pip install boto3\n')
    assert len(said.stderr.splitlines()) == 1
    for name in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'):
        monkeypatch.delenv(name)
    for name in ('AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE'):
        monkeypatch.setenv(name, str(tmp_path / 'nothing'))
    monkeypatch.setenv('AWS_EC2_METADATA_DISABLED', 'true')
    assert 'set AWS_ACCESS_KEY_ID' in refused(data, url)


@pytest.mark.parametrize(
    'url', ['s3://', 's3://b?key=hunter2', 's3://me:hunter2@b', 'https://b/c', 's3://b/../c', 's3']
)
def test_a_url_that_is_none_is_refused_and_not_repeated(data: Path, url: str) -> None:
    said = command('serve', '--data', str(data), '--images', url)
    assert said.returncode == 2 and 's3://BUCKET' in said.stderr
    assert 'hunter2' not in said.stderr


def test_a_store_that_goes_away_loses_nothing_and_comes_back(
    data: Path, key: str, url: str, bucket: S3Server
) -> None:
    with served(data, '--images', url, key=key) as service, client(service) as http:
        before = upload(http).json()['url']
        bucket.stop()
        try:
            assert is_503(upload(http))
            assert is_503(http.get(before))
            assert http.head(before).status_code == 503
            asked = http.post('/v1/engagement', json=question(content_location=before))
            assert asked.status_code == 200
        finally:
            bucket.start()
        again = upload(http)
        assert again.status_code == 200
        for each in (before, again.json()['url']):
            assert http.get(each).content == picture()
        service.serving.stop()
        log = service.log.read_text().splitlines()
    assert len(log) == 2, log
    assert 'uploads and images are answered 503' in log[0]
    assert 'can be stored and read again' in log[1]
    assert not any(secret in line for line in log for secret in (KEY, SECRET))


def test_a_store_that_hangs_holds_up_no_question(
    data: Path, key: str, url: str, bucket: S3Server
) -> None:
    with (
        served(data, '--images', url, key=key) as service,
        client(service) as http,
        ThreadPoolExecutor(UPLOADS) as robots,
    ):
        with bucket.hanging():
            # More than the threads there are for images, and those there are for the database.
            waiting = [robots.submit(upload, http) for _ in range(UPLOADS)]
            _until(lambda: bucket.callers >= READERS, http)
            asked = http.post('/v1/engagement', json=question())
            assert asked.status_code == 200
            assert _state(http, asked.json()['token']) == 'open'
            assert not any(each.done() for each in waiting)
        assert [each.result(2 * DEADLINE_S).status_code for each in waiting] == [200] * UPLOADS


@pytest.mark.slow('a video of 60 MB')
def test_a_video_that_breaks_off_is_no_whole_one(
    data: Path, key: str, url: str, bucket: S3Server
) -> None:
    content = MP4 + random.Random(2).randbytes(60_000_000)
    with served(data, '--images', url, key=key) as service, client(service) as http:
        sent = http.post('/v1/video', files={'video_file': ('a.mp4', content)})
        assert sent.status_code == 200, sent.text
        received = b''
        try:
            with (
                http.stream('GET', sent.json()['url']) as answer,
                pytest.raises(httpx.RemoteProtocolError),
            ):
                for chunk in answer.iter_bytes():
                    if not received:
                        bucket.stop()
                    received += chunk
        finally:
            bucket.stop()
            bucket.start()
        assert 0 < len(received) < len(content)
        assert content.startswith(received)
        assert http.get(sent.json()['url']).content == content
        assert 'Traceback' not in service.log.read_text()


def test_the_scripted_operator_waits_for_the_store(
    data: Path, key: str, url: str, bucket: S3Server, tmp_path: Path
) -> None:
    truth = tmp_path / 'truth.json'
    truth.write_text('{"images": []}')
    arguments = ('--images', url, '--operator', f'scripted:{truth}', '--operator-delay', '0.2')
    with served(data, *arguments, key=key) as service, client(service) as http:
        location = upload(http).json()['url']
        bucket.stop()
        try:
            asked = http.post('/v1/engagement', json=question(content_location=location))
            token = asked.json()['token']
            # The log tells when the operator could not look.
            _until(lambda: 'answered 503' in service.log.read_text(), http)
            assert _state(http, token) in ('open', 'assigned')
        finally:
            bucket.start()
        _until(lambda: _state(http, token) == 'closed', http)
        found = http.get(f'/v1/engagement/{token}').json()[0]
        assert not found.get('flags')
        assert 'Traceback' not in service.log.read_text()


@pytest.mark.slow('kills services')
def test_what_was_answered_200_is_in_the_bucket_after_kill_9(
    data: Path, key: str, url: str, bucket: S3Server, tmp_path: Path
) -> None:
    accepted: list[tuple[str, bytes]] = []
    enough = threading.Event()

    def go_on(address: str, headers: dict[str, str], seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT) as http:
            while True:
                content = MP4 + chance.randbytes(chance.randint(1000, 3_000_000))
                try:
                    answer = http.post('/v1/video', files={'video_file': ('a.mp4', content)})
                    accepted.append((answer.json()['url'], content))
                except (httpx.HTTPError, ValueError):
                    return
                if len(accepted) >= 30:
                    enough.set()

    with (
        served_by_process(data, '--images', url, key=key) as service,
        ThreadPoolExecutor(4) as robots,
    ):
        for seed in range(4):
            robots.submit(go_on, service.url, service.headers, seed)
        assert enough.wait(2 * DEADLINE_S)
        service.serving.kill()
    with served(data, '--images', url, key=key) as service, client(service) as http:
        for address, content in accepted:
            assert http.get(httpx.URL(address).path).content == content
        known = {httpx.URL(address).path.rpartition('/')[2] for address, _ in accepted}
        tenant = accepted[0][0].split('/')[-2]
        for file in uploads(bucket.place(tmp_path.name)):
            # What the kill left between the bucket and the database is whole, or not served.
            answer = http.get(f'/v1/image/{tenant}/{file.name}')
            assert answer.status_code == (200 if file.name in known else answer.status_code)
            assert answer.status_code in (200, 404)
            if answer.status_code == 200:
                assert len(answer.content) == int(answer.headers['content-length'])


def test_a_program_keeps_its_pictures_in_the_bucket(
    data: Path, key: str, url: str, bucket: S3Server, tmp_path: Path
) -> None:
    (tmp_path / 'good.png').write_bytes(picture(form='PNG'))
    program = tmp_path / 'program.yaml'
    program.write_text('instructions: Find every crate\nreference_images: [good.png]\n')
    place = ('--data', str(data), '--images', url)
    said = command('program', 'set', 'crates', '--file', str(program), *place)
    assert (said.returncode, said.stderr) == (0, '')
    (file,) = uploads(bucket.place(tmp_path.name))
    assert file.read_bytes() == picture(form='PNG')
    with served(data, '--images', url, key=key) as service, client(service) as http:
        http.post('/v1/engagement', json=question(program_name='crates')).raise_for_status()
        log_in(http, service.login)
        (shown,) = http.get('/console/api/questions/1').json()['reference_images']
        assert http.get(shown['url']).content == picture(form='PNG')
    bucket.stop()
    try:
        away = command('program', 'set', 'crates', '--file', str(program), *place)
    finally:
        bucket.start()
    assert away.returncode == 1 and 'repeat later' in away.stderr
    assert 'Traceback' not in away.stderr


def _state(http: httpx.Client, token: str) -> str:
    return str(http.get(f'/v1/engagement/{token}').json()[0]['state'])


def _until(condition: Callable[[], Any], http: httpx.Client) -> None:
    """Look again whenever the service has something new, or after a second without."""
    cursor = None
    for _ in range(int(2 * DEADLINE_S)):
        if condition():
            return
        params = {'block': '1'} | ({'cursor': cursor} if cursor else {})
        cursor = http.get('/v1/changes', params=params).json()['cursor']
    raise AssertionError('not in time')
