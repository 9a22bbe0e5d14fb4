# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Periodic work: what leases and deadlines end, and rows that are too old are deleted."""

from __future__ import annotations

import asyncio

from sqlalchemy import delete, exists, select

from spark_ros.service.context import Context
from spark_ros.service.storage import change_log, leases, outbox, schema
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.store import Transaction

EXPIRE_EVERY_S = 0.25
CLEAN_UP_EVERY_S = 3600.0
OVER = Prepared(
    select(
        exists().where(leases.LEASE_OVER).label('leases'),
        exists().where(leases.PAST_DEADLINE).label('deadlines'),
    )
)


async def end_in_time(context: Context) -> None:
    """Return questions whose lease ended to the queue, and close those whose deadline is past."""
    while True:
        await _expire(context, context.clock())
        await asyncio.sleep(EXPIRE_EVERY_S)


async def clean_up(context: Context) -> None:
    """Delete what is too old, until cancelled."""
    while True:
        await context.store.write(_clean_up, context)
        await asyncio.sleep(CLEAN_UP_EVERY_S)


async def _expire(context: Context, now: float) -> None:
    lease_over, past = await context.store.read(lambda each: OVER.first(each, {'at': now}))
    if lease_over:
        await context.store.write(leases.expire, now)
    while past:
        past = await context.store.write(leases.expire_deadlines, now) == leases.BATCH


def _clean_up(transaction: Transaction, context: Context) -> None:
    now = context.clock()
    kept = now - context.settings.idempotency_s
    change_log.delete_until(transaction, kept)
    outbox.delete_until(transaction, kept)
    for statement in (
        delete(schema.idempotency).where(schema.idempotency.c.created <= kept),
        delete(schema.sessions).where(schema.sessions.c.expires <= now),
        delete(schema.login_tokens).where(schema.login_tokens.c.expires <= now),
    ):
        transaction.connection.execute(statement)
