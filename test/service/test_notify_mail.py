# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Notifications by mail, over a real SMTP server: encrypted, logged in, once, and harmless."""

from __future__ import annotations

import base64
import logging
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from service_harness import DEADLINE_S, InProcess, wait_for_log
from serving import free_port
from smtp_server import SmtpServer

from spark_ros.service.notify import mail as smtp
from spark_ros.service.notify import notifier
from spark_ros.service.notify.notice import Notice, as_mail
from spark_ros.service.notify.settings import Mail, Notifications
from spark_ros.service.storage.unattended import Unattended

pytestmark = pytest.mark.sqlite('about mail, not about what is stored')

ADDRESS = 'ops@example.com'
PUBLIC = 'https://spark.example'
HOSTILE = 'a\r\nBcc: all@example.com\r\n.\r\nQUIT\u202e'


@pytest.fixture
def start(
    make_service: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., InProcess]:
    """Start a service that soon mails by the server at a port."""
    monkeypatch.setattr(notifier, 'LOOK_EVERY_S', 0.02)

    def started(port: int, **settings: Any) -> InProcess:
        mail = Mail(ADDRESS, '127.0.0.1', port)
        notified = Notifications(mail=mail, after_s=0.0, pauses_s=(0.02, 0.1), **settings)
        return make_service(notifications=notified, public_url=PUBLIC)

    return started


def notice(*programs: str, count: int = 3, over: bool = False, operators: int = 0) -> Notice:
    found = Unattended(count, 1_700_000_000.0, 7, programs, bool(programs))
    return Notice('1234', over, 1_700_000_090.0, found, operators, f'{PUBLIC}/')


def test_one_mail_says_what_waits_and_one_that_it_is_over(
    start: Callable[..., InProcess],
) -> None:
    with SmtpServer() as server:
        service = start(server.port)
        robot = service.tenant()
        robot.ask(instructions='something secret')
        token = robot.ask(program_name='crates')
        [told] = server.wait_count(1)
        for each in robot.get('/v1/engagement').json():
            robot.send('DELETE', f'/v1/engagement/{each["token"]}')
        over = server.wait_count(2)[1]
    assert told.sender.partition(' ')[0] == f'FROM:<{ADDRESS}>'
    assert told.recipients == [f'TO:<{ADDRESS}>']
    message = told.message
    assert (message['From'], message['To']) == (ADDRESS, ADDRESS)
    assert message['Auto-Submitted'] == 'auto-generated'
    assert message['Subject'] in (
        '1 question waits, and nobody is there', '2 questions wait, and nobody is there',
    )  # fmt: skip
    text = message.get_content()
    assert f'Console: {PUBLIC}/' in text and '2023-11-14T22:13:20.000Z' in text
    for secret in ('something secret', token, robot.headers['Authorization']):
        assert secret not in text
    assert over.message['Subject'] == 'All clear: no question waits'
    assert over.message['In-Reply-To'] == message['Message-ID'] != over.message['Message-ID']


def test_the_text() -> None:
    assert as_mail(notice('crates', 'faces'), Mail(ADDRESS, 'h', 25)).get_content() == (
        '3 questions wait, and nobody is there.\n'
        '\n'
        'Time: 2023-11-14T22:14:50.000Z\n'
        'Oldest question: 2023-11-14T22:13:20.000Z, 90 s ago\n'
        'Highest priority: 7\n'
        'Programs:\n'
        '  - crates\n'
        '  - faces\n'
        '  - and more\n'
        '\n'
        f'Console: {PUBLIC}/\n'
    )
    over = as_mail(notice(over=True, operators=1), Mail(ADDRESS, 'h', 25))
    assert over['Subject'] == 'All clear: somebody is there'
    assert '3 questions wait.' in over.get_content()


def test_names_of_programs_add_neither_headers_nor_lines() -> None:
    with SmtpServer() as server:
        smtp.send(
            mail := Mail(ADDRESS, '127.0.0.1', server.port),
            as_mail(notice(HOSTILE, 'x' * 500, '\ud800ü😀'), mail), DEADLINE_S,
        )  # fmt: skip
        [mailed] = server.received
    plain = as_mail(notice(), mail)
    assert mailed.message.keys() == plain.keys()
    assert mailed.recipients == [f'TO:<{ADDRESS}>']
    assert max(len(line) for line in mailed.raw.splitlines()) <= 76 + 2
    text = mailed.message.get_content().replace('\r\n', '\n')
    assert '  - a��Bcc: all@example.com��.��QUIT�\n' in text
    assert f'  - {"x" * 79}…\n' in text and '  - �ü😀\n' in text


