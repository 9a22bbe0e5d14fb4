# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who is notified, how, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

SMTPS_PORT = 465
SUBMISSION_PORT = 587
RELAY_PORT = 25


@dataclass(frozen=True)
class Webhook:
    """Where notifications are posted to.

    Attributes:
        url: may hold a secret of the receiver, so only its host is logged.
        secret: what they are signed with.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Mail:
    """How notifications are mailed.

    Attributes:
        address: the recipient, and the sender unless `user` is an address.
        host, port: of the SMTP server.
        user, password: the login there; empty: without one.
    """

    address: str
    host: str
    port: int
    user: str = ''
    password: str = field(default='', repr=False)

    @property
    def sender(self) -> str:
        """The address that the mail comes from."""
        return self.user if '@' in self.user else self.address


@dataclass(frozen=True)
class Notifications:
    """Who is notified when nobody is there; by default nobody.

    Attributes:
        priority: of questions whose priority is at least this.
        after_s: when one of them has waited, and nobody has been there, for so many seconds.
        attempt_s: how long one attempt may take in all.
        pauses_s: the first pause before another attempt, and the longest; each is twice the one
            before.
    """

    webhook: Webhook | None = None
    mail: Mail | None = None
    priority: int = 0
    after_s: float = 60.0
    attempt_s: float = 20.0
    pauses_s: tuple[float, float] = (1.0, 60.0)
