# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is told: as JSON, and as a mail. Neither has an image, an instruction or a key in it."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime

from spark_ros.service.notify.settings import Mail
from spark_ros.service.storage.unattended import Unattended
from spark_ros.service.web.replies import to_json
from spark_ros.wire.values import format_time

LONGEST_NAME = 80


@dataclass(frozen=True)
class Notice:
    """What is told once of an incident: that it began, or that it is over.

    Attributes:
        incident: names the incident.
        over: whether it is over.
        at: Unix seconds.
        found: the questions that wait.
        operators: how many are there.
        console: the console's URL, as operators reach it.
    """

    incident: str
    over: bool
    at: float
    found: Unattended
    operators: int
    console: str

    @property
    def type(self) -> str:
        """What it is about, in one word."""
        return 'attended' if self.over else 'unattended'

    @property
    def id(self) -> str:
        """Names it, the same at every attempt to deliver it."""
        return f'{self.incident}.{self.type}'

    @property
    def oldest_s(self) -> float | None:
        """The age of the oldest question in seconds."""
        oldest = self.found.oldest
        return None if oldest is None else round(max(0.0, self.at - oldest), 3)

    @property
    def programs(self) -> list[str]:
        """The programs as they are shown: a caller chose these names."""
        return [shown(name) for name in self.found.programs]


def shown(name: str) -> str:
    """Return a name in one line and of limited length, without characters that are not seen."""
    cut = name if len(name) <= LONGEST_NAME else f'{name[: LONGEST_NAME - 1]}…'
    return ''.join(char if char.isprintable() else '\ufffd' for char in cut)


def as_json(notice: Notice) -> bytes:
    """Write the body of the webhook."""
    return to_json({
        'type': notice.type,
        'incident': notice.incident,
        'at': format_time(notice.at),
        'waiting': notice.found.count,
        'oldest_s': notice.oldest_s,
        'priority': notice.found.priority,
        'programs': notice.programs,
        'more_programs': notice.found.more_programs,
        'operators': notice.operators,
        'console': notice.console,
    })


def as_mail(notice: Notice, mail: Mail) -> EmailMessage:
    """Write the mail."""
    message = EmailMessage(SMTP)
    message['From'] = mail.sender
    message['To'] = mail.address
    message['Subject'] = _subject(notice)
    message['Date'] = format_datetime(localtime())
    # The same at every attempt, so that a mail that came twice is recognised.
    domain = mail.sender.rpartition('@')[2]
    message['Message-ID'] = f'<{notice.id}@{domain}>'
    if notice.over:
        message['In-Reply-To'] = f'<{notice.incident}.unattended@{domain}>'
    # No absence note in reply.
    message['Auto-Submitted'] = 'auto-generated'
    message.set_content(_text(notice), cte='quoted-printable')
    return message


def _subject(notice: Notice) -> str:
    if not notice.over:
        return f'{_questions(notice.found.count)}, and nobody is there'
    return 'All clear: somebody is there' if notice.operators else 'All clear: no question waits'


def _questions(count: int) -> str:
    return '1 question waits' if count == 1 else f'{count} questions wait'


def _text(notice: Notice) -> str:
    found = notice.found
    lines = [f'{_subject(notice)}.']
    if notice.over and found.count:
        lines.append(f'{_questions(found.count)}.')
    lines += ['', f'Time: {format_time(notice.at)}']
    if found.count:
        age = f'{notice.oldest_s:.0f} s ago'
        lines.append(f'Oldest question: {format_time(found.oldest)}, {age}')
        lines.append(f'Highest priority: {found.priority}')
    if notice.programs:
        lines.append('Programs:')
        lines += [f'  - {name}' for name in notice.programs]
        lines += ['  - and more'] if found.more_programs else []
    return '\n'.join([*lines, '', f'Console: {notice.console}', ''])
