# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key: a repeated request gets the first one's answer, and is carried out once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from starlette.requests import Request

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.schema import idempotency
from spark_ros.service.storage.store import Transaction

# Made once: building a statement costs more than carrying it out.
MINE = (
    (idempotency.c.key_id == bindparam('in_key_id'))
    & (idempotency.c.scope == bindparam('in_scope'))
    & (idempotency.c.name == bindparam('in_name'))
)
FIND = select(idempotency).where(MINE)
FORGET = delete(idempotency).where(MINE)
INSERT = insert(idempotency)
KEY = re.compile(r'[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?')


@dataclass(frozen=True)
class Once:
    """What a request says of itself: its Idempotency-Key and the SHA-256 of its body."""

    name: str
    body_hash: str


def once(request: Request, body_hash: str) -> Once | None:
    """Read the Idempotency-Key header; None where there is none.

    Raises:
        ApiError: 400, it is not 1 to 255 printable ASCII characters.
    """
    name = request.headers.get('idempotency-key')
    if name is None:
        return None
    if not KEY.fullmatch(name):
        raise ApiError(400, 'Idempotency-Key must be 1 to 255 printable ASCII characters')
    return Once(name, body_hash)


def carry_out(
    transaction: Transaction,
    key_id: int,
    scope: str,
    said: Once | None,
    work: Callable[[], dict[str, Any]],
    now: float,
    keep_s: float,
) -> dict[str, Any]:
    """Return what the same request got before, or do the work and remember its result.

    Raises:
        ApiError: 409 when the key was used with another body.
    """
    if said is None:
        return work()
    mine = {'in_key_id': key_id, 'in_scope': scope, 'in_name': said.name}
    connection = transaction.connection
    before = connection.execute(FIND, mine).first()
    if before is not None and before.created > now - keep_s:
        if before.body_hash != said.body_hash:
            raise ApiError(409, 'this Idempotency-Key was used with another body')
        first: dict[str, Any] = json.loads(before.result)
        return first
    if before is not None:
        connection.execute(FORGET, mine)
    result = work()
    connection.execute(
        INSERT,
        {
            'key_id': key_id,
            'scope': scope,
            'name': said.name,
            'body_hash': said.body_hash,
            'result': json.dumps(result),
            'created': now,
        },
    )
    return result
