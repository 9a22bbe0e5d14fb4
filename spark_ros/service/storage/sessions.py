# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Operators' logins: a link that works once, then a session kept in a cookie."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from spark_ros.service.storage.credential_cache import CredentialCache
from spark_ros.service.storage.keys import digest
from spark_ros.service.storage.schema import login_tokens, meta, sessions
from spark_ros.service.storage.store import Store, Transaction

LINK_TTL_S = 86_400.0
ADDRESS = 'address'
CONSOLE, SCRIPTED = 'console', 'scripted'
# How old `seen` may be: not every call of a console is a write.
SEEN_EVERY_S = 60.0
READ = select(sessions).where(sessions.c.hash == bindparam('hash'))


@dataclass(frozen=True)
class Session:
    """A browser that is logged in.

    Attributes:
        id: what it is called where sessions are listed.
        operator: by whom leases and answers know their owner.
        created, seen, expires: Unix seconds; `seen` is its last call, to the minute.
    """

    id: str
    operator: str
    created: float
    seen: float
    expires: float


def make_link(transaction: Transaction, address: str, now: float) -> str:
    """Return a login link of the service at `address`; it works once, within a day."""
    token = secrets.token_urlsafe(32)
    transaction.connection.execute(
        insert(login_tokens).values(hash=digest(token), expires=now + LINK_TTL_S)
    )
    return f'{address}/login?token={token}'


def start_links(transaction: Transaction, address: str, now: float) -> str:
    """Store where the service now runs, delete all earlier links and return a new one."""
    transaction.connection.execute(delete(login_tokens))
    transaction.connection.execute(delete(meta).where(meta.c.name == ADDRESS))
    transaction.connection.execute(insert(meta).values(name=ADDRESS, value=address))
    return make_link(transaction, address, now)


def last_address(connection: Connection) -> str | None:
    """Return the address at which the service last ran on this database, or None."""
    found = connection.execute(select(meta.c.value).where(meta.c.name == ADDRESS)).scalar()
    return None if found is None else str(found)


def is_link(connection: Connection, token: str, now: float) -> bool:
    """Whether `log_in` would take this token."""
    found = connection.execute(select(login_tokens.c.hash).where(_usable(token, now)))
    return found.first() is not None


def log_in(transaction: Transaction, token: str, now: float, session_s: float) -> str | None:
    """Exchange a login link's token for a session that lasts `session_s`.

    Returns:
        The session's secret, or None if the token was used or has expired.
    """
    used = transaction.connection.execute(delete(login_tokens).where(_usable(token, now)))
    return start(transaction, CONSOLE, now, session_s) if used.rowcount == 1 else None


def start(transaction: Transaction, kind: str, now: float, session_s: float) -> str:
    """Start a session and return its secret.

    There is one scripted operator, the same at every start of the service, and a new session of
    it ends the one before; on the console each login counts as an operator.

    Args:
        kind: `console` or `scripted`.
        session_s: how long it is valid.
    """
    secret = secrets.token_urlsafe(32)
    name = digest(secret)
    if kind == SCRIPTED:
        transaction.connection.execute(delete(sessions).where(sessions.c.kind == SCRIPTED))
        transaction.changes_credentials = True
    transaction.connection.execute(
        insert(sessions).values(
            hash=name,
            id=secrets.token_hex(4),
            kind=kind,
            operator=SCRIPTED if kind == SCRIPTED else name,
            created=now,
            seen=now,
            expires=now + session_s,
        )
    )
    return secret


def read(connection: Connection, secret: str) -> Session | None:
    """Return the session of a secret, expired or not, or None."""
    row = connection.execute(READ, {'hash': digest(secret)}).first()
    return None if row is None else _session(row)


async def find(
    store: Store, known: CredentialCache[Session], secret: str, now: float
) -> Session | None:
    """Return the session of a secret, or None; store the time of this call."""
    found = await known.find(secret)
    if found is None or found.expires <= now:
        return None
    if now - found.seen > SEEN_EVERY_S:
        # Reading must work even when the disk is full.
        with contextlib.suppress(SQLAlchemyError):
            await store.write(_set_seen, found.id, now)
    return found


def list_all(connection: Connection, now: float) -> list[Session]:
    """Return the browsers that are logged in, the oldest login first."""
    query = select(sessions).where(sessions.c.kind == CONSOLE, sessions.c.expires > now)
    return [_session(row) for row in connection.execute(query.order_by(sessions.c.created))]


def end(transaction: Transaction, id: str | None = None) -> int:
    """Log out the browser of a session, or all browsers, and return how many there were."""
    query = delete(sessions).where(sessions.c.kind == CONSOLE)
    if id is not None:
        query = query.where(sessions.c.id == id)
    transaction.changes_credentials = True
    return transaction.connection.execute(query).rowcount


def _set_seen(transaction: Transaction, id: str, now: float) -> None:
    transaction.connection.execute(
        update(sessions).where(sessions.c.id == id, sessions.c.seen < now).values(seen=now)
    )
    transaction.changes_credentials = True


def _session(row: Row[Any]) -> Session:
    return Session(row.id, row.operator, row.created, row.seen, row.expires)


def _usable(token: str, now: float) -> ColumnElement[bool]:
    return and_(login_tokens.c.hash == digest(token), login_tokens.c.expires > now)
