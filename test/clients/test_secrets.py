# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The token is never seen: not in a message, a traceback, a repr or a log."""

from __future__ import annotations

import asyncio
import io
import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import shown

from spark_ros.clients import ClientError, RetryPolicy, SparkClient
from spark_ros.clients.credentials import CredentialError, find_token, read_secret_file
from spark_ros.clients.transport import SecretHeader

TOKEN = 'open-sesame-4711'


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that anybody logs, from DEBUG up."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    names = (None, 'httpx', 'httpcore', 'asyncio', 'spark_ros')
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    'fault', ['close', 'reset', 'hang', 'half', 'garbage', 'refused', '401', '404', '500', 'echo',
              'redirect', 'split'],
)  # fmt: skip
def test_no_failure_shows_it(fault_server: Any, naps: Any, log: io.StringIO, fault: str) -> None:
    """Also not where the service itself repeats it."""
    answer = fault_server.answer
    act = {
        'half': answer(b'{"token": "', length=100),
        'garbage': answer(f'<p>{TOKEN}</p>'.encode()),
        '401': answer({'statusCode': 401, 'message': f'bad key {TOKEN}'}, 401),
        '404': answer(TOKEN.encode(), 404),
        '500': answer({'message': f'{TOKEN}{TOKEN}' + 'x' * 490 + TOKEN}, 500),
        'echo': answer({'message': 'y' * 490 + TOKEN}, 400),
        'redirect': answer(b'', 302, Location='http://elsewhere/?key=' + TOKEN.upper()),
        'split': answer({'message': TOKEN[:5] + '\x00' + TOKEN[5:]}, 400),
    }.get(fault) or getattr(fault_server, fault, fault_server.close)

    async def run() -> tuple[ClientError, str]:
        server = fault_server(act)
        async with server:
            url = server.url if fault != 'refused' else 'http://127.0.0.1:9'
            client = SparkClient(
                url, TOKEN, timeout_s=0.1, sleep=naps, retry=RetryPolicy(attempts=2)
            )
            async with client:
                with pytest.raises(ClientError) as caught:
                    await client.get_job('a-job')
                return caught.value, f'{client!r} {vars(client)}'

    error, reprs = asyncio.run(run())
    assert log.getvalue()
    for text in (shown(error), reprs, log.getvalue()):
        assert TOKEN not in text
    assert error.__cause__ is None and error.__context__ is None


def test_a_success_does_not_log_it(fault_server: Any, log: io.StringIO) -> None:
    """At DEBUG httpx and httpcore tell a lot."""

    async def run() -> None:
        server = fault_server(fault_server.answer({'token': 't'}))
        async with server, SparkClient(server.url, TOKEN) as client:
            await client.create_engagement('http://h/i.jpg', instructions='?')
        assert server.received[0].headers['authorization'] == f'Bearer {TOKEN}'

    asyncio.run(run())
    assert 'HTTP Request: POST' in log.getvalue()
    assert TOKEN not in log.getvalue()


@pytest.mark.parametrize(
    'token', ['', TOKEN + '\n', TOKEN + '\r\nEvil: 1', TOKEN + ' ', TOKEN + 'ä', TOKEN + '€',
              TOKEN + '\x00', TOKEN + '\ud800'],
)  # fmt: skip
def test_a_token_that_no_header_carries(token: str) -> None:
    """Refused without repeating it."""
    with pytest.raises(ValueError, match='header') as caught:
        SparkClient('http://h', token)
    assert TOKEN not in str(caught.value) + repr(caught.value)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    """It would go out instead of the token."""
    with pytest.raises(ValueError, match='password') as caught:
        SparkClient(f'http://me:{TOKEN}@h', 'x')
    assert TOKEN not in ''.join(traceback.format_exception(caught.value))


def test_it_is_not_pickled() -> None:
    """A pickle ends in places that nobody thinks of."""
    with pytest.raises(TypeError):
        pickle.dumps(SecretHeader('Authorization', 'Bearer ', TOKEN))


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    """Named, with the reason."""
    with pytest.raises(ValueError, match=r'none\.pem.*No such file'):
        SparkClient('https://h', 'x', verify=tmp_path / 'none.pem')
    empty = tmp_path / 'empty.pem'
    empty.write_text('')
    with pytest.raises(ValueError, match=r'empty\.pem'):
        SparkClient('https://h', 'x', verify=str(empty))


def secret_file(directory: Path, text: str, mode: int = 0o600) -> Path:
    """Write a token file."""
    path = directory / 'token'
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_file(tmp_path: Path) -> None:
    """The file wins over the environment; the white space around is no part of it."""
    file = secret_file(tmp_path, f'  {TOKEN}\n')
    assert read_secret_file(file) == TOKEN
    assert find_token(file, 'SPARK_TOKEN', {'SPARK_TOKEN': 'other'}) == TOKEN
    assert find_token(None, 'SPARK_TOKEN', {'SPARK_TOKEN': ' other\n'}) == 'other'
    with pytest.raises(CredentialError, match='SPARK_TOKEN'):
        find_token('', 'SPARK_TOKEN', {'SPARK_TOKEN': ' '})


@pytest.mark.parametrize('mode', [0o640, 0o604, 0o644, 0o620, 0o602, 0o666])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """With what to do about it, and without what it holds."""
    file = secret_file(tmp_path, TOKEN, mode)
    with pytest.raises(CredentialError, match='chmod 600') as caught:
        read_secret_file(file)
    assert TOKEN not in shown(caught.value)


@pytest.mark.parametrize('text', ['', ' \n', f'{TOKEN} {TOKEN}', f'{TOKEN}ä', 'x' * 10_000 + ' y'])
def test_a_file_that_holds_no_token(tmp_path: Path, text: str) -> None:
    """One word, no more and no less."""
    if len(text) > 8192:
        text = 'x ' * 5000
    with pytest.raises(CredentialError, match='alone') as caught:
        read_secret_file(secret_file(tmp_path, text))
    assert TOKEN not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Named, with the reason; a directory likewise."""
    with pytest.raises(CredentialError, match='No such file'):
        read_secret_file(tmp_path / 'none')
    with pytest.raises(CredentialError, match='directory'):
        read_secret_file(tmp_path)
