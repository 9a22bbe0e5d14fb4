# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Push every change of state to the webhook of its question (page: "Webhook URL").

What is due stands in the outbox. One push of a question runs at a time and carries its newest
state, so the receiver never sees an older `sequence` after a newer one that it accepted. A
process that dies leaves the outbox as it was: the push is made again, under the same webhook-id.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx
from sqlalchemy import Connection, Row

from spark_ros.service.context import Context
from spark_ros.service.events import Subscription
from spark_ros.service.heat.objects import request_json
from spark_ros.service.pushes.delivery_limiter import DeliveryLimiter
from spark_ros.service.pushes.outgoing import Guard, RefusedDestination, outgoing_client
from spark_ros.service.spark.objects import engagement_json
from spark_ros.service.storage import jobs, keys, outbox
from spark_ros.wire.signing import standard_webhook_signature, webhook_signature

log = logging.getLogger('spark_ros.service')

# How soon the outbox is looked at again when nothing says so: the wall clock may be set.
LOOK_EVERY_S = 1.0
PAUSE_S = 1.0


@dataclass(frozen=True)
class _Push:
    """What is sent, and the row of the outbox that it is sent for."""

    delivery: Row[Any]
    id: str
    url: str
    body: bytes
    secret: str


class Sender:
    """Sends what is due, for as long as `run` runs; once.

    Args:
        most: how many webhooks may be on their way at once.

    Raises:
        OSError: the certificate authorities that TLS is verified by cannot be read.
    """

    def __init__(self, context: Context, guard: Guard, most: int) -> None:
        settings = context.settings
        self._context = context
        self._timeout_s = settings.webhook_timeout_s
        self._http = outgoing_client(guard, self._timeout_s)
        self._limiter = DeliveryLimiter(most)
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Send until cancelled."""
        with self._context.bus.subscribe() as changes:
            async with self._http:
                try:
                    while True:
                        await self._wait(changes, await self._send_due(changes))
                finally:
                    running = [*self._running.values()]
                    for task in running:
                        task.cancel()
                    await asyncio.gather(*running, return_exceptions=True)

    async def _send_due(self, changes: Subscription) -> float:
        """Begin what is due and has room; return how many seconds to wait at most."""
        while self._limiter.free > 0:
            rows = await self._context.store.read(self._due)
            begun = [self._begin(changes, row) for row in rows]
            if not any(begun):
                break
        now = self._context.clock()
        due = await self._context.store.read(lambda store: outbox.next_due(store, now))
        return LOOK_EVERY_S if due is None else min(due - now, LOOK_EVERY_S)

    def _due(self, connection: Connection) -> list[Row[Any]]:
        return outbox.due(
            connection,
            self._context.clock(),
            self._limiter.free,
            keys=self._limiter.full_keys(),
            hosts=self._limiter.full_hosts(),
            questions=[*self._running],
        )

    async def _wait(self, changes: Subscription, seconds: float) -> None:
        """Wait for a change that goes to a webhook, for a push to end, or until the time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            try:
                change = await asyncio.wait_for(changes.next(), until - loop.time())
            except asyncio.TimeoutError:
                return
            if change is None or change.pushed:
                changes.drain()
                return

    def _begin(self, changes: Subscription, row: Row[Any]) -> bool:
        if row.question_id in self._running or not self._limiter.begin(row.key_id, row.host):
            return False

        def ended(task: asyncio.Task[None]) -> None:
            self._running.pop(row.question_id, None)
            changes.offer(None)

        task = asyncio.create_task(self._attempt(row))
        self._running[row.question_id] = task
        task.add_done_callback(ended)
        return True

    async def _attempt(self, row: Row[Any]) -> None:
        store, clock, question_id = self._context.store, self._context.clock, row.question_id
        learned: str | None = None
        tried = False
        try:
            push = await store.read(lambda connection: self._load(connection, question_id))
            if push is None:
                return
            error = learned = await self._post(push)
            tried = True
            if error is None:
                sequence = push.delivery.sequence
                await store.write(
                    lambda transaction: outbox.delivered(transaction, question_id, sequence)
                )
            else:
                delivery, schedule_s = push.delivery, self._context.settings.webhook_schedule_s
                await store.write(
                    lambda transaction: outbox.failed(
                        transaction, delivery, error, clock(), schedule_s
                    )
                )
        except Exception:
            log.exception('a webhook could not be handled; it is tried again')
            # What became of it is not stored: at once it would be due again.
            await asyncio.sleep(PAUSE_S)
        finally:
            self._end(row, tried, learned)

    def _end(self, row: Row[Any], tried: bool, error: str | None) -> None:
        if not tried:
            self._limiter.leave(row.key_id, row.host)
        elif self._limiter.end(row.key_id, row.host, error is None):
            if error is None:
                log.info('webhooks to %s arrive again', ascii(row.host))
            else:
                log.warning('webhooks to %s do not arrive: %s', ascii(row.host), error)

    def _load(self, connection: Connection, question_id: int) -> _Push | None:
        """Read what is to be sent now: the question's newest state."""
        delivery = outbox.find(connection, question_id)
        rows = jobs.by_ids(connection, [question_id])
        if delivery is None or delivery.due is None or not rows or not rows[0].webhook_url:
            return None
        [row] = rows
        if row.api == 'heat':
            said = request_json(self._context, row, row.base_url, self._context.clock())
        else:
            said = engagement_json(row)
        return _Push(
            delivery,
            f'{row.token}.{row.position}.{row.sequence}',
            row.webhook_url,
            said,
            keys.webhook_secret(connection, row.key_id),
        )

    async def _post(self, push: _Push) -> str | None:
        """Send a push; return None when a 2xx came back, else what was wrong."""
        now = self._context.clock()
        headers = {
            'Content-Type': 'application/json',
            'Spark-Signature': webhook_signature(push.secret, push.body, round(now * 1000)),
            'webhook-id': push.id,
            'webhook-timestamp': str(int(now)),
            'webhook-signature': standard_webhook_signature(
                push.secret, push.id, push.body, int(now)
            ),
        }
        try:
            status = await asyncio.wait_for(
                _status(self._http, push.url, push.body, headers), self._timeout_s
            )
        except (asyncio.TimeoutError, httpcore.TimeoutException, httpx.TimeoutException):
            return f'no answer within {self._timeout_s:g} s'
        except RefusedDestination as error:
            return f'refused: {error}'
        except httpx.InvalidURL:
            return 'refused: the URL is not well-formed'
        except Exception as error:
            # Whatever a stranger's server makes of HTTP is a failed attempt, and no more.
            return f'{type(error).__name__}: {ascii(str(error))[1:-1]}'
        if 200 <= status < 300:
            return None
        return f'answered {status}' + ('; redirects are not followed' if status < 400 else '')


async def _status(
    http: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]
) -> int:
    async with http.stream('POST', url, content=body, headers=headers) as response:
        return response.status_code
