# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The options of `spark-service serve` that say who is notified when nobody is there."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from spark_ros.cli.argument_types import checked, number, whole
from spark_ros.clients.credentials import find_token, read_secret_file
from spark_ros.service.notify.settings import (
    RELAY_PORT,
    SUBMISSION_PORT,
    Mail,
    Notifications,
    Webhook,
)
from spark_ros.wire.values import expect_url

SECRET, LOGIN = 'SPARK_SERVICE_NOTIFY_SECRET', 'SPARK_SERVICE_SMTP_LOGIN'
DEFAULTS = Notifications()
NOTIFYING: dict[str, dict[str, Any]] = {
    '--notify-url': {
        'type': checked(lambda text: expect_url(text, 'the URL')), 'metavar': 'URL',
        'help': 'post a signed webhook to this URL when a question waits and nobody has the '
        'console open, and when that is over',
    },
    '--notify-secret-file': {
        'type': Path, 'metavar': 'FILE',
        'help': f'file with the secret that signs it (default: {SECRET})',
    },
    '--notify-mail': {
        'type': checked(lambda text: read_address(text)), 'metavar': 'ADDRESS',
        'help': 'send a mail to this address instead, or as well',
    },
    '--smtp': {
        'type': checked(lambda text: read_server(text)), 'metavar': 'HOST[:PORT]',
        'help': 'the mail server; port 465 is TLS from the first byte (default of the port: '
        f'{SUBMISSION_PORT} with a login, {RELAY_PORT} without)',
    },
    '--smtp-login-file': {
        'type': Path, 'metavar': 'FILE',
        'help': f'file with USER:PASSWORD for the mail server (default: {LOGIN}, else no login)',
    },
    '--notify-priority': {
        'type': whole(255, 'a priority from 0 to 255'),
        'default': DEFAULTS.priority, 'metavar': 'P',
        'help': 'notify only of questions of at least this priority (default: %(default)s)',
    },
    '--notify-after': {
        'type': number(0, 86_400, 'a number of seconds from 0 to 86400'),
        'default': DEFAULTS.after_s, 'metavar': 'SECONDS',
        'help': 'notify when one has waited, and nobody has been there, for so long (default: '
        '%(default)s)',
    },
}  # fmt: skip


def read_address(text: str) -> str:
    """Read a mail address.

    Raises:
        ValueError: it is none that every mail server takes.
    """
    user, _, domain = text.rpartition('@')
    if not user or not domain or len(text) > 254 or not all('!' <= char <= '~' for char in text):
        raise ValueError(f'{text!a} is not a mail address such as ops@example.com')
    if any(char in '<>()[],;:\\"' for char in text) or '@' in user:
        raise ValueError(f'{text!a} is not a plain mail address such as ops@example.com')
    return text


def read_server(text: str) -> tuple[str, int | None]:
    """Read HOST[:PORT], an IPv6 address in brackets.

    Raises:
        ValueError: it is none.
    """
    host, separator, port = text.rpartition(':')
    if not separator or text.endswith(']'):
        host, port = text, ''
    elif not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise ValueError(f'{text!a}: the port must be a number from 1 to 65535')
    bracketed = host.startswith('[') and host.endswith(']')
    host = host[1:-1] if bracketed else host
    if not host or not all('!' <= char <= '~' and char not in '/@[]' for char in host):
        raise ValueError(f'{text!a} is not HOST or HOST:PORT')
    if ':' in host and not bracketed:
        raise ValueError(f'{text!a}: an IPv6 address stands in brackets, as in [::1]:25')
    return host, int(port) if port else None


def notifications(options: argparse.Namespace) -> Notifications:
    """Read who is notified, and the secrets for it.

    Raises:
        ValueError: options that belong together are not there, or a secret cannot be used.
    """
    return Notifications(
        _webhook(options), _mail(options), options.notify_priority, options.notify_after
    )


def _webhook(options: argparse.Namespace) -> Webhook | None:
    if options.notify_url is None:
        if options.notify_secret_file is not None:
            raise ValueError('--notify-secret-file needs --notify-url')
        return None
    file = options.notify_secret_file
    if file is None and not os.environ.get(SECRET, '').strip():
        raise ValueError(
            f'--notify-url needs a secret to sign with: set {SECRET}, or give '
            '--notify-secret-file'
        )
    return Webhook(options.notify_url, find_token(file, SECRET))


def _mail(options: argparse.Namespace) -> Mail | None:
    if (options.notify_mail is None) != (options.smtp is None):
        raise ValueError('--notify-mail and --smtp go together')
    file = options.smtp_login_file
    if options.notify_mail is None:
        if file is not None:
            raise ValueError('--smtp-login-file needs --notify-mail')
        return None
    host, port = options.smtp
    login = read_secret_file(file) if file else os.environ.get(LOGIN, '').strip()
    user, separator, password = login.partition(':')
    if login and not (user and separator and password and login.isascii()):
        where = file or LOGIN
        raise ValueError(f'{where} must hold USER:PASSWORD in ASCII')
    default = SUBMISSION_PORT if user else RELAY_PORT
    return Mail(options.notify_mail, host, port or default, user, password)
