# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who is notified, as the command line says it: what is wrong is one line, no secret is shown."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from service_harness import log_in, question, served
from serving import command
from smtp_server import SmtpServer
from webhook_receiver import Receiver

from spark_ros.cli.service_arguments import service_parser
from spark_ros.cli.service_commands import what_to_serve
from spark_ros.cli.service_notify import LOGIN, SECRET, read_server
from spark_ros.service.notify.settings import Notifications

URL, ADDRESS, HOST = 'https://hooks.example/T1', 'ops@example.com', 'mail.example'

pytestmark = pytest.mark.sqlite('about options')


def options(*arguments: str) -> Notifications:
    settings, _ = what_to_serve(service_parser().parse_args(['serve', *arguments]))
    return settings.notifications


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (SECRET, LOGIN):
        monkeypatch.delenv(name, raising=False)


def test_nobody_is_notified_by_default() -> None:
    assert options() == Notifications()


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, 'hidden-1')
    monkeypatch.setenv(LOGIN, 'sender@example.com:hidden:2')
    found = options(
        '--notify-url', URL, '--notify-mail', ADDRESS, '--smtp', HOST, '--notify-priority', '7',
        '--notify-after', '5',
    )  # fmt: skip
    assert found.webhook is not None and found.mail is not None
    assert (found.webhook.url, found.webhook.secret) == (URL, 'hidden-1')
    mail = found.mail
    assert (mail.host, mail.port, mail.user, mail.password) == (
        HOST, 587, 'sender@example.com', 'hidden:2',
    )  # fmt: skip
    assert (found.priority, found.after_s) == (7, 5.0)
    assert 'hidden' not in repr(found) and 'T1' not in repr(found)


def test_secrets_come_from_files(tmp_path: Path) -> None:
    secret, login = tmp_path / 'secret', tmp_path / 'login'
    for file, text in ((secret, 'hidden\n'), (login, 'me:pass\n')):
        file.touch(0o600)
        file.write_text(text)
    found = options(
        '--notify-url', URL, '--notify-secret-file', str(secret), '--notify-mail', ADDRESS,
        '--smtp', f'{HOST}:465', '--smtp-login-file', str(login),
    )  # fmt: skip
    assert found.webhook is not None and found.webhook.secret == 'hidden'
    assert found.mail is not None and (found.mail.port, found.mail.password) == (465, 'pass')
    # The login is no address.
    assert found.mail.sender == ADDRESS
    secret.chmod(0o644)
    said = command('serve', '--notify-url', URL, '--notify-secret-file', str(secret))
    assert said.returncode == 1 and 'chmod 600' in said.stderr and 'hidden' not in said.stderr


@pytest.mark.parametrize(('arguments', 'said'), [
    (['--notify-url', URL], f'set {SECRET}, or give --notify-secret-file'),
    (['--notify-secret-file', 'x'], '--notify-secret-file needs --notify-url'),
    (['--notify-mail', ADDRESS], '--notify-mail and --smtp go together'),
    (['--smtp', HOST], '--notify-mail and --smtp go together'),
    (['--smtp-login-file', 'x'], '--smtp-login-file needs --notify-mail'),
    (['--notify-url', URL, '--notify-secret-file', '/nowhere'], '/nowhere: No such file'),
])  # fmt: skip
def test_what_does_not_go_together_is_one_line(arguments: list[str], said: str) -> None:
    done = command('serve', *arguments)
    assert done.returncode == 1
    assert done.stderr.count('\n') == 1 and said in done.stderr


def test_a_login_without_a_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOGIN, 'hidden')
    done = command('serve', '--notify-mail', ADDRESS, '--smtp', HOST)
    assert done.stderr == f'spark-service: {LOGIN} must hold USER:PASSWORD in ASCII\n'


@pytest.mark.parametrize(('option', 'value'), [
    ('--notify-url', 'ftp://hooks.example'), ('--notify-mail', 'ops'), ('--notify-mail', '@b'),
    ('--notify-mail', 'a@b\r\nBcc: c@d'), ('--notify-mail', 'Ann <a@b>'),
    ('--notify-mail', 'a@b,c@d'), ('--notify-mail', 'ü@example.com'), ('--smtp', ''),
    ('--smtp', 'mail:0'), ('--smtp', 'mail:65536'), ('--smtp', 'mail:x'), ('--smtp', ':25'),
    ('--smtp', 'smtp://mail'), ('--smtp', '::1'), ('--notify-priority', '256'),
    ('--notify-priority', '-1'), ('--notify-after', 'nan'), ('--notify-after', '-1'),
])  # fmt: skip
def test_a_wrong_value_is_named(option: str, value: str) -> None:
    done = command('serve', option, value)
    assert done.returncode == 2
    assert f'argument {option}: ' in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(('text', 'found'), [
    ('mail', ('mail', None)), ('mail:25', ('mail', 25)), ('127.0.0.1:2525', ('127.0.0.1', 2525)),
    ('[::1]', ('::1', None)), ('[::1]:25', ('::1', 25)),
])  # fmt: skip
def test_mail_servers(text: str, found: tuple[str, int | None]) -> None:
    assert read_server(text) == found


def test_a_served_console_is_where_it_says(
    data: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways at once; whoever opens the console ends it."""
    monkeypatch.setenv(SECRET, 'a-secret')
    with (
        Receiver() as receiver,
        SmtpServer() as server,
        served(
            data, '--notify-url', receiver.url(), '--notify-mail', ADDRESS, '--smtp',
            f'127.0.0.1:{server.port}', '--notify-after', '0', key=key,
        ) as service,
        httpx.Client(base_url=service.url) as console,
    ):
        httpx.post(
            f'{service.url}/v1/engagement', headers=service.headers, json=question()
        ).raise_for_status()
        [told] = receiver.wait_count(1)
        [mailed] = server.wait_count(1)
        assert told.body['console'] == f'{service.url}/'
        assert f'Console: {service.url}/' in mailed.message.get_content()
        log_in(console, service.login)
        with console.stream('GET', '/console/api/events') as events:
            lines = events.iter_lines()
            assert next(lines) == 'event: queue'
            over = receiver.wait_count(2)[1]
            server.wait_count(2)
            lines.close()
        assert (over.body['type'], over.body['operators']) == ('attended', 1)
        assert over.body['waiting'] == 1
