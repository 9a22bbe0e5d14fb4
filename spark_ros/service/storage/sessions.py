# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Operators' logins: a link that works once, then a session kept in a cookie."""

from __future__ import annotations

import secrets

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select

from spark_ros.service.storage.keys import digest
from spark_ros.service.storage.schema import login_tokens, meta, sessions
from spark_ros.service.storage.store import Store, Transaction

LINK_TTL_S = 86_400.0
ADDRESS = 'address'
SCRIPTED = 'scripted'


def make_link(transaction: Transaction, address: str, now: float) -> str:
    """Return a login link of the service at `address`; it works once, within a day."""
    token = secrets.token_urlsafe(32)
    transaction.connection.execute(
        insert(login_tokens).values(hash=digest(token), expires=now + LINK_TTL_S)
    )
    return f'{address}/login?token={token}'


def start_links(transaction: Transaction, address: str, now: float) -> str:
    """Note where the service now runs, void all earlier links and return a new one."""
    transaction.connection.execute(delete(login_tokens))
    transaction.connection.execute(delete(meta).where(meta.c.name == ADDRESS))
    transaction.connection.execute(insert(meta).values(name=ADDRESS, value=address))
    return make_link(transaction, address, now)


def last_address(connection: Connection) -> str | None:
    """Return where the service on this database last ran, or None if it never did."""
    found = connection.execute(select(meta.c.value).where(meta.c.name == ADDRESS)).scalar()
    return None if found is None else str(found)


def is_link(connection: Connection, token: str, now: float) -> bool:
    """Whether `log_in` would take this token."""
    found = connection.execute(select(login_tokens.c.hash).where(_usable(token, now)))
    return found.first() is not None


def log_in(transaction: Transaction, token: str, now: float, session_s: float) -> str | None:
    """Turn a link's token into a session and return its secret; None if used or expired."""
    used = transaction.connection.execute(delete(login_tokens).where(_usable(token, now)))
    return start(transaction, 'console', now, session_s) if used.rowcount == 1 else None


def start(transaction: Transaction, kind: str, now: float, session_s: float) -> str:
    """Start a session of a `console` or a `scripted` operator and return its secret.

    The scripted operator is the same one at every start of the service; on the console each
    login counts as an operator.
    """
    secret = secrets.token_urlsafe(32)
    name = digest(secret)
    transaction.connection.execute(
        insert(sessions).values(
            hash=name,
            kind=kind,
            operator=SCRIPTED if kind == SCRIPTED else name,
            expires=now + session_s,
        )
    )
    return secret


async def find(store: Store, secret: str, now: float) -> str | None:
    """Return the operator whose session it is, by whom leases know their owner, or None."""
    found = await store.read(
        lambda connection: connection.execute(
            select(sessions.c.operator).where(
                sessions.c.hash == digest(secret), sessions.c.expires > now
            )
        ).scalar()
    )
    return None if found is None else str(found)


def _usable(token: str, now: float) -> ColumnElement[bool]:
    return and_(login_tokens.c.hash == digest(token), login_tokens.c.expires > now)
