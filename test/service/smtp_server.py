# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An SMTP server on a real loopback socket that keeps what it accepts."""

from __future__ import annotations

import email
import email.policy
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from service_harness import DEADLINE_S


@dataclass(frozen=True)
class Mailed:
    """One mail, and how it came."""

    sender: str
    recipients: list[str]
    raw: bytes
    encrypted: bool
    login: str

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class SmtpServer:
    """Listens on a free loopback port.

    Args:
        tls: offer STARTTLS, and logins after it.
        at_once: whether TLS begins with the first byte, without STARTTLS.
        answer: what to answer the mail of a number, counted from 0.
        after: what to say to QUIT; empty closes the connection.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        at_once: bool = False,
        port: int = 0,
        answer: Callable[[int], str] = lambda number: '250 accepted',
        after: str = '221 bye',
    ) -> None:
        self.received: list[Mailed] = []
        self.tried = 0
        self._changed = threading.Condition()
        outer = self

        class Handler(StreamRequestHandler):
            timeout = DEADLINE_S

            def say(self, *lines: str) -> None:
                self.wfile.write(''.join(f'{line}\r\n' for line in lines).encode())

            def handle(self) -> None:
                self.encrypted, self.login, self.sender = at_once, '', ''
                self.recipients: list[str] = []
                self.say('220 mail.test')
                while line := self.rfile.readline():
                    verb, _, rest = line.decode().strip().partition(' ')
                    if verb.upper() == 'QUIT':
                        self.say(*filter(None, [after]))
                        return
                    getattr(self, f'do_{verb.lower()}')(rest)

            def do_ehlo(self, rest: str) -> None:
                offered = 'STARTTLS' if tls is not None and not self.encrypted else 'AUTH PLAIN'
                self.say('250-mail.test', f'250 {offered}')

            def do_starttls(self, rest: str) -> None:
                assert tls is not None
                self.say('220 go ahead')
                self.connection = self.request = tls.wrap_socket(self.request, server_side=True)
                self.setup()
                self.encrypted = True

            def do_auth(self, rest: str) -> None:
                self.login = rest
                self.say('235 welcome')

            def do_mail(self, rest: str) -> None:
                self.sender = rest
                self.say('250 ok')

            def do_rcpt(self, rest: str) -> None:
                self.recipients.append(rest)
                self.say('250 ok')

            def do_rset(self, rest: str) -> None:
                self.say('250 ok')

            def do_data(self, rest: str) -> None:
                self.say('354 go ahead')
                lines = []
                while (line := self.rfile.readline()) not in (b'.\r\n', b''):
                    lines.append(line.removeprefix(b'.') if line.startswith(b'..') else line)
                mailed = Mailed(
                    self.sender, self.recipients, b''.join(lines), self.encrypted, self.login
                )
                with outer._changed:
                    said = answer(outer.tried)
                    outer.tried += 1
                    if said.startswith('2'):
                        outer.received.append(mailed)
                    outer._changed.notify_all()
                self.say(said)

        class Server(ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(('127.0.0.1', port), Handler)
        if at_once and tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def wait_count(self, count: int) -> list[Mailed]:
        """Wait until so many mails were accepted."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.received) >= count, DEADLINE_S)
            assert enough, (self.tried, self.received)
            return list(self.received)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE_S)

    def __enter__(self) -> SmtpServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
