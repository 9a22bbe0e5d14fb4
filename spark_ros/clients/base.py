# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the clients have in common: how they are configured, closed, and how they POST."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from random import random as uniform
from types import TracebackType
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

import httpx

from spark_ros.clients.retry import DEFAULT_RETRY, RetryPolicy
from spark_ros.clients.transport import (
    ApiTransport,
    HttpRequest,
    SecretHeader,
    Verify,
    is_header_text,
)
from spark_ros.wire.heat import MAX_BLOCK_S

MAX_KEY_LENGTH = 255
MAX_ROBOT_ID_LENGTH = 200

Client = TypeVar('Client', bound='ApiClient')


class ApiClient:
    """One service with one API key. Configure it once, use it often.

    Every call raises a `ClientError` (see the tree in `spark_ros.clients.errors`), or a
    ValueError for arguments with which nothing was sent. Connection errors, timeouts, unreadable
    answers, 408, 429 and 5xx are tried again as the retry policy says; other refusals never are.

    Every POST carries an `Idempotency-Key`, the caller's or one made up for the call, so that a
    service that keeps keys carries it out once however often it is repeated. A service that does
    not know the header may carry out a repeated POST twice: a question asked twice beats one
    that is lost. Who minds passes `retry=RetryPolicy.none()` and looks at `may_have_arrived`.
    """

    KEY_HEADER: ClassVar[tuple[str, str]]
    """The header that carries the API key, and what stands before the key in it."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 5.0,
        deadline_s: float | None = 300.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        verify: Verify = True,
        transport: httpx.AsyncBaseTransport | None = None,
        random: Callable[[], float] = uniform,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        robot_id: str = '',
    ) -> None:
        """Configure a client; nothing is sent yet.

        Args:
            base_url: what stands before `/v1`, with or without a trailing slash.
            api_key: sent in the header that the API's page names, never logged or shown.
            timeout_s: the longest silence while sending or receiving.
            connect_timeout_s: the longest wait for a connection.
            deadline_s: the longest that one call takes, its repetitions included; None: no bound.
            retry: how often a call is repeated.
            verify: True: the usual certificate authorities; a path: those of this PEM file
                alone; a context: as it says; False: no check, for tests.
            transport: replaces the network, for instance `httpx.ASGITransport(app)`.
            random: gives numbers in [0, 1), for the jitter.
            sleep: waits so many seconds.
            clock: steady seconds.
            robot_id: who asks, where several robots share a key: sent as `Spark-Robot-Id` with
                every request, so that our service's change feed can be asked for its answers.

        Raises:
            ValueError: the URL, key or robot id cannot be used. The key is not repeated.
        """
        if robot_id and (not is_header_text(robot_id) or len(robot_id) > MAX_ROBOT_ID_LENGTH):
            raise ValueError(
                f'the robot id {robot_id!r} is not 1 to {MAX_ROBOT_ID_LENGTH} visible ASCII '
                'characters'
            )
        self._sleep = sleep
        self._clock = clock
        self._api = ApiTransport(
            base_url,
            SecretHeader(*self.KEY_HEADER, api_key),
            timeout_s=timeout_s,
            connect_timeout_s=connect_timeout_s,
            deadline_s=deadline_s,
            retry=retry,
            verify=verify,
            transport=transport,
            random=random,
            sleep=sleep,
            clock=clock,
            headers={'Spark-Robot-Id': robot_id} if robot_id else {},
        )

    def __repr__(self) -> str:
        """Name the service, never the key."""
        return f'{type(self).__name__}({getattr(self, "_api", None)!r})'

    async def __aenter__(self: Client) -> Client:
        """Return itself; close with the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    @property
    def keeps_keys_s(self) -> float:
        """For how many seconds the service keeps idempotency keys, as its newest answer says.

        0 where it does not say: then a repeated POST may be carried out twice.
        """
        return self._api.keeps_keys_s

    async def aclose(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        await self._api.aclose()


def json_post(
    path: str,
    body: Mapping[str, Any],
    idempotency_key: str | None,
    *,
    params: Mapping[str, str] | None = None,
    patience_s: float = 0.0,
) -> HttpRequest:
    """Make a POST of JSON that can be repeated: its key and its bytes stay the same."""
    content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(',', ':')).encode()
    headers = key_header(idempotency_key) | {'Content-Type': 'application/json'}
    return HttpRequest('POST', path, params or {}, content, headers, patience_s)


def block_params(block_s: float) -> dict[str, str]:
    """Return the query that asks a service to wait with its answer for so many seconds.

    Raises:
        ValueError: it is not 0 to MAX_BLOCK_S.
    """
    if not 0 <= block_s <= MAX_BLOCK_S:
        raise ValueError(f'block_s is {block_s}; it must be 0 to {MAX_BLOCK_S}')
    return {'block': f'{block_s:g}'} if block_s else {}


def key_header(key: str | None) -> dict[str, str]:
    """Return the Idempotency-Key header of a POST; without a key it makes one up.

    Raises:
        ValueError: a header cannot carry the key, or it is too long.
    """
    if key is None:
        key = str(uuid.uuid4())
    if not is_header_text(key) or len(key) > MAX_KEY_LENGTH:
        raise ValueError(f'the idempotency key {key!r} is not 1 to 255 visible ASCII characters')
    return {'Idempotency-Key': key}


def path_part(id: str, what: str) -> str:
    """Quote an id for a path, so that it stays one part of it.

    Raises:
        ValueError: it is empty or dots, which would name another path.
    """
    if id in ('', '.', '..'):
        raise ValueError(f'{id!r} is no {what}')
    return quote(id, safe='')
