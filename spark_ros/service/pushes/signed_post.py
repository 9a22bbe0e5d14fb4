# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Post one webhook, signed in both ways that receivers know."""

from __future__ import annotations

import asyncio

import httpx

from spark_ros.service.pushes.outgoing import failure_reason
from spark_ros.wire.signing import standard_webhook_signature, webhook_signature


async def signed_post(
    http: httpx.AsyncClient,
    url: str,
    secret: str,
    id: str,
    body: bytes,
    now: float,
    timeout_s: float,
) -> str | None:
    """Post a webhook; return None if the answer was 2xx, else what was wrong.

    Args:
        http: an `outgoing_client`.
        id: the same at every attempt, so that the receiver recognises a repetition.
        body: JSON.
        now: Unix seconds.
        timeout_s: how long it may take in all.
    """
    headers = {
        'Content-Type': 'application/json',
        'Spark-Signature': webhook_signature(secret, body, round(now * 1000)),
        'webhook-id': id,
        'webhook-timestamp': str(int(now)),
        'webhook-signature': standard_webhook_signature(secret, id, body, int(now)),
    }
    try:
        status = await asyncio.wait_for(_status(http, url, body, headers), timeout_s)
    except Exception as error:
        return failure_reason(error, timeout_s)[0]
    if 200 <= status < 300:
        return None
    return f'answered {status}' + ('; redirects are not followed' if status < 400 else '')


async def _status(
    http: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]
) -> int:
    async with http.stream('POST', url, content=body, headers=headers) as response:
        return response.status_code
