# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One key's webhooks do not hold up another's, whatever its hosts do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
from service_harness import DEADLINE_S, InProcess, question
from sqlalchemy import select
from webhook_receiver import Receiver

from spark_ros.service.storage.schema import deliveries

pytestmark = pytest.mark.slow('stalls hosts for seconds')

LOOPBACK = ('127.0.0.0/8',)
HOSTS = 300


def test_stalling_hosts_of_one_key_hold_up_no_other(
    make_service: Callable[..., InProcess],
) -> None:
    """They accept and never answer: nobody takes what lies in their backlog."""
    service = make_service(allow_nets=LOOPBACK, webhook_timeout_s=4 * DEADLINE_S)
    hostile, other = service.tenant('hostile'), service.tenant('other')
    with socket.socket() as stalling, Receiver() as receiver:
        stalling.bind(('0.0.0.0', 0))
        stalling.listen(2 * HOSTS)
        port = stalling.getsockname()[1]
        urls = [f'http://127.0.{1 + n // 250}.{1 + n % 250}:{port}/' for n in range(HOSTS)]

        async def ask_all() -> None:
            async with service.client(headers=hostile.headers) as http:
                bodies = [question(webhook_url=url) for url in urls]
                await asyncio.gather(
                    *(http.post('/v1/engagement', json=body) for body in bodies)
                )

        service.do(ask_all())
        for count in range(1, 6):
            other.ask(webhook_url=receiver.url())
            receiver.wait_count(count)
        # By then, not one attempt of the others has ended.
        query = select(deliveries.c.attempts).where(deliveries.c.host.endswith(f':{port}'))
        attempts = service.context.store.read_now(
            lambda connection: connection.execute(query).scalars().all()
        )
        assert attempts == [0] * HOSTS