def test_a_server_that_comes_back_gets_it_once(
    start: Callable[..., InProcess], caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    with caplog.at_level(logging.WARNING, 'spark_ros.service'):
        service = start(port)
        service.tenant().ask()
        wait_for_log(caplog, 'do not arrive: ConnectionRefusedError')
        with SmtpServer(port=port) as server:
            wait_for_log(caplog, 'arrive again')
            assert len(server.received) == 1


def test_a_mail_that_is_refused_for_now_is_sent_again(start: Callable[..., InProcess]) -> None:
    def answer(number: int) -> str:
        return '250 ok' if number else '451 later'

    with SmtpServer(answer=answer) as server:
        start(server.port).tenant().ask()
        server.wait_count(1)
        assert server.tried == 2


def test_a_server_that_hangs_up_after_it_has_the_mail_gets_it_once(
    start: Callable[..., InProcess],
) -> None:
    with SmtpServer(after='') as server:
        service = start(server.port)
        robot = service.tenant()
        token = robot.ask()
        server.wait_count(1)
        robot.send('DELETE', f'/v1/engagement/{token}')
        server.wait_count(2)
        assert server.tried == 2


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's TLS that clients of this test trust, for 127.0.0.1."""
    if shutil.which('openssl') is None:
        pytest.skip('there is no openssl command here')
    chain, key = tmp_path / 'chain.pem', tmp_path / 'key.pem'
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
         '-nodes', '-days', '2', '-subj', '/CN=x', '-addext', 'subjectAltName=IP:127.0.0.1',
         '-out', str(chain), '-keyout', str(key)],
        check=True, capture_output=True, timeout=DEADLINE_S,
    )  # fmt: skip
    monkeypatch.setenv('SSL_CERT_FILE', str(chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat 127.0.0.1 as another machine."""
    monkeypatch.setattr(smtp, 'is_loopback', lambda host: False)


def logged_in(port: int) -> Mail:
    return Mail(ADDRESS, '127.0.0.1', port, 'sender@example.com', 'pass:word')


def test_elsewhere_it_logs_in_over_tls(certified: ssl.SSLContext, far: None) -> None:
    with SmtpServer(certified) as server:
        mail = logged_in(server.port)
        smtp.send(mail, as_mail(notice(), mail), DEADLINE_S)
        [mailed] = server.received
    assert mailed.encrypted
    method, _, told = mailed.login.partition(' ')
    assert method == 'PLAIN'
    assert base64.b64decode(told) == b'\0sender@example.com\0pass:word'
    # Many servers take no other sender than the one who logged in.
    assert mailed.message['From'] == 'sender@example.com'
    assert mailed.recipients == [f'TO:<{ADDRESS}>']


def test_port_465_is_tls_from_the_first_byte(
    certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SmtpServer(certified, at_once=True) as server:
        monkeypatch.setattr(smtp, 'SMTPS_PORT', server.port)
        mail = logged_in(server.port)
        smtp.send(mail, as_mail(notice(), mail), DEADLINE_S)
        assert server.received[0].login


def test_it_does_not_trust_any_certificate(
    certified: ssl.SSLContext, far: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('SSL_CERT_FILE')
    with SmtpServer(certified) as server:
        mail = logged_in(server.port)
        with pytest.raises(ssl.SSLCertVerificationError):
            smtp.send(mail, as_mail(notice(), mail), DEADLINE_S)
        assert not server.received


def test_a_login_is_not_sent_unencrypted(far: None) -> None:
    with SmtpServer() as server:
        mail = logged_in(server.port)
        with pytest.raises(smtp.NoTls):
            smtp.send(mail, as_mail(notice(), mail), DEADLINE_S)
        assert not server.received
        # A mail without a login is: relays in a house often have no TLS.
        plain = Mail(ADDRESS, '127.0.0.1', server.port)
        smtp.send(plain, as_mail(notice(), plain), DEADLINE_S)
        assert len(server.received) == 1
