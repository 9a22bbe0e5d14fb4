# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Hand a mail to an SMTP server."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from email.message import EmailMessage

from spark_ros.service.notify.settings import SMTPS_PORT, Mail
from spark_ros.service.settings import is_loopback


class NoTls(Exception):
    """A login would have to be sent unencrypted."""


def send(mail: Mail, message: EmailMessage, step_s: float) -> None:
    """Hand a mail over; blocks.

    Port 465 has TLS from the first byte. At other ports STARTTLS is used where the server offers
    it, except on this machine, whose servers rarely have a certificate that can be verified.

    Args:
        step_s: how long the connection, and each answer of the server, may take.

    Raises:
        OSError: the server cannot be reached or verified, or takes too long; most of smtplib's
            errors are of this class, too.
        NoTls: it does not offer TLS, and a login is needed.
    """
    with _connected(mail, step_s) as client:
        client.ehlo()
        if mail.port != SMTPS_PORT and not is_loopback(mail.host):
            if client.has_extn('starttls'):
                client.starttls(context=ssl.create_default_context())
            elif mail.user:
                raise NoTls('the server offers no TLS, and the login is not sent without')
        if mail.user:
            client.login(mail.user, mail.password)
        client.send_message(message, mail.sender, [mail.address])
        # It has the mail: sending it again because of a failed goodbye would double it.
        with contextlib.suppress(OSError):
            client.quit()


def _connected(mail: Mail, step_s: float) -> contextlib.closing[smtplib.SMTP]:
    # By itself smtplib would ask a name server for this machine's name.
    name = socket.gethostname()
    name = name if '.' in name else '[127.0.0.1]'
    if mail.port == SMTPS_PORT:
        context = ssl.create_default_context()
        return contextlib.closing(
            smtplib.SMTP_SSL(mail.host, mail.port, name, timeout=step_s, context=context)
        )
    return contextlib.closing(smtplib.SMTP(mail.host, mail.port, name, timeout=step_s))
