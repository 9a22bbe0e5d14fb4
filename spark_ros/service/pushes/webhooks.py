# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Send every change of state to the webhook of its question (page: "Webhook URL").

What is due stands in the outbox. One push of a question runs at a time and carries its newest
state, so the receiver never sees an older `sequence` after a newer one that it accepted. A
process that dies leaves the push in the outbox: it is made again, under the same webhook-id.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from anyio import move_on_after
from sqlalchemy import Connection, Row, select, tuple_

from spark_ros.service.context import Context
from spark_ros.service.dispatcher import MARGIN_S, POLL_S, Dispatcher
from spark_ros.service.events import Change
from spark_ros.service.heat.objects import request_json
from spark_ros.service.pushes.outgoing import Guard, outgoing_client
from spark_ros.service.pushes.per_host_limiter import PerHostLimiter
from spark_ros.service.pushes.signed_post import signed_post
from spark_ros.service.spark.objects import engagement_json
from spark_ros.service.storage import jobs, keys, outbox
from spark_ros.service.storage.schema import deliveries

log = logging.getLogger('spark_ros.service')

PAUSE_S = 1.0


@dataclass(frozen=True)
class _Push:
    """A webhook to send, its question, and its row of the outbox."""

    question: Row[Any]
    delivery: Row[Any]
    id: str
    url: str
    body: bytes
    secret: str


class Sender(Dispatcher):
    """Sends the webhooks that are due.

    Args:
        most: how many webhooks may be on their way at once.

    Raises:
        OSError: the certificate authorities that TLS is verified by cannot be read.
    """

    def __init__(self, context: Context, guard: Guard, most: int) -> None:
        timeout_s = context.settings.webhook_timeout_s
        super().__init__(context, deliveries, outgoing_client(guard, timeout_s), timeout_s)
        self._limiter = PerHostLimiter(most)

    def _free(self) -> int:
        return self._limiter.free

    def _due(self, connection: Connection) -> list[Row[Any]]:
        return outbox.due(
            connection,
            select(deliveries.c.question_id.label('id'), deliveries.c.key_id, deliveries.c.host),
            deliveries,
            self._context.clock(),
            self._limiter.free,
            (deliveries.c.key_id, self._limiter.full_keys()),
            (tuple_(deliveries.c.key_id, deliveries.c.host), self._limiter.full_hosts()),
            (deliveries.c.question_id, [*self._running]),
        )

    def _reserve(self, row: Row[Any]) -> bool:
        return self._limiter.begin(row.key_id, row.host)

    def _matters(self, change: Change) -> bool:
        return change.pushed

    async def _poll_after_s(self) -> float:
        now = self._context.clock()
        due = await self._context.store.read(outbox.next_due, now)
        return POLL_S if due is None else min(due - now, POLL_S)

    async def _attempt(self, row: Row[Any]) -> None:
        store, schedule_s = self._context.store, self._context.settings.webhook_schedule_s
        error: str | None = None
        succeeded: bool | None = None
        try:
            push = None
            # Later the row might no longer be taken when the attempt ends.
            with move_on_after(MARGIN_S if store.shared else None):
                if await self._take(row) is not None:
                    push = await store.read(self._load, row.id)
            if push is not None:
                error = await signed_post(
                    self._http, push.url, push.secret, push.id, push.body,
                    self._context.clock(), self._timeout_s,
                )
                succeeded, now = error is None, self._context.clock()
                await store.write(outbox.attempted, push.delivery, error, now, schedule_s)
                self._count(push, error, now)
        except Exception as failure:
            await self._pause_after(failure, 'a webhook', PAUSE_S)
        finally:
            if self._limiter.end(row.key_id, row.host, succeeded):
                if succeeded:
                    log.info('webhooks to %s arrive again', ascii(row.host))
                else:
                    log.warning('webhooks to %s do not arrive: %s', ascii(row.host), error)

    def _count(self, push: _Push, error: str | None, now: float) -> None:
        metrics = self._context.metrics
        if error is None:
            metrics.delivered(push.question, 'webhook', now)
        else:
            attempts = len(self._context.settings.webhook_schedule_s)
            last = push.delivery.attempts + 1 >= attempts
            metrics.undelivered(push.question, 'webhook', error, last)

    def _load(self, connection: Connection, question_id: int) -> _Push | None:
        """Read the question's newest state, which is to be sent now."""
        delivery = outbox.find(connection, question_id)
        rows = jobs.by_ids(connection, [question_id])
        if delivery is None or delivery.due is None or not rows or not rows[0].webhook_url:
            return None
        [row] = rows
        if row.api == 'heat':
            body = request_json(self._context, row, row.base_url, self._context.clock())
        else:
            body = engagement_json(row)
        return _Push(
            row,
            delivery,
            f'{row.token}.{row.position}.{row.sequence}',
            row.webhook_url,
            body,
            keys.webhook_secret(connection, row.key_id),
        )
