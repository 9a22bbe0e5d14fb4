# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""API keys: each stands for a caller and owns that caller's data."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from spark_ros.service.storage.schema import keys
from spark_ros.service.storage.store import Transaction

FIND = select(keys).where(keys.c.hash == bindparam('hash'), keys.c.revoked.is_(None))
OF_TENANT = select(keys.c.hash).where(
    keys.c.tenant == bindparam('tenant'), keys.c.revoked.is_(None)
)
WEBHOOK_SECRET = select(keys.c.webhook_secret).where(keys.c.id == bindparam('id'))
HIGHEST_PRIORITY = 255
NAME = re.compile(r'[\w.@-][\w.@ -]{0,99}')


class KeyProblem(ValueError):
    """A key that cannot be made or found; the message says why."""


@dataclass(frozen=True)
class Key:
    """An API key, without the key itself: only its SHA-256 is stored.

    Attributes:
        tenant: random; stands for the key in image URLs.
        program: the default program of its questions, or None.
        webhook_secret: signs what is pushed to the key's webhooks.
        max_priority: the highest priority that its questions may have.
        rate: how many questions and uploads it may create a minute; None for no limit.
        hash: the key's SHA-256; what is signed with it ends with the key.
    """

    id: int
    name: str
    tenant: str
    api: str
    test: bool
    program: str | None
    webhook_secret: str
    created: float
    revoked: float | None
    max_priority: int
    rate: int | None
    hash: str = field(repr=False)


def digest(secret: str) -> str:
    """Return the form in which a random secret is stored.

    A fast hash suffices because nobody can guess 32 random bytes.
    """
    return hashlib.sha256(secret.encode('utf-8', 'surrogateescape')).hexdigest()


def random_secret() -> str:
    """Return 32 random bytes in URL-safe letters, never starting like a command line option."""
    while (secret := secrets.token_urlsafe(32)).startswith('-'):
        pass
    return secret


def create(
    transaction: Transaction,
    name: str,
    now: float,
    *,
    program: str | None = None,
    api: str = 'spark',
    test: bool = False,
    max_priority: int = HIGHEST_PRIORITY,
    rate: int | None = None,
) -> str:
    """Make a key and return it; later only its hash is known.

    Args:
        name: unique; how commands and operators know the key.
        program: the default program of its questions.
        api: `spark` or `heat`.
        test: whether its questions get staged answers (Heat).
        max_priority: the highest priority that its questions may have, 0 to 255.
        rate: how many questions and uploads it may create a minute; None for no limit.

    Raises:
        KeyProblem: the name is taken or not usable.
    """
    if not NAME.fullmatch(name):
        raise KeyProblem(
            f'{name!r} is not a usable name: 1 to 100 letters, digits, spaces and ._@- please'
        )
    if _named(transaction.connection, name) is not None:
        raise KeyProblem(f'there is a key named {name!r}; `key rotate` replaces it')
    secret = _random_key(test)
    transaction.connection.execute(
        insert(keys).values(
            name=name,
            hash=digest(secret),
            tenant=secrets.token_hex(8),
            api=api,
            test=int(test),
            program=program,
            webhook_secret=random_secret(),
            created=now,
            max_priority=max_priority,
            served=0.0,
            rate=rate,
        )
    )
    return secret


def rotate(transaction: Transaction, name: str) -> str:
    """Replace a key, revoked or not, by a new one for the same data; return the new one.

    Raises:
        KeyProblem: there is none of this name.
    """
    row = require(transaction.connection, name)
    secret = _random_key(row.test)
    transaction.connection.execute(
        update(keys).where(keys.c.id == row.id).values(hash=digest(secret), revoked=None)
    )
    transaction.changes_credentials = True
    return secret


def revoke(transaction: Transaction, name: str, now: float) -> None:
    """Revoke a key; its data stays.

    Raises:
        KeyProblem: there is none of this name.
    """
    row = require(transaction.connection, name)
    transaction.connection.execute(
        update(keys).where(keys.c.id == row.id, keys.c.revoked.is_(None)).values(revoked=now)
    )
    transaction.changes_credentials = True


def set_rate(transaction: Transaction, name: str, rate: int | None) -> None:
    """Set how many questions and uploads a key may create a minute; None for no limit.

    Raises:
        KeyProblem: there is none of this name.
    """
    row = require(transaction.connection, name)
    transaction.connection.execute(update(keys).where(keys.c.id == row.id).values(rate=rate))


def find(connection: Connection, secret: str) -> Key | None:
    """Return the key with this secret, unless it is unknown or revoked."""
    row = connection.execute(FIND, {'hash': digest(secret)}).first()
    return None if row is None else _key(row)


def require(connection: Connection, name: str) -> Key:
    """Return the key of a name.

    Raises:
        KeyProblem: there is none.
    """
    row = _named(connection, name)
    if row is None:
        raise KeyProblem(f'there is no key named {name!r}; `key list` shows them')
    return _key(row)


def webhook_secret(connection: Connection, key_id: int) -> str:
    """Return the secret that signs a key's webhooks, also of a revoked key."""
    return str(connection.execute(WEBHOOK_SECRET, {'id': key_id}).scalar_one())


def hash_of_tenant(connection: Connection, tenant: str) -> str | None:
    """Return the hash of the key that a tenant's URLs are signed with; None if it was revoked."""
    found: str | None = connection.execute(OF_TENANT, {'tenant': tenant}).scalar()
    return found


def exists(connection: Connection, name: str) -> bool:
    """Whether a key of this name was ever made."""
    return _named(connection, name) is not None


def list_all(connection: Connection) -> list[Key]:
    """Return all keys, oldest first."""
    return [_key(row) for row in connection.execute(select(keys).order_by(keys.c.id))]


def _named(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(keys).where(keys.c.name == name)).first()


def _random_key(test: bool) -> str:
    return ('test_' if test else '') + random_secret()


def _key(row: Row[Any]) -> Key:
    columns = {**row._mapping, 'test': bool(row.test)}
    del columns['served']
    return Key(**columns)
