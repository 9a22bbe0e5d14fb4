# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Periodic work: what leases and deadlines end, and what is too old is deleted."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import delete, exists, select

from spark_ros.service.context import Context
from spark_ros.service.errors import ApiError
from spark_ros.service.forget import forget, remove_files, remove_unknown_files
from spark_ros.service.settings import DAY_S
from spark_ros.service.storage import (
    change_log,
    checks,
    held_answers,
    leases,
    outbox,
    processes,
    schema,
)
from spark_ros.service.storage.deletion import Selection
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.store import Transaction

log = logging.getLogger('spark_ros.service')

EXPIRE_EVERY_S = 0.25
CLEAN_UP_EVERY_S = 3600.0
# Of the files that a service left that was killed: all that it stores have to be listed.
LOOK_FOR_UNKNOWN_EVERY_S = DAY_S
OVER = Prepared(
    select(
        exists().where(leases.LEASE_OVER).label('leases'),
        exists().where(leases.PAST_DEADLINE).label('deadlines'),
        exists().where(held_answers.DUE).label('answers'),
        exists().where(checks.LEASE_OVER).label('checks'),
    )
)


async def end_in_time(context: Context) -> None:
    """Do what is due: send held answers, end leases, close questions past their deadline."""
    while True:
        await _expire(context, context.clock())
        await asyncio.sleep(EXPIRE_EVERY_S)


async def clean_up(context: Context) -> None:
    """Delete what is too old, until cancelled."""
    looked = -LOOK_FOR_UNKNOWN_EVERY_S
    while True:
        await context.store.write(_clean_up, context)
        now = asyncio.get_running_loop().time()
        look = now - looked >= LOOK_FOR_UNKNOWN_EVERY_S
        if await delete_files(context, look) and look:
            looked = now
        await asyncio.sleep(CLEAN_UP_EVERY_S)


async def delete_files(context: Context, look: bool) -> bool:
    """Delete the files that are to go, and by `keep_s` old questions, too.

    Args:
        look: also look for old files that the database does not know.

    Returns:
        False where the store of images failed; it is tried again the next time.
    """
    store, images, keep_s = context.store, context.images, context.settings.keep_s
    try:
        if keep_s is None:
            await remove_files(store, images)
            return True
        before = context.clock() - keep_s
        done = await forget(store, images, Selection(before))
        if done.questions or done.images:
            log.info('deleted %d old questions, %d images', done.questions, done.images)
        if look:
            unknown = await remove_unknown_files(store, images, before)
            log.info('deleted %d old files that the database does not know', unknown)
    except (ApiError, OSError) as error:
        log.warning('files cannot be deleted now; trying again later: %s', error)
        return False
    return True


async def _expire(context: Context, now: float) -> None:
    found = await context.store.read(lambda each: OVER.first(each, {'at': now}))
    lease_over, past, answers, check_over = found
    # First: an answer is never past the deadline.
    while answers:
        there = context.presence.operators
        sent = await context.store.write(held_answers.send_due, now, there)
        answers = sent == held_answers.BATCH
        # Of those that wait for a second opinion now, no change tells.
        context.bus.read_again()
    if lease_over:
        await context.store.write(leases.expire, now)
    if check_over:
        await context.store.write(checks.expire, now)
        context.bus.read_again()
    while past:
        past = await context.store.write(leases.expire_deadlines, now) == leases.BATCH


def _clean_up(transaction: Transaction, context: Context) -> None:
    now = context.clock()
    kept = now - context.settings.idempotency_s
    change_log.delete_until(transaction, kept)
    outbox.delete_until(transaction, kept)
    if context.store.shared:
        processes.delete_expired(transaction)
    for statement in (
        delete(schema.idempotency).where(schema.idempotency.c.created <= kept),
        delete(schema.sessions).where(schema.sessions.c.expires <= now),
        delete(schema.login_tokens).where(schema.login_tokens.c.expires <= now),
    ):
        transaction.connection.execute(statement)
