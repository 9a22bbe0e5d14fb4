# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The Idempotency-Key header: a request that is repeated gets the result of the first one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select
from starlette.requests import Request

from spark_ros.service.context import context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import idempotency
from spark_ros.service.storage.store import Transaction

MATCH = (
    (idempotency.c.key_id == bindparam('in_key_id'))
    & (idempotency.c.scope == bindparam('in_scope'))
    & (idempotency.c.name == bindparam('in_name'))
)
FIND = Prepared(select(idempotency).where(MATCH))
DELETE = Prepared(delete(idempotency).where(MATCH))
INSERT = Prepared(insert(idempotency))
KEY = re.compile(r'[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?')

Write = Callable[[Transaction], dict[str, Any]]


def parse_idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key header, or None where there is none.

    Raises:
        ApiError: 400, it is not 1 to 255 printable ASCII characters.
    """
    name = request.headers.get('idempotency-key')
    if name is not None and not KEY.fullmatch(name):
        raise ApiError(400, 'Idempotency-Key must be 1 to 255 printable ASCII characters')
    return name


def idempotent(
    request: Request,
    key_id: int,
    scope: str,
    body_hash: str,
    write: Write,
    is_kept: Callable[[Connection, dict[str, Any]], bool] = lambda connection, result: True,
) -> Write:
    """Make a write that runs once for each Idempotency-Key, and returns its result again.

    Args:
        request: its Idempotency-Key header is read at once; without one the write always runs.
        key_id: the API key of the caller.
        scope: which kind of request it is; the same Idempotency-Key may be used in each.
        body_hash: SHA-256 of what is asked.
        write: returns a JSON object.
        is_kept: whether what an earlier result names is still here; else the write runs again.

    Raises:
        ApiError: 400, the header is not valid. The write that is returned raises 409 when the
            Idempotency-Key was used with another body.
    """
    name = parse_idempotency_key(request)
    if name is None:
        return write
    service = context_of(request)
    match = {'in_key_id': key_id, 'in_scope': scope, 'in_name': name}

    def run_idempotent(transaction: Transaction) -> dict[str, Any]:
        connection, now = transaction.connection, service.clock()
        first = FIND.first(connection, match)
        if first is not None and first.created > now - service.settings.idempotency_s:
            if first.body_hash != body_hash:
                raise ApiError(409, 'this Idempotency-Key was used with another body')
            stored: dict[str, Any] = json.loads(first.result)
            if is_kept(connection, stored):
                return stored
        if first is not None:
            DELETE.all(connection, match)
        result = write(transaction)
        INSERT.all(connection, {
            'key_id': key_id, 'scope': scope, 'name': name, 'body_hash': body_hash,
            'result': json.dumps(result), 'created': now,
        })  # fmt: skip
        return result

    return run_idempotent
