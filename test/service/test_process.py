# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Real processes, real faults: killed, out of disk, stopped, and a port that is taken."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from disk import fill_up
from service_harness import DEADLINE_S, log_in, picture, question, served, served_by_process
from serving import command

from spark_ros.service.storage.credential_cache import KEPT_S

DEADLINE = httpx.Timeout(DEADLINE_S)


@pytest.mark.slow('kills services')
def test_what_was_answered_200_is_there_after_kill_9(data: Path, key: str) -> None:
    accepted: list[tuple[str, str]] = []
    enough = threading.Event()

    def ask(url: str) -> None:
        with httpx.Client(headers=headers, timeout=DEADLINE) as robot:
            while True:
                try:
                    image = robot.post(
                        f'{url}/v1/image', files={'image_file': ('a.jpg', picture())}
                    )
                    answer = robot.post(
                        f'{url}/v1/engagement',
                        json=question(content_location=image.json()['url']),
                    )
                except (httpx.HTTPError, ValueError):
                    return
                accepted.append((answer.json()['token'], image.json()['url']))
                if len(accepted) >= 100:
                    enough.set()

    with served_by_process(data, key=key) as service, ThreadPoolExecutor(8) as robots:
        headers = service.headers
        for _ in range(8):
            robots.submit(ask, service.url)
        assert enough.wait(DEADLINE_S)
        service.serving.kill()
    with (
        served(data, key=key) as service,
        httpx.Client(headers=headers, base_url=service.url, timeout=DEADLINE) as robot,
    ):
        for token, image in accepted:
            assert robot.get(f'/v1/engagement/{token}').json()[0]['state'] == 'open'
            assert robot.get(httpx.URL(image).path).content == picture()
        assert robot.get('/v1/engagement?count=true').json()['count'] >= len(accepted)


def test_a_full_disk_is_500_and_loses_nothing(small_disk: Path) -> None:
    from service_harness import InProcess

    from spark_ros.service.settings import Settings

    data = small_disk / 'data'
    service = InProcess(Settings(data, min_free=0))
    try:
        robot = service.tenant()
        kept = robot.ask()
        image = picture((1200, 1200), 'BMP')
        answers = [
            robot.post('/v1/image', files={'image_file': ('a.bmp', image)}) for _ in range(2)
        ]
        assert answers[-1].status_code == 500
        assert 'disk' in answers[-1].json()['message']
        assert list((data / 'images' / 'incoming').iterdir()) == []
        fill_up(small_disk)
        refused = []
        for _ in range(200):
            answer = robot.post('/v1/engagement', json=question(instructions='x' * 15_000))
            if answer.status_code != 200:
                refused.append(answer)
                break
        assert refused[0].status_code == 500
        assert 'disk' in refused[0].json()['message']
        (small_disk / 'ballast').unlink()
        assert robot.engagement(kept)['state'] == 'open'
        robot.ask()
    finally:
        service.close()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_0_though_a_console_listens(
    data: Path, number: signal.Signals
) -> None:
    with (
        served_by_process(data) as service,
        httpx.Client(base_url=service.url, timeout=DEADLINE) as console,
    ):
        log_in(console, service.login)
        with console.stream('GET', '/console/api/events') as events:
            assert next(events.iter_lines()) == 'event: queue'
            assert service.serving.stop(number) == 0
        assert 'Traceback' not in service.log.read_text()


def test_a_chunked_body_without_length_is_cut_off(data: Path, key: str) -> None:
    with served(data, key=key) as service:
        def endless() -> Iterator[bytes]:
            yield from (b'x' * 65_536 for _ in range(100))

        answer = httpx.post(
            f'{service.url}/v1/engagement', content=endless(), headers=service.headers,
            timeout=DEADLINE,
        )
        assert answer.status_code == 413
        assert answer.json()['statusCode'] == 413


def test_no_secret_is_in_the_log(data: Path, key: str) -> None:
    with served_by_process(data, '--verbose', key=key) as service:
        with httpx.Client(timeout=DEADLINE) as console:
            log_in(console, service.login)
        files = {'image_file': ('a.jpg', picture())}
        urls = httpx.post(
            f'{service.url}/v1/image', files=files, headers=service.headers, timeout=DEADLINE
        ).json()
        for url in (urls['signedUrl'], f'{service.url}/a%0aINFO forged'):
            httpx.get(url, timeout=DEADLINE)
        assert service.serving.stop() == 0
        log = service.log.read_text()
    assert 'GET /login 200' in log and 'POST /login 303' in log
    for secret in (service.login.split('=')[1], key, urls['signedUrl'].split('signature=')[1]):
        assert secret not in log
    assert not any(line.startswith('INFO forged') for line in log.splitlines())


def test_a_taken_port_is_one_clear_line(data: Path) -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        said = command('serve', '--port', str(port), '--data', str(data))
    assert said.returncode == 1
    assert said.stdout == ''
    assert said.stderr.splitlines() == [
        f'spark-service: cannot listen on 127.0.0.1 port {port}: Address already in use'
    ]


