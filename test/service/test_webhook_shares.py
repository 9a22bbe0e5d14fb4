# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One key's webhooks do not hold up another's, whatever its hosts do."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

import pytest
from service_harness import DEADLINE_S, InProcess, question
from webhook_receiver import Receiver

pytestmark = pytest.mark.slow('stalls hosts for seconds')

LOOPBACK = ('127.0.0.0/8',)
HOSTS = 300


def test_stalling_hosts_of_one_key_hold_up_no_other(
    make_service: Callable[..., InProcess],
) -> None:
    """They accept and never answer: nobody takes what lies in their backlog."""
    service = make_service(allow_nets=LOOPBACK, webhook_timeout_s=DEADLINE_S)
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
        begun = time.monotonic()
        for count in range(1, 6):
            other.ask(webhook_url=receiver.url())
            receiver.wait_count(count)
        assert time.monotonic() - begun < 2.0
