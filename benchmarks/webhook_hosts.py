# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A webhook host that answers: how late a bystander's push arrives."""

from __future__ import annotations

import asyncio
import contextlib
import time

import httpx
from attackers import QUESTION
from victim import Victim


async def delay_s(victim: Victim, most_s: float) -> float:
    """Ask one question with a webhook, return when it was pushed."""
    pushed = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'\r\n\r\n')
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        await writer.drain()
        writer.close()
        pushed.set()

    async with await asyncio.start_server(take, '127.0.0.1', 0) as server:
        port = server.sockets[0].getsockname()[1]
        headers = {'Authorization': f'Bearer {victim.bystander}'}
        body = {**QUESTION, 'webhook_url': f'http://127.0.0.1:{port}/'}
        async with httpx.AsyncClient(timeout=most_s, trust_env=False) as http:
            await http.post(f'{victim.url}/v1/engagement', json=body, headers=headers)
        begun = time.perf_counter()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(pushed.wait(), most_s)
        return time.perf_counter() - begun