def test_keys_on_the_command_line(data: Path, database: str) -> None:
    place = ('--data', str(data))
    made = command('key', 'create', 'robot 1', *place)
    assert made.returncode == 0
    key = made.stdout.strip()
    assert made.stdout == f'{key}\n' and len(key) >= 43 and made.stderr == ''
    again = command('key', 'create', 'robot 1', *place)
    assert (again.returncode, again.stdout) == (1, '')
    assert "there is a key named 'robot 1'" in again.stderr
    assert len(command('key', 'secret', 'robot 1', *place).stdout.strip()) >= 43
    assert command('key', 'secret', 'nobody', *place).returncode == 1
    assert command('key', 'create', 'h', '--heat', '--test', *place).stdout.startswith('test_')
    with served(data, key=key) as service:
        def status() -> int:
            return httpx.get(
                f'{service.url}/v1/engagement', headers=service.headers, timeout=DEADLINE
            ).status_code

        assert status() == 200
        assert command('key', 'revoke', 'robot 1', *place).returncode == 0
        # From a process of its own, it takes effect when what the service knows is too old.
        revoked = time.monotonic()
        while (found := status()) == 200:
            assert time.monotonic() - revoked < KEPT_S + DEADLINE_S
        assert found == 401
        service.key = command('key', 'rotate', 'robot 1', *place).stdout.strip()
        assert status() == 200
    listed = command('key', 'list', *place).stdout
    assert [line.split('\t')[:3] for line in listed.splitlines()] == [
        ['robot 1', 'spark', 'active'], ['h', 'heat', 'test'],
    ]  # fmt: skip
    assert os.stat(data).st_mode & 0o777 == 0o700
    assert database or os.stat(data / 'service.db').st_mode & 0o777 == 0o600


def test_programs_on_the_command_line(data: Path, tmp_path: Path, key: str) -> None:
    place = ('--data', str(data))
    (tmp_path / 'good.png').write_bytes(picture(form='PNG'))
    program = tmp_path / 'program.yaml'
    program.write_text(
        'instructions: Find every crate\nlabel_options: [crate, pallet]\n'
        'reference_images:\n  - good.png\n  - https://192.0.2.1/b.jpg\n'
    )
    said = command('program', 'set', 'crates', '--file', str(program), *place)
    assert (said.returncode, said.stderr) == (0, '')
    assert command('program', 'list', *place).stdout == 'crates\tFind every crate\n'
    assert '"crate"' in command('program', 'show', 'crates', *place).stdout
    with (
        served(data, key=key) as service,
        httpx.Client(base_url=service.url, timeout=DEADLINE) as console,
    ):
        body = {'content_location': 'http://192.0.2.1/a.jpg', 'program_name': 'crates'}
        httpx.post(
            f'{service.url}/v1/engagement', json=body, headers=service.headers,
            timeout=DEADLINE,
        ).raise_for_status()
        log_in(console, service.login)
        shown = console.get('/console/api/questions/1').json()
        assert shown['label_options'] == ['crate', 'pallet']
        own, other = shown['reference_images']
        assert (other['source'], other['url']) == ('https://192.0.2.1/b.jpg', None)
        assert console.get(own['url']).content == picture(form='PNG')


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('', 'the program must be an object'),
        ('- a', 'the program must be an object'),
        ('instructions: [', 'line 1'),
        ('label_options: [a]', 'instructions'),
        ('instructions: "  "', 'instructions are empty'),
        ('instructions: x\nlabels: [a]', 'unknown field labels'),
        ('instructions: x\nlabel_options: [a, a]', 'twice'),
        ('instructions: x\nlabel_options: a', 'label_options must be an array'),
        ('instructions: x\nreference_images: [nowhere.png]', 'nowhere.png: No such file'),
        ('instructions: x\nreference_images: [program.yaml]', 'not a JPEG'),
        ('instructions: x\nreference_images: ["ftp://a/b"]', 'http or https'),
    ],
)
def test_a_bad_program_is_refused_with_the_reason(data: Path, text: str, said: str) -> None:
    program = data.parent / 'program.yaml'
    program.write_text(text)
    refused = command('program', 'set', 'p', '--file', str(program), '--data', str(data))
    assert refused.returncode == 1 and said in refused.stderr


def test_a_program_has_no_longer_name_than_questions_can_give() -> None:
    for words in (['program', 'show'], ['key', 'create', 'robot', '--program']):
        refused = command(*words, 'x' * 501)
        assert refused.returncode == 2 and 'the name of a program' in refused.stderr


def test_login_links_are_for_a_running_service(data: Path) -> None:
    place = ('--data', str(data))
    with served(data) as service:
        fresh = command('login-link', *place).stdout.strip()
        assert fresh.startswith(service.url)
        for link in (fresh, service.login):
            with httpx.Client(timeout=DEADLINE) as console:
                log_in(console, link)
            assert httpx.get(link, timeout=DEADLINE).status_code == 401
        unused = command('login-link', *place).stdout.strip()
        first = service
        service.serving.stop()
    none = command('login-link', *place)
    assert none.returncode == 1 and 'no service runs' in none.stderr
    with served(data) as service:
        answer = httpx.get(unused.replace(first.url, service.url), timeout=DEADLINE)
        assert answer.status_code == 401


def test_help_is_there() -> None:
    for arguments in ([], ['serve'], ['try'], ['key'], ['key', 'create'], ['program', 'set']):
        said = command(*arguments, '--help')
        assert said.returncode == 0 and 'usage: spark-service' in said.stdout


def test_it_warns_when_others_can_listen(data: Path) -> None:
    with served(data, '--host', '0.0.0.0') as service:
        assert service.url.startswith('http://127.0.0.1:')
        service.serving.stop()
        assert 'without TLS' in service.log.read_text()


def test_the_event_loop_is_the_fast_one(data: Path, key: str) -> None:
    """In use, and not only installed."""
    with served(data, key=key) as service:
        assert type(service.serving._server._loop).__module__ == 'uvloop'
